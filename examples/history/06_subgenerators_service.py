#!/usr/bin/env python3
"""Rung 6, PEP 380: generators are made of generators. A service, at one node or several.

    ./06_subgenerators_service.py HOST:PORT...     serves names.get
"""

import json
import socket
import sys
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from wire import HEADER, METHODS, RpcError, address, answer, decode, length, outcome, pack, reason, run

NAMES = {1: "Ada", 2: "Grace", 3: "Barbara"}


def get(params):
    if not isinstance(params, list) or len(params) != 1 or params[0] not in NAMES:
        raise RpcError(-32602, f"takes [number], one of {sorted(NAMES)}; got {json.dumps(params)}")
    return NAMES[params[0]]


def read_exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        yield connection, EVENT_READ
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise EOFError("the node ended the connection")
        data += chunk
    return data


def read_message(connection):
    size = length((yield from read_exactly(connection, HEADER.size)))
    return decode((yield from read_exactly(connection, size)))


def write_message(connection, message):
    output = bytearray(pack(message))
    while output:
        yield connection, EVENT_WRITE
        del output[:connection.send(output)]


def call(connection, method, params):
    yield from write_message(connection, {"id": 0, "method": method, "params": params})
    # The next message is the answer only as long as nobody else uses the connection.
    return outcome((yield from read_message(connection)))


def serve(at):
    with socket.create_connection(at) as connection:
        connection.setblocking(False)
        joined = yield from call(connection, "connect", {"name": "names", "serves": ["names.get"]})
        print("ready at", joined["node"], flush=True)
        while True:
            request = yield from read_message(connection)
            if response := answer(request, {**METHODS, "names.get": get}):
                yield from write_message(connection, response)


def bounce(selector, generator):
    try:
        connection, event = next(generator)
        selector.register(connection, event, generator)
    except (StopIteration, OSError, EOFError, ValueError, RpcError) as end:
        print("left:", reason(end), file=sys.stderr)


def main(first, *others):
    selector = DefaultSelector()
    for node in (first, *others):
        bounce(selector, serve(node))
    while selector.get_map():
        for key, _ in selector.select():
            selector.unregister(key.fileobj)
            bounce(selector, key.data)
    sys.exit(1)  # No node is left.


if __name__ == "__main__":
    run(main, "HOST:PORT...", address)
