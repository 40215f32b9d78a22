"""A peer that is no node: takes a node's link and shows exactly what comes over it."""

import json
import socket
import time

from wire import TIMEOUT, Wire

ROUTES = "mesh.routes"


class Link(Wire):
    """A connection that a node has dialled."""

    def __init__(self, accepted):
        self.timeout = TIMEOUT
        self._buffer = bytearray()
        self.socket = accepted
        self.socket.settimeout(TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive_payload(self):
        """Without what nodes tell each other of their methods, which may come at any time."""
        while json.loads(payload := super().receive_payload()).get("method") == ROUTES:
            pass
        return payload

    def receive_call(self, method):
        """The next message, which must be this method's request or notification; heartbeats are answered."""
        deadline = time.monotonic() + TIMEOUT
        message = self.receive()
        while message.get("method") == "heartbeat" != method:
            assert time.monotonic() < deadline, f"nothing but heartbeats came for {TIMEOUT} s, expected {method}"
            self.answer(message, "ok")
            message = self.receive()
        assert message.get("method") == method, f"expected {method}, got {message}"
        return message

    def answer(self, message, result):
        self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})


class FakePeer:
    """Listens on a port of the system's choice, at `host`."""

    def __init__(self, host="127.0.0.1", node_id="fake"):
        self.node_id = node_id
        self.socket = socket.create_server((host, 0))
        self.socket.settimeout(TIMEOUT)

    @property
    def address(self):
        return "%s:%d" % self.socket.getsockname()

    def accept(self):
        """The next connection, not yet introduced."""
        return Link(self.socket.accept()[0])

    def link(self):
        """The next connection, introduced as a node would: the link and the `connect` it came with."""
        link = self.accept()
        connect = link.receive_call("connect")
        link.answer(connect, {"node": self.node_id, "connection": "1", "heartbeat_ms": 15_000, "limits": {}})
        return link, connect

    def close(self):
        self.socket.close()
