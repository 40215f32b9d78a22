#!/usr/bin/env python3
"""Rung 3: tasklets that meet at channels, as in Stackless Python.   ./03_channels.py HOST:PORT [TURNS]

Stackless gave every tasklet a stack of its own that cost next to nothing. In the standard library only a thread
has one, so a thread plays the tasklet here; the channel is the same: who sends waits until somebody has received.
"""

import socket
import sys
from threading import Lock, Semaphore, Thread

from wire import address, answer, outcome, pack, receive, run


class Channel:
    """A rendezvous: no buffer, so whatever was sent is also known to have arrived."""

    def __init__(self):
        self._one_sender = Lock()
        self._offered, self._taken = Semaphore(0), Semaphore(0)

    def send(self, value):
        with self._one_sender:
            self._value = value
            self._offered.release()
            self._taken.acquire()

    def receive(self):
        self._offered.acquire()
        value = self._value
        self._taken.release()
        return value


def ping(turns, pings, pongs):
    for turn in range(1, turns + 1):
        pings.send(turn)
        print("ping", turn, "pong", pongs.receive(), flush=True)
    pings.send(None)


def pong(at, pings, pongs):
    """Owns the connection: nobody else touches it, so it needs no lock."""
    with socket.create_connection(at, timeout=10) as connection:
        stream = connection.makefile("rb")
        while (turn := pings.receive()) is not None:
            connection.sendall(pack({"id": turn, "method": "heartbeat"}))
            while "method" in (message := receive(stream) or sys.exit("the connection ended")):
                connection.sendall(pack(answer(message)))
            pongs.send(outcome(message))


def main(at, turns=3):
    pings, pongs = Channel(), Channel()
    tasklet = Thread(target=ping, args=(turns, pings, pongs), daemon=True)
    tasklet.start()
    pong(at, pings, pongs)
    tasklet.join()


if __name__ == "__main__":
    run(main, "HOST:PORT [TURNS]", address, int)
