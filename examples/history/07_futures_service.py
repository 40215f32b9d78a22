#!/usr/bin/env python3
"""Rung 7: a future is an answer that is not there yet, a task a generator that runs by itself.

    ./07_futures_service.py HOST:PORT     serves greeter.hello, which calls names.get through the node
"""

import itertools
import socket
import sys
from collections import deque
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from wire import METHODS, RpcError, address, answer, outcome, pack, run, take


class Future:
    def __init__(self):
        self.get, self.callbacks = None, []

    def set(self, get):
        """`get` returns the result, or raises what happened instead."""
        self.get = get
        for callback in self.callbacks:
            LOOP.ready.append(callback)

    def __iter__(self):
        if self.get is None:
            yield self
        return self.get()


class Task:
    """Steps a generator from one future to the next."""

    def __init__(self, generator):
        self.generator = generator
        LOOP.ready.append(self.step)

    def step(self):
        try:
            next(self.generator).callbacks.append(self.step)
        except StopIteration:
            pass


class Loop:
    def __init__(self):
        self.ready, self.selector = deque(), DefaultSelector()

    def event(self, file, event):
        future = Future()
        self.selector.register(file, event, future)
        return future

    def run(self):
        while self.ready or self.selector.get_map():
            while self.ready:
                self.ready.popleft()()
            for key, _ in self.selector.select():
                self.selector.unregister(key.fileobj)
                key.data.set(lambda: None)


LOOP = Loop()


class Node:
    """One task reads; every call and every request waits for itself alone."""

    def __init__(self, at):
        self.reading = socket.create_connection(at)
        self.reading.setblocking(False)
        self.writing = self.reading.dup()  # A selector takes each descriptor once.
        self.ids, self.calls, self.output = itertools.count(1), {}, bytearray()

    def call(self, method, params):
        id = next(self.ids)
        self.calls[id] = Future()
        self.send({"id": id, "method": method, "params": params})
        return (yield from self.calls[id])

    def send(self, message):
        if not self.output:
            Task(self.write())
        self.output += pack(message)

    def write(self):
        while self.output:
            yield from LOOP.event(self.writing, EVENT_WRITE)
            del self.output[:self.writing.send(self.output)]

    def read(self):
        input = bytearray()
        while True:
            yield from LOOP.event(self.reading, EVENT_READ)
            if not (data := self.reading.recv(65536)):
                sys.exit("the node ended the connection")
            input += data
            while (message := take(input)) is not None:
                if "method" in message:
                    Task(self.serve(message))
                elif message["id"] in self.calls:
                    self.calls.pop(message["id"]).set(partial(outcome, message))

    def serve(self, request):
        if request["method"] != "greeter.hello":
            response = answer(request, METHODS)
        else:
            try:
                name = yield from self.call("names.get", request.get("params"))
                response = {"id": request["id"], "result": f"hello {name}"}
            except RpcError as error:
                response = {"id": request["id"], "error": error.error}
        if response:
            self.send(response)

    def join(self):
        joined = yield from self.call("connect", {"name": "greeter", "serves": ["greeter.hello"]})
        print("ready at", joined["node"], flush=True)


def main(at):
    node = Node(at)
    Task(node.read())
    Task(node.join())
    LOOP.run()


if __name__ == "__main__":
    run(main, "HOST:PORT", address)
