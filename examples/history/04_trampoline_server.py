#!/usr/bin/env python3
"""Rung 4: a connection is one function again, a generator that yields to wait.   ./04_trampoline_server.py HOST:PORT

Generators as Python 2.2 had them: values go out, nothing comes in, and `try … finally` around a yield was forbidden.
"""

import sys
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from wire import address, answer, listen, pack, run, take


def converse(socket):
    socket.setblocking(False)
    input, output = bytearray(), bytearray()
    while True:
        yield socket, EVENT_READ
        data = socket.recv(65536)
        if not data:
            socket.close()
            return
        input += data
        while (request := take(input)) is not None:
            if response := answer(request):
                output += pack(response)
        while output:
            yield socket, EVENT_WRITE
            del output[:socket.send(output)]


def accept(listener, selector):
    while True:
        yield listener, EVENT_READ
        bounce(selector, converse(listener.accept()[0]))


def bounce(selector, generator):
    """Runs a generator to its next yield, which says what it waits for."""
    try:
        socket, event = next(generator)
        selector.register(socket, event, generator)
    except StopIteration:
        pass
    except (OSError, ValueError) as error:  # The socket is left to the garbage collector: nobody here knows it.
        print(error, file=sys.stderr)


def wait(selector):
    """The trampoline: generators fall onto it when they yield, and it throws them back up when they can go on."""
    for key, _ in selector.select():
        selector.unregister(key.fileobj)
        bounce(selector, key.data)


def main(at):
    selector = DefaultSelector()
    bounce(selector, accept(listen(at), selector))
    while True:
        wait(selector)


if __name__ == "__main__":
    run(main, "HOST:PORT", address)
