"""An asyncio client of a weft node: calls and is called over one TCP connection. Needs only Python 3.11.

    async with weft_client.connect("127.0.0.1:7400", name="me") as node:
        print(await node.call("demo.echo", ["hello"], timeout=2))

    await weft_client.serve("127.0.0.1:7400", name="users", methods={"users.get": get_user})

A method is a function, plain or async, that is called with the params: by name for an object, by position for
an array. Its result is the answer; raise RpcError to answer with an error. The call's cancellation and its
deadline cancel the function. `caller()` inside a method is the connection that the call came over.

Everything runs on one event loop: use a connection only from the loop that made it.
"""

import asyncio
import contextlib
import contextvars
import inspect
import itertools
import json
import logging
import os
import random
import struct

HEADER = struct.Struct(">i")
MAX_FRAME_BYTES = 16 << 20

METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR, CANCELLED = -32601, -32602, -32603, -32800
DEADLINE_EXCEEDED, UNAVAILABLE = 4, 14

log = logging.getLogger("weft")
_caller = contextvars.ContextVar("weft_caller")
caller = _caller.get


class RpcError(Exception):
    """An error answer, or a call that got no answer (codes 4 and 14, as the node itself would give them)."""

    def __init__(self, code, message, data=None):
        super().__init__(f"{message} (code {code})")
        self.code, self.message, self.data = code, message, data

    def to_json(self):
        """The error object of a JSON-RPC answer."""
        data = {} if self.data is None else {"data": self.data}
        return {"code": self.code, "message": self.message, **data}

    @property
    def safe_to_retry(self):
        """True when the method certainly did not run."""
        return isinstance(self.data, dict) and self.data.get("executed") == "no"


class Connection:
    """One connection to a node; made by `connect`. Reading, writing and every call go on independently."""

    def __init__(self, reader, writer, methods):
        self._reader, self._writer, self._methods = reader, writer, methods
        self._ids = itertools.count(1)
        self._pending = {}   # id of a call of ours -> future of its answer
        self._serving = {}   # id of a call to us -> task
        self._draining = False
        self._closed = asyncio.Event()
        self._heard = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(self._read())]
        self.node = None

    async def call(self, method, params=None, *, timeout=30, route_key=None):
        """The method's result. Raises RpcError. Cancelling the caller's task cancels the call.

        Calls with one `route_key`, any JSON value, reach one instance where `consistent_hash` balances the method."""
        if self._draining or self._closed.is_set():
            raise RpcError(UNAVAILABLE, f"{method} not sent: the connection is closing", {"executed": "no"})
        id = next(self._ids)
        answer = self._pending[id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                key = {} if route_key is None else {"route_key": route_key}
                self._send(id=id, method=method, params=params, deadline_ms=int(timeout * 1000), **key)
                await self._writer.drain()
                return await answer
        except TimeoutError:
            self._send(method="$/cancelRequest", params={"id": id})
            late = f"{method} gave no answer in {timeout} s"
            raise RpcError(DEADLINE_EXCEEDED, late, {"executed": "unknown"}) from None
        except asyncio.CancelledError:
            self._send(method="$/cancelRequest", params={"id": id})
            raise
        except ConnectionError as error:
            raise RpcError(UNAVAILABLE, f"{method}: {error}", {"executed": "unknown"})
        finally:
            self._pending.pop(id, None)
            self._leave_when_drained()

    async def notify(self, method, params=None):
        """A call without an answer."""
        self._send(method=method, params=params)
        await self._writer.drain()

    async def closed(self):
        """Waits until the connection has ended."""
        await self._closed.wait()

    def close(self, reason="closed by this side"):
        """Ends the connection: calls under way fail with UNAVAILABLE, methods under way are cancelled."""
        if self._closed.is_set():
            return
        self._closed.set()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(RpcError(UNAVAILABLE, reason, {"executed": "unknown"}))
        for task in [*self._tasks, *self._serving.values()]:
            task.cancel()
        self._writer.close()

    def _send(self, **message):
        if self._closed.is_set():
            return
        message = {"jsonrpc": "2.0", **message}
        if message.get("params", self) is None:
            del message["params"]
        payload = json.dumps(message, separators=(",", ":")).encode()
        self._writer.write(HEADER.pack(len(payload)) + payload)

    async def _read(self):
        reason = "the node closed the connection"
        try:
            while True:
                length, = HEADER.unpack(await self._reader.readexactly(HEADER.size))
                if not 0 < length <= MAX_FRAME_BYTES:
                    raise ValueError(f"frame of {length} bytes, expected 1 to {MAX_FRAME_BYTES}")
                payload = await self._reader.readexactly(length)
                self._heard = asyncio.get_running_loop().time()
                self._receive(json.loads(payload))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except ValueError as error:
            reason = f"the node broke the protocol: {error}"
        self.close(reason)

    def _receive(self, message):
        match message:
            case {"method": "heartbeat", "id": id}:
                self._send(id=id, result="ok")
            case {"method": str(method), "id": id}:
                task = self._serving[id] = asyncio.create_task(self._run(method, message))
                task.add_done_callback(lambda task: self._answer(id, task))
            case {"method": "$/cancelRequest", "params": {"id": id}}:
                if task := self._serving.get(id):
                    task.cancel()
            case {"method": "$/goaway"}:
                log.info("the node is draining: %s", message.get("params"))
                self._draining = True
                self._leave_when_drained()
            case {"method": method} if method in self._methods:
                task = asyncio.create_task(self._run(method, message))
                self._tasks.append(task)
                task.add_done_callback(self._tasks.remove)
            case {"id": id, "error": {"code": code, "message": text, **more}}:
                self._settle(id, lambda answer: answer.set_exception(RpcError(code, text, more.get("data"))))
            case {"id": id, "result": result}:
                self._settle(id, lambda answer: answer.set_result(result))

    def _settle(self, id, outcome):
        # An answer that comes after its timeout finds nobody waiting.
        if (answer := self._pending.get(id)) and not answer.done():
            outcome(answer)

    async def _run(self, method, message):
        """Runs one of our methods for the node."""
        _caller.set(self)
        if not (function := self._methods.get(method)):
            known = ", ".join(self._methods) or "none"
            raise RpcError(METHOD_NOT_FOUND, f"no method {method} here, only {known}")
        params = message.get("params") or []
        args, names = ((), params) if isinstance(params, dict) else (params, {})
        try:
            inspect.signature(function).bind(*args, **names)
        except TypeError as error:
            raise RpcError(INVALID_PARAMS, f"{method}: {error}")
        deadline_ms = message.get("deadline_ms")
        try:
            async with asyncio.timeout(deadline_ms and deadline_ms / 1000) as limit:
                result = function(*args, **names)
                return await result if inspect.isawaitable(result) else result
        except TimeoutError:
            if not limit.expired():
                raise
            raise RpcError(DEADLINE_EXCEEDED, f"{method} took longer than {deadline_ms} ms")

    def _answer(self, id, task):
        # In a callback of the task: a task that is cancelled before it ran is answered too.
        del self._serving[id]
        if task.cancelled():
            error = RpcError(CANCELLED, "cancelled")
        elif (error := task.exception()) and not isinstance(error, RpcError):
            log.error("a method failed", exc_info=error)
            error = RpcError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        try:
            outcome = {"error": error.to_json()} if error else {"result": task.result()}
            self._send(id=id, **outcome)
        except (TypeError, ValueError) as no_json:
            self._send(id=id, error={"code": INTERNAL_ERROR, "message": str(no_json)})
        self._leave_when_drained()

    def _leave_when_drained(self):
        # Requests for our methods may still be on their way: then it is the node that closes.
        if self._draining and not self._methods and not self._pending and not self._serving:
            self.close("the node is draining")

    async def _keep_alive(self, interval):
        """Shows the node that we live; leaves when it has been silent for three intervals."""
        loop = asyncio.get_running_loop()
        while loop.time() - self._heard < 3 * interval:
            self._send(id=f"heartbeat-{next(self._ids)}", method="heartbeat")
            await asyncio.sleep(interval)
        self.close(f"the node said nothing for {3 * interval} s")


@contextlib.asynccontextmanager
async def connect(address, *, name, instance=None, token=None, methods=None, serves=None, heartbeat=15):
    """A Connection to the node at HOST:PORT, introduced as `name`, serving `methods` (name -> function).

    `serves` is what the mesh is told, when names are not enough: [{"method": "users.get", "idempotent": True}, …].
    `token` says who this is, to a node that asks for one; without it the variable WEFT_TOKEN does."""
    token = token or os.environ.get("WEFT_TOKEN") or None
    host, _, port = address.rpartition(":")
    connection = Connection(*await asyncio.open_connection(host.strip("[]"), int(port)), methods or {})
    try:
        introduction = {"name": name, "instance": instance, "token": token, "heartbeat_ms": int(heartbeat * 1000),
                        "serves": list(connection._methods) if serves is None else serves}
        given = {member: value for member, value in introduction.items() if value is not None}
        connection.node = await connection.call("connect", given)
        interval = connection.node["heartbeat_ms"] / 1000
        connection._tasks.append(asyncio.create_task(connection._keep_alive(interval)))
        yield connection
    finally:
        connection.close()


async def serve(address, *, name, methods, **options):
    """Serves for ever: connects again, with a growing delay, whenever the connection ends.

    `options` are those of `connect`."""
    delay = 0.1
    while True:
        try:
            async with connect(address, name=name, methods=methods, **options) as connection:
                log.info("serving %s at node %s", ", ".join(methods), connection.node["node"])
                delay = 0.1
                await connection.closed()
                log.warning("the connection to %s ended", address)
        except (OSError, RpcError) as error:
            log.warning("cannot connect to %s: %s", address, error)
        # Jitter keeps a thousand services from coming back in the same instant.
        await asyncio.sleep(delay * random.uniform(0.5, 1))
        delay = min(2 * delay, 10)
