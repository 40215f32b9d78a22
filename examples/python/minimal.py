#!/usr/bin/env python3
"""The smallest useful client: one connection, one call at a time.   ./minimal.py HOST:PORT METHOD [PARAMS]"""
import json
import socket
import struct
import sys


def send(connection, message):
    payload = json.dumps(message).encode()
    connection.sendall(struct.pack(">i", len(payload)) + payload)


def receive(stream):
    length, = struct.unpack(">i", stream.read(4))
    return json.loads(stream.read(length))


host, port = sys.argv[1].rsplit(":", 1)
params = json.loads(sys.argv[3]) if len(sys.argv) > 3 else []
with socket.create_connection((host, int(port)), timeout=10) as connection:
    stream = connection.makefile("rb")
    send(connection, {"jsonrpc": "2.0", "id": 1, "method": sys.argv[2], "params": params})
    answer = receive(stream)
print(json.dumps(answer.get("result", answer.get("error"))))
sys.exit("error" in answer)
