#!/usr/bin/env python3
"""Rung 1, the client of the talk: it connects, then sends heartbeats.   ./01_blocking_client.py HOST:PORT [BEATS]"""

import socket
import time

from wire import address, answer, outcome, pack, receive, run


def call(connection, stream, id, method, params):
    connection.sendall(pack({"id": id, "method": method, "params": params}))
    while (message := receive(stream)) is not None:
        if message.get("id") == id and "method" not in message:
            return outcome(message)
        # The other side may call as well, to hear whether this one is alive.
        if response := answer(message):
            connection.sendall(pack(response))
    raise EOFError(f"the connection ended before {method} was answered")


def main(at, beats=3):
    with socket.create_connection(at, timeout=10) as connection:
        stream = connection.makefile("rb")
        joined = call(connection, stream, 0, "connect", {"name": "talk"})
        print("connected to", joined["node"], flush=True)
        for beat in range(1, beats + 1):
            time.sleep(0.1)
            print("heartbeat", beat, call(connection, stream, beat, "heartbeat", []), flush=True)


if __name__ == "__main__":
    run(main, "HOST:PORT [BEATS]", address, int)
