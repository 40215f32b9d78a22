"""What an edge sees of a node under test: connections to it, of callers and of services that the edge plays.

Edges about what a service does (those of streams, for one) are walked through the node as well, with the service of this
suite behind it: so they hold of the node that is played what holds of a real one.
"""

import itertools
import os
import socket
import subprocess
import sys

from .link import Link
from .registry import NODE
from .runner import FAILED, Outcome, Recorder, attempt
from .wire import Clock, Failed, request

# How an alert and a handshake begin.
TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
_numbers = itertools.count(1)


def applies(edge):
    return edge.role == NODE or edge.behind_a_node


def connection_to(address, clock, record):
    try:
        return Link.to(address, clock, record)
    except OSError as error:
        raise Failed(f"the node takes no connection: {error}") from None


def why_no_node(address, limit):
    """What is there instead of a node; None where there may be one, of which the edges tell more."""
    try:
        link = connection_to(address, Clock(limit), lambda *_: None)
    except Failed as why:
        return str(why)
    try:
        link.send(request(1, "heartbeat"))
        first = link.socket.recv(4, socket.MSG_PEEK)
        if first == b"HTTP":
            return "it speaks HTTP; is this the admin port of a node?"
        if first[:2] in TLS_RECORDS:
            return "it speaks TLS, which this suite does not; give a port without it"
        match link.receive():
            case {"id": None, "error": {"message": str(said)}}:
                return said
    except (Failed, OSError):
        pass
    finally:
        link.close()
    return None


class Node:
    """The node, at an address. Everything that an edge opens is closed behind it."""

    def __init__(self, address, record):
        self.address, self._record = address, record
        self._opened, self._service = [], None
        self.clock = None
        self.prefix = ""

    def begin(self, clock):
        self.clock = clock
        # Nobody else serves methods of this name.
        self.prefix = f"conformance-{os.getpid()}-{next(_numbers)}"

    def connect(self):
        """A connection that has not introduced itself."""
        link = connection_to(self.address, self.clock, self._record)
        self._opened.append(link)
        return link

    def introduced(self, **params):
        link = self.connect()
        link.call("connect", {"name": self.prefix, "heartbeat_ms": 60_000, **params})
        return link

    def service(self, *methods, instance="a", **params):
        """A service that the edge plays; methods are names without the prefix, or entries with such a name."""
        entries = [{"method": each} if isinstance(each, str) else dict(each) for each in methods]
        for each in entries:
            each["method"] = self.name(each["method"])
        return self.introduced(instance=instance, serves=entries, **params)

    def name(self, method):
        return f"{self.prefix}.{method}"

    def close(self):
        for link in self._opened:
            link.close()
        self._opened.clear()


class BehindTheNode:
    """The service of this suite behind the node, as an edge sees a client: its link is that of a caller."""

    def __init__(self, address, record):
        self._address, self._record = address, record
        command = [sys.executable, "-m", "conformance", "serve", "%s:%d" % address]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._link = None

    def begin(self, clock):
        self.close_link()
        self._link = connection_to(self._address, clock, self._record)
        while "error" in self._link.response(self.control("state", {})):
            pass

    @property
    def link(self):
        return self._link

    def control(self, method, params, **members):
        return self._link.request(f"conformance.{method}", params, **members)

    def do(self, method, params, **members):
        return self._link.result(self.control(method, params, **members))

    def state(self):
        return self.do("state", {})

    def close_link(self):
        if self._link:
            self._link.close()

    def close(self):
        self.close_link()
        self._process.kill()
        self._process.wait()


def walk(address, edges, limit):
    """Yields an Outcome per edge."""
    record = Recorder()
    node, behind = Node(address, record), None
    try:
        for edge in edges:
            record.frames = []
            if edge.role == NODE:
                state, why = attempt(edge, node, limit)
                node.close()
            else:
                behind = behind or BehindTheNode(address, record)
                state, why = attempt(edge, behind, limit, lambda _, client: client.link.quiet())
            yield Outcome(edge, state, why, frames=record.frames if state == FAILED else [])
    finally:
        node.close()
        if behind:
            behind.close()
