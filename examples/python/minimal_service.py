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


def answer(method, params):
    if method == "heartbeat":
        return {"result": "ok"}
    if method != "greeter.hello":
        return {"error": {"code": -32601, "message": f"no method {method} here, only greeter.hello"}}
    match params:
        case [str(name)] | {"name": str(name)}:
            return {"result": "hello " + name}
    return {"error": {"code": -32602, "message": 'greeter.hello takes ["NAME"] or {"name": "NAME"}'}}


def serve(connection):
    serves = [{"method": "greeter.hello", "idempotent": True}]
    send(connection, {"id": 0, "method": "connect", "params": {"name": "greeter", "serves": serves}})
    stream = connection.makefile("rb")
    while header := stream.read(4):
        message = json.loads(stream.read(*struct.unpack(">i", header)))
        if message.get("method") == "$/goaway" or "error" in message and message.get("id") == 0:
            return print(message, file=sys.stderr)
        if "method" in message and "id" in message:
            send(connection, {"id": message["id"], **answer(message["method"], message.get("params"))})


try:
    nodes = [(host.strip("[]"), int(port)) for host, _, port in (each.rpartition(":") for each in sys.argv[1:])]
except ValueError:
    nodes = []
if not nodes:
    print(f"usage: {sys.argv[0]} HOST:PORT...", file=sys.stderr)
    sys.exit(64)
for node in itertools.cycle(nodes):
    try:
        with socket.create_connection(node, timeout=60) as connection:
            serve(connection)
    except (OSError, struct.error, ValueError) as error:
        print(*node, error, file=sys.stderr)
    time.sleep(0.1)
