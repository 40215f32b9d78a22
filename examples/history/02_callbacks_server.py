#!/usr/bin/env python3
"""Rung 2: one thread serves everybody; a connection is four callbacks.   ./02_callbacks_server.py HOST:PORT"""

import sys
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from wire import address, answer, listen, pack, run, take


class Connection:
    """What was one function is four now, and its local variables have become members."""

    def open(self, selector, socket):
        self.selector, self.socket = selector, socket
        self.input, self.output = bytearray(), bytearray()
        socket.setblocking(False)
        selector.register(socket, EVENT_READ, (self.read, self.cleanup))

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            return self.cleanup()
        self.input += data
        while (request := take(self.input)) is not None:
            if response := answer(request):
                self.output += pack(response)
        if self.output:
            self.selector.modify(self.socket, EVENT_WRITE, (self.write, self.cleanup))

    def write(self):
        del self.output[:self.socket.send(self.output)]
        if not self.output:
            self.selector.modify(self.socket, EVENT_READ, (self.read, self.cleanup))

    def cleanup(self):
        self.selector.unregister(self.socket)
        self.socket.close()


def main(at):
    selector = DefaultSelector()
    listener = listen(at)

    def accept():
        Connection().open(selector, listener.accept()[0])

    selector.register(listener, EVENT_READ, (accept, lambda: None))
    while True:
        for key, _ in selector.select():
            callback, on_error = key.data
            try:
                callback()
            except (OSError, ValueError) as error:
                print(error, file=sys.stderr)
                on_error()


if __name__ == "__main__":
    run(main, "HOST:PORT", address)
