#!/usr/bin/env python3
"""A whole service without the client: it serves greeter.hello at the first node that answers.   HOST:PORT..."""
import itertools
import json
import socket
import struct
import sys
import time


def send(connection, message):
    payload = json.dumps({"jsonrpc": "2.0", **message}).encode()
    connection.sendall(struct.pack(">i", len(payload)) + payload)


def serve(connection):
    serves = [{"method": "greeter.hello", "idempotent": True}]
    send(connection, {"id": 0, "method": "connect", "params": {"name": "greeter", "serves": serves}})
    stream = connection.makefile("rb")
    while header := stream.read(4):
        message = json.loads(stream.read(*struct.unpack(">i", header)))
        if message.get("method") in ("greeter.hello", "heartbeat") and "id" in message:
            result = "ok" if message["method"] == "heartbeat" else "hello " + message["params"][0]
            send(connection, {"id": message["id"], "result": result})
        elif message.get("method") == "$/goaway" or "error" in message:
            return print(message, file=sys.stderr)


for host, _, port in itertools.cycle(address.rpartition(":") for address in sys.argv[1:]):
    try:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            serve(connection)
    except (OSError, struct.error):
        time.sleep(0.1)
