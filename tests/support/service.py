"""A service on a thread: registers methods over one connection and shows every byte that it is sent."""

import itertools
import json
import queue
import re
import threading

from mesh import eventually
from wire import TIMEOUT, Closed, Wire, request

_numbers = itertools.count(1)
READY = "ready"


class Refused(Exception):
    """The node did not accept the `connect`; `error` is its error object."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.error = error


class Request:
    """What a service was sent: the `raw` bytes, the decoded `message`, and the way to answer it."""

    def __init__(self, wire, raw):
        self._wire = wire
        self.raw = raw
        self.message = json.loads(raw)

    @property
    def id(self):
        return self.message.get("id")

    @property
    def method(self):
        return self.message["method"]

    @property
    def params(self):
        return self.message.get("params")

    def without_hop(self):
        """The raw bytes without what a hop changes: no deadline, and ID for the id that the node chose."""
        raw = re.sub(rb'"deadline_ms":\d+,', b"", self.raw, count=1)
        return re.sub(rb'("id"\s*:\s*)%d\b' % self.id, rb"\1ID", raw)

    def answer(self, result):
        self._wire.send({"jsonrpc": "2.0", "id": self.id, "result": result})

    def fail(self, code, message="failed", **more):
        self._wire.send({"jsonrpc": "2.0", "id": self.id, "error": {"code": code, "message": message, **more}})

    def answer_raw(self, template):
        """Answers with these bytes, in which ID stands for the id."""
        self._wire.send(template.replace(b"ID", json.dumps(self.id).encode()))


class Service:
    """Serves `serves` over one connection to a node.

    `handler` gets each `Request` on the service's thread; without one, requests wait in the queue that `take` reads.
    Further keywords become params of `connect`. A method of its own tells when a node can reach it."""

    def __init__(self, node, serves, handler=None, **connect):
        self.ready = f"{READY}.{next(_numbers)}"
        self._handler = handler
        self._taken = queue.Queue()
        self._answers = queue.Queue()
        self.wire = Wire(node.address)
        try:
            self.connected = self._introduce(serves, connect)
        except BaseException:
            self.wire.close()
            raise
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _introduce(self, serves, connect):
        answer = self.wire.call("connect", {"serves": [*serves, self.ready], **connect}, id="connect")
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def _read(self):
        try:
            while True:
                self._on_payload(self.wire.receive_payload())
        except (Closed, OSError, ValueError):
            self._taken.put(None)
            self._answers.put(None)

    def _on_payload(self, raw):
        got = Request(self.wire, raw)
        if "method" not in got.message:
            self._answers.put(got.message)
        elif got.method == self.ready:
            got.answer(READY)
        elif got.method == "heartbeat":
            if got.id is not None:
                got.answer("ok")
        elif self._handler is None or got.id is None:
            self._taken.put(got)
        else:
            self._handler(got)

    def call(self, method, params=None, **members):
        """A call that the service makes over its own connection: the answer."""
        self.wire.send(request("own", method, params, **members))
        answer = self._answers.get(timeout=TIMEOUT)
        assert answer is not None, "the node ended the connection where an answer was expected"
        return answer

    def taken(self):
        """All that `take` would give at once."""
        got = []
        while not self._taken.empty():
            got.append(self._taken.get())
        return got

    def take(self):
        """The next request or notification that no handler answers."""
        got = self._taken.get(timeout=TIMEOUT)
        assert got is not None, "the node ended the connection where a request was expected"
        return got

    def take_call(self):
        """The next request; cancellations of earlier ones are passed over, as a call may be cancelled twice."""
        while (got := self.take()).method == "$/cancelRequest":
            pass
        return got

    def idle(self):
        """True when nothing has come that was not taken."""
        return self._taken.empty()

    def reachable_from(self, wire):
        """Waits until this connection's node knows the way here."""
        eventually(lambda: wire.call(self.ready, id="probe").get("result") == READY, f"{self.ready} can be reached")

    def close(self):
        try:
            self.wire.socket.shutdown(2)
        except OSError:
            pass
        self._thread.join(TIMEOUT)
        self.wire.close()


def echo(got):
    """A handler that answers with the method and the params."""
    got.answer({"method": got.method, "params": got.params})
