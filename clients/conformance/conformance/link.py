"""The played node's end of a connection to the client under test."""

import itertools

from .wire import Ended, Failed, Skipped, Wire, check_message, notification, request, same, short

UNSUPPORTED = -32601
NODE = "played"
LIMITS = {"frame_bytes": 1 << 20, "depth": 64, "batch_size": 100, "in_flight": 1024, "method_name_bytes": 256,
          "link_frame_bytes": (1 << 20) + 4096}
_ids = itertools.count(1)


class Link(Wire):
    """Sets messages aside until an edge asks for them. Answers heartbeats by itself unless it is told not to."""

    def __init__(self, connection, clock, record):
        super().__init__(connection, clock, record)
        self.answers_heartbeats = True
        self.introduced = None  # the params of `connect`
        self.has_left = False   # with `mesh.drain`
        self.port = None        # where the client has come to
        self._aside = []

    # What the node sends.

    def request(self, method, params=None, id=None, **members):
        """Sends a request; returns its id."""
        id = f"node-{next(_ids)}" if id is None else id
        self.send(request(id, method, params, **members))
        return id

    def notify(self, method, params=None, **members):
        self.send(notification(method, params, **members))

    def reply(self, to, result=None):
        self.send({"jsonrpc": "2.0", "id": to["id"], "result": result})

    def refuse(self, to, code, message="as the edge wants it", data=None):
        error = {"code": code, "message": message, **({} if data is None else {"data": data})}
        self.send({"jsonrpc": "2.0", "id": to["id"], "error": error})

    # What the client sends.

    def next(self, wanted, what):
        """The first message for which `wanted` holds; others wait for their turn."""
        for index, message in enumerate(self._aside):
            if wanted(message):
                return self._aside.pop(index)
        while True:
            message = self.receive(what)
            for each in message if isinstance(message, list) and message else [message]:
                check_message(each)
            if isinstance(message, dict) and self._is_liveness(message):
                continue
            if wanted(message):
                return message
            self._aside.append(message)

    def _is_liveness(self, message):
        if message.get("method") == "heartbeat" and self.answers_heartbeats:
            if "id" in message:
                self.reply(message, "ok")
            return True
        if message.get("method") in ("connect", "mesh.drain") and self.introduced is not None and "id" in message:
            self.reply(message, self.introduction() if message["method"] == "connect" else "ok")
            self.has_left = self.has_left or message["method"] == "mesh.drain"
            return True
        return False

    def response(self, id, what=None):
        """The response to this request, whatever it is."""
        def is_it(message):
            return isinstance(message, dict) and "method" not in message and same(message["id"], id)
        return self.next(is_it, what or f"the response to the call with id {short(id)}")

    def result(self, id, what=None):
        message = self.response(id, what)
        if "error" in message:
            if message["error"]["code"] == UNSUPPORTED:
                raise Skipped(message["error"]["message"])
            raise Failed(f"expected a result, got {short(message)}")
        return message["result"]

    def error(self, id, *codes):
        """The error that this request is answered with."""
        message = self.response(id)
        if "error" not in message:
            raise Failed(f"expected an error, got {short(message)}")
        if codes and message["error"]["code"] not in codes:
            expected = " or ".join(map(str, codes))
            raise Failed(f"expected an error of code {expected}, got {short(message['error'])}")
        return message["error"]

    def call(self, method, params=None, **members):
        """A call of the node, and its result."""
        return self.result(self.request(method, params, **members))

    def call_fails(self, method, params=None, *codes, **members):
        return self.error(self.request(method, params, **members), *codes)

    def incoming(self, method):
        """The client's next request or notification of this method."""
        return self.next(lambda message: isinstance(message, dict) and message.get("method") == method,
                         f"the client to send {method}")

    def of_stream(self, what, id):
        """The params of the next message of this stream."""
        name = f"$/stream/{what}"

        def is_it(message):
            return (isinstance(message, dict) and message.get("method") == name
                    and same(message.get("params", {}).get("id"), id))
        message = self.next(is_it, f"{name} for the stream {short(id)}")
        if "id" in message:
            raise Failed(f"expected a notification, got {short(message)}")
        return message["params"]

    def has(self, wanted):
        """Is such a message among those set aside?"""
        return any(wanted(message) for message in self._aside)

    def introduction(self, heartbeat_ms=None):
        asked = (self.introduced or {}).get("heartbeat_ms", 15_000)
        return {"node": NODE, "connection": "1", "heartbeat_ms": heartbeat_ms or asked, "limits": LIMITS}

    def receive_connect(self):
        """The `connect` that an introduction begins with; it is not answered yet."""
        message = self.next(lambda _: True, "the client to send connect")
        if not isinstance(message, dict) or message.get("method") != "connect" or "id" not in message:
            raise Failed(f"expected the request connect first, got {short(message)}")
        params = message.get("params")
        if not isinstance(params, dict):
            raise Failed(f"expected an object as params of connect, got {short(message)}")
        return message

    def introduce(self, heartbeat_ms=None):
        message = self.receive_connect()
        self.introduced = message["params"]
        self.reply(message, self.introduction(heartbeat_ms))
        return message["params"]

    def passes(self):
        """Everything that the client has sent so far is here once this returns: it answers in order or later."""
        self.result(self.request("heartbeat"), "the answer to a heartbeat")

    def settle(self, seconds=0.03):
        """Returns once nothing has come for a moment: for what must not come."""
        self.passes()
        while self.readable(seconds):
            self.next_sign_of_life()

    def quiet(self):
        """The connection goes on, and nothing has come that no edge has asked for."""
        self.passes()
        if self._aside:
            raise Failed(f"nobody expected {short(self._aside[0])}")

    def until(self, ready, what):
        """Waits for that; what comes meanwhile is set aside."""
        while not ready():
            message = self.receive(what)
            if not (isinstance(message, dict) and self._is_liveness(message)):
                self._aside.append(message)

    def ends(self, what="the client to close the connection"):
        """Waits for the end of the connection; what came before it is set aside."""
        try:
            self.until(lambda: False, what)
        except Ended:
            return

    def next_sign_of_life(self):
        """Waits for any frame; a heartbeat is answered."""
        message = self.receive("a sign of life")
        if not (isinstance(message, dict) and self._is_liveness(message)):
            self._aside.append(message)
