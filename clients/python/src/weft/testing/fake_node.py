"""A node for tests: connections within the loop, and calls between them as docs/protocol.md says, without a socket.

It routes, cancels, ends what is late, and passes streams on; what a mesh has beyond that it does not: retries, health,
limits, permissions.
"""

import asyncio
import dataclasses
import itertools
from typing import Any

from .. import codes
from ..connection import Connection
from ..errors import Error, late, unavailable
from ..json_text import dumps, loads
from .faults import Faults
from .memory import MemoryTransport

DEFAULT_DEADLINE = 30.0
TO_CALLEE = ("$/stream/credit", "$/stream/send", "$/stream/end", "$/stream/throw", "$/cancelRequest")
TO_CALLER = ("$/stream/item", "$/stream/accept")
# Items that a caller gets at once who did not ask for a stream.
GATHERED = 1 << 30


@dataclasses.dataclass(eq=False)
class _Passing:
    """A call under way: where it came from, and where it went."""

    caller: "_Port"
    caller_id: Any
    method: str
    callee: "_Port | None" = None
    callee_id: int = 0
    items: list[Any] | None = None    # of a stream that is gathered
    timer: asyncio.TimerHandle | None = None
    dropped: bool = False
    ended: bool = False


class _Port(Connection):
    """A client's or service's connection, from the node's side."""

    def __init__(self, node: "FakeNode") -> None:
        super().__init__()
        self.node = node
        self.name: str | None = None
        self.serves: dict[str, dict[str, Any]] = {}
        self.calls: dict[Any, _Passing] = {}      # that it made, by their ids
        self.runs: dict[int, _Passing] = {}       # that it runs
        self.ids = itertools.count(1)

    def send(self, **message: Any) -> None:
        self.write(dumps({"jsonrpc": "2.0", **message}))

    def on_payload(self, payload: bytes) -> None:
        message = loads(payload)
        match message:
            case {"method": str(method), "id": id}:
                self.node.request(self, method, id, message)
            case {"method": str(method), "params": {"id": id} as params} if method in TO_CALLEE:
                if (passing := self.calls.get(id)) and passing.callee is not None:
                    passing.callee.send(method=method, params={**params, "id": passing.callee_id})
                elif passing and method == "$/cancelRequest":
                    self.node.answer(passing, error=Error(codes.REQUEST_CANCELLED, "cancelled by the caller"))
            case {"method": str(method), "params": {"id": id} as params} if method in TO_CALLER:
                if passing := self.runs.get(id):
                    self.node.pass_item(passing, method, params)
            case {"method": str(method)}:
                self.node.notification(method, message.get("params"))
            case {"id": id} if passing := self.runs.pop(id, None):
                error = message.get("error")
                self.node.answer(passing, message.get("result"), error and Error.from_json(error))

    def on_broken_frame(self, length: int) -> None:
        self.close(f"a frame of {length} bytes")

    def on_end(self, reason: str) -> None:
        self.node.ports.discard(self)
        for passing in [*self.runs.values()]:
            self.node.answer(passing, error=unavailable("the connection to the instance was lost"))
        for passing in [*self.calls.values()]:
            passing.ended = True
            if passing.callee is not None:
                passing.callee.send(method="$/cancelRequest", params={"id": passing.callee_id})


class FakeNode:
    def __init__(self, loop: asyncio.AbstractEventLoop, faults: Faults) -> None:
        self.ports: set[_Port] = set()
        self.faults = faults
        self.came: list[tuple[str, Any]] = []     # methods that were called, and their params
        self._loop = loop
        self._turns = itertools.count()

    def accept(self, other: asyncio.Protocol) -> None:
        port = _Port(self)
        self.ports.add(port)
        MemoryTransport.join(other, port, self._loop)

    def request(self, port: _Port, method: str, id: Any, message: dict[str, Any]) -> None:
        params: Any = message.get("params")
        match method:
            case "connect":
                port.name = params.get("name")
                port.serves = {each["method"]: each for each in params.get("serves", ())}
                port.send(id=id, result={"node": "fake", "connection": port.name, "limits": {},
                                         "heartbeat_ms": params.get("heartbeat_ms", 15000)})
            case "heartbeat":
                port.send(id=id, result="ok")
            case "mesh.drain":
                port.serves = {}
                port.send(id=id, result="ok")
            case "mesh.health":
                port.send(id=id, result={"status": "SERVING"})
            case _:
                self.came.append((method, params))
                passing = port.calls[id] = _Passing(port, id, method)
                remaining = message.get("deadline_ms")
                if remaining is not None or "stream" not in message:
                    seconds = DEFAULT_DEADLINE if remaining is None else remaining / 1000
                    passing.timer = self._loop.call_later(seconds, self._expire, passing)
                self._go(passing, message)

    def _go(self, passing: _Passing, message: dict[str, Any]) -> None:
        fault = self.faults.next(passing.method)
        if fault is not None and fault.error is not None:
            return self.answer(passing, error=fault.error)
        passing.dropped = fault is not None and fault.dropped
        if fault is not None and fault.delay:
            self._loop.call_later(fault.delay, self._forward, passing, message)
        else:
            self._forward(passing, message)

    def _find(self, method: str) -> tuple[_Port, dict[str, Any]] | None:
        names = [method, *(f"{prefix}.*" for prefix in itertools.accumulate(method.split("."), "{}.{}".format))][::-1]
        for name in [method, *names]:
            serving = [port for port in self.ports if name in port.serves]
            if serving:
                serving.sort(key=lambda port: str(port.name))
                port = serving[next(self._turns) % len(serving)]
                return port, port.serves[name]
        return None

    def _forward(self, passing: _Passing, message: dict[str, Any]) -> None:
        if passing.ended:
            return
        if (found := self._find(passing.method)) is None:
            return self.answer(passing, error=Error(codes.METHOD_NOT_FOUND, f"method '{passing.method}' not found"))
        passing.callee, entry = found
        passing.callee_id = next(passing.callee.ids)
        passing.callee.runs[passing.callee_id] = passing
        sent: dict[str, Any] = {**message, "id": passing.callee_id}
        if passing.timer is not None:
            sent["deadline_ms"] = (passing.timer.when() - self._loop.time()) * 1000
        if not entry.get("stream"):
            sent.pop("stream", None)
        elif "stream" not in message:
            passing.items = []
            sent["stream"] = {"credit": GATHERED}
        passing.callee.send(**sent)

    def pass_item(self, passing: _Passing, method: str, params: dict[str, Any]) -> None:
        if passing.items is None:
            passing.caller.send(method=method, params={**params, "id": passing.caller_id})
        elif method == "$/stream/item":
            passing.items.append(params["value"])
        elif passing.callee is not None:
            passing.callee.send(method="$/stream/end", params={"id": passing.callee_id})

    def _expire(self, passing: _Passing) -> None:
        if passing.callee is not None:
            passing.callee.send(method="$/cancelRequest", params={"id": passing.callee_id})
        passing.dropped = False
        self.answer(passing, error=late("the deadline passed before the answer came"))

    def answer(self, passing: _Passing, result: Any = None, error: Error | None = None) -> None:
        if passing.callee is not None:
            passing.callee.runs.pop(passing.callee_id, None)
        if passing.ended or passing.dropped:
            return
        passing.ended = True
        if passing.timer is not None:
            passing.timer.cancel()
        passing.caller.calls.pop(passing.caller_id, None)
        if error is not None:
            passing.caller.send(id=passing.caller_id, error=error.to_json())
        else:
            passing.caller.send(id=passing.caller_id, result=result if passing.items is None else passing.items)

    def notification(self, method: str, params: Any) -> None:
        if not method.startswith("$/") and (found := self._find(method)) is not None:
            self.came.append((method, params))
            found[0].send(method=method, **({} if params is None else {"params": params}))
