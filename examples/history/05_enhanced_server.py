#!/usr/bin/env python3
"""Rung 5, PEP 342: send, throw and close go into the generator.   ./05_enhanced_server.py HOST:PORT [IDLE_SECONDS]"""

import math
import signal
import sys
import time
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from socket import socketpair

from wire import address, answer, listen, pack, run, take


class Wish:
    """What a generator yields: an operation on a socket, done for it when that can be done."""

    def __init__(self, socket, event, operation, seconds=math.inf):
        self.socket, self.event, self.operation = socket, event, operation
        self.due = time.monotonic() + seconds


def converse(socket, idle):
    input, asked = bytearray(), False
    try:
        while True:
            try:
                data = yield Wish(socket, EVENT_READ, partial(socket.recv, 65536), idle)
            except TimeoutError:
                if asked:
                    return print("silent", flush=True)
                asked, output = True, bytearray(pack({"id": "alive?", "method": "heartbeat"}))
            else:
                if not data:
                    return
                asked, output = False, bytearray()
                input += data
                while (request := take(input)) is not None:
                    output += pack(response) if (response := answer(request)) else b""
            while output:
                del output[:(yield Wish(socket, EVENT_WRITE, partial(socket.send, output), idle))]
    finally:
        socket.close()
        print("cleanup", flush=True)


def accept(listener, idle, start):
    while True:
        socket, _ = yield Wish(listener, EVENT_READ, listener.accept)
        socket.setblocking(False)
        start(converse(socket, idle))


def resume(selector, generator, step, value=None):
    """`step` is the generator's send or its throw."""
    try:
        wish = step(value)
        selector.register(wish.socket, wish.event, (generator, wish))
    except StopIteration:
        pass
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)


def wait(selector):
    due = min(key.data[1].due for key in selector.get_map().values())
    ready = [key for key, _ in selector.select(None if due == math.inf else max(0, due - time.monotonic()))]
    late = [key for key in selector.get_map().values() if key.data[1].due <= time.monotonic() and key not in ready]
    for key in ready + late:
        generator, wish = key.data
        selector.unregister(key.fileobj)
        try:
            if key in late:
                raise TimeoutError
            result = wish.operation()
        except OSError as error:  # TimeoutError is one.
            resume(selector, generator, generator.throw, error)
        else:
            resume(selector, generator, generator.send, result)


def terminate():
    """Waits for SIGTERM as for any other event, so that it interrupts nobody in the middle of a step."""
    ours, theirs = socketpair()
    signal.signal(signal.SIGTERM, lambda *_: theirs.close())
    yield Wish(ours, EVENT_READ, partial(ours.recv, 1))
    raise KeyboardInterrupt


def main(at, idle=10):
    selector = DefaultSelector()

    def start(generator):
        resume(selector, generator, generator.send)

    start(terminate())
    start(accept(listen(at), idle, start))
    try:
        while True:
            wait(selector)
    except KeyboardInterrupt:
        for key in list(selector.get_map().values()):
            key.data[0].close()
        print("stopped", flush=True)


if __name__ == "__main__":
    run(main, "HOST:PORT [IDLE_SECONDS]", address, float)
