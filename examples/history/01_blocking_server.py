#!/usr/bin/env python3
"""Rung 1, the server: it reads a request, answers it, reads the next.   ./01_blocking_server.py HOST:PORT"""

import sys

from wire import address, answer, listen, pack, receive, run


def converse(connection):
    stream = connection.makefile("rb")
    while (request := receive(stream)) is not None:
        if response := answer(request):
            connection.sendall(pack(response))


def main(at):
    listener = listen(at)
    while True:
        connection, peer = listener.accept()
        with connection:
            try:
                converse(connection)  # Meanwhile everybody else waits.
            except (OSError, ValueError) as error:
                print(f"{peer}: {error}", file=sys.stderr)


if __name__ == "__main__":
    run(main, "HOST:PORT", address)
