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


try:
    address, method, params = [*sys.argv[1:], "[]"][:3] if len(sys.argv) <= 4 else []
    host, port = address.rsplit(":", 1)
    address, params = (host.strip("[]"), int(port)), json.loads(params)
except ValueError:
    print(f"usage: {sys.argv[0]} HOST:PORT METHOD [PARAMS], which are a JSON array or object", file=sys.stderr)
    sys.exit(64)
try:
    with socket.create_connection(address, timeout=10) as connection:
        stream = connection.makefile("rb")
        send(connection, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = receive(stream)
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
except (ValueError, struct.error):
    sys.exit(f"{sys.argv[1]}: no frame of JSON came; is this the port of a node, without TLS?")
print(json.dumps(answer.get("result", answer.get("error"))))
sys.exit("error" in answer)
