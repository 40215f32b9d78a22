"""An asyncio client of a weft node: calls and is called over one TCP connection. Needs only Python 3.11.

    async with weft_client.connect("127.0.0.1:7400", name="me") as node:
        print(await node.call("demo.echo", ["hello"], timeout=2))

        async for line in node.stream("log.tail", {"file": "a"}):
            print(line)

    await weft_client.serve("127.0.0.1:7400", name="users", methods={"users.get": get_user})

A method is a function, plain or async, that is called with the params: by name for an object, by position for
an array. Its result is the answer; raise RpcError to answer with an error. The call's cancellation and its
deadline cancel the function. `caller()` inside a method is the connection that the call came over.

A method that is an async generator function is served as a stream: it runs as far as its caller has asked for items,
and is closed when the caller takes the stream back or is gone. If its entry in `serves` has a member `input`, every
`yield` but the first `anext` waits for a value that the caller sends, and is that value, or None once the caller has
ended its side. If it is "resumable", it yields Item(value, cursor), and `after()` is the cursor behind which it is to
go on; None to begin.

Everything runs on one event loop: use a connection only from the loop that made it.
"""

import asyncio
import collections
import contextlib
import contextvars
import inspect
import itertools
import json
import logging
import math
import os
import random
import struct

HEADER = struct.Struct(">i")
MAX_FRAME_BYTES = 16 << 20
VALUES_AHEAD = 16  # so many values may wait for a generator of ours
BURST = 64         # items after which others on the loop have their turn

METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR, CANCELLED = -32601, -32602, -32603, -32800
DEADLINE_EXCEEDED, UNAVAILABLE = 4, 14

log = logging.getLogger("weft")
_caller = contextvars.ContextVar("weft_caller")
caller = _caller.get
_after = contextvars.ContextVar("weft_after", default=None)
after = _after.get

Item = collections.namedtuple("Item", "value cursor")


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


def _encode(value):
    return json.dumps(value, separators=(",", ":")).encode()


def _as_rpc_error(error):
    return error if isinstance(error, RpcError) else RpcError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")


def _cancel(task):
    """Once: a second time would cut off the cleanup that the first one has begun."""
    if not task.cancelling():
        task.cancel()


@contextlib.contextmanager
def _time_limit(seconds, late):
    """Cancels the task, as `_cancel` does, when the time is up; that is the RpcError `late` then."""
    task, expired = asyncio.current_task(), False

    def expire():
        nonlocal expired
        expired = not task.cancelling()
        _cancel(task)

    timer = seconds and asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        if not expired:
            raise
        task.uncancel()
        raise RpcError(DEADLINE_EXCEEDED, late) from None
    finally:
        if timer:
            timer.cancel()


class _StreamEnd:
    """Our end of a stream: what has come for it, and how much it may send."""

    def __init__(self, credit=0, bytes=None, after=None, **_):
        self.after = after
        self.came = collections.deque()    # of items, or of values that the caller has sent
        self.thrown = collections.deque()
        self.ended = False                 # no further value will come
        self._seq, self._credit, self._bytes = 0, credit, math.inf if bytes is None else bytes
        self._changed = asyncio.Event()

    @property
    def open(self):
        """May the next one be sent? It is not cut: any byte that is left is enough for it."""
        return self._credit > 0 and self._bytes > 0

    def next(self, value):
        """What to say of the next one beside its stream; it counts as sent."""
        params = {"seq": self._seq, "value": value}
        self._seq, self._credit, self._bytes = self._seq + 1, self._credit - 1, self._bytes - len(_encode(value))
        return params

    def receive(self, what, /, credit=0, bytes=None, value=None, cursor=None, error=None, **_):
        """The members of a message of this stream."""
        self._credit += credit
        if bytes is not None:
            # Who has named none so far has granted any number of them.
            self._bytes = bytes + (0 if self._bytes == math.inf else self._bytes)
        match what:
            case "item":
                self.came.append(Item(value, cursor))
            case "send":
                self.came.append(value)
            case "throw":
                code, message = error.get("code", INTERNAL_ERROR), error.get("message", "thrown by the caller")
                self.thrown.append(RpcError(code, message, error.get("data")))
            case "end":
                self.ended = True
        self.wake()

    def wake(self):
        self._changed.set()

    async def until(self, ready):
        while not ready():
            self._changed.clear()
            await self._changed.wait()


class Connection:
    """One connection to a node; made by `connect`. Reading, writing and every call go on independently."""

    def __init__(self, reader, writer, methods, with_input=()):
        self._reader, self._writer, self._methods, self._with_input = reader, writer, methods, with_input
        self._ids = itertools.count(1)
        self._pending = {}   # id of a call of ours -> future of its answer
        self._serving = {}   # id of a call to us -> task
        self._reading = {}   # id of a call of ours that streams -> our end
        self._sending = {}   # id of a call to us that streams -> our end
        self._draining = False
        self._closed = asyncio.Event()
        self._heard = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(self._read())]
        self.node = None

    async def call(self, method, params=None, *, timeout=30, route_key=None):
        """The method's result. Raises RpcError. Cancelling the caller's task cancels the call.

        Calls with one `route_key`, any JSON value, reach one instance where `consistent_hash` balances the method."""
        id, answer = self._request(method, params, deadline_ms=int(timeout * 1000), route_key=route_key)
        try:
            async with asyncio.timeout(timeout):
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

    async def stream(self, method, params=None, *, credit=64, deadline=None, after=None, cursors=False, route_key=None):
        """The method's items, as an async generator (PEP 525) whose body runs elsewhere, at most `credit` items ahead.

        `asend` gives it a value, as soon as it takes one. `athrow` raises an error there. Both return the next item:
        with a credit of 1 that is what the generator answers, with more come those first that were on their way.
        `aclose` takes the stream back, and returns when the cleanup there has run. A loop that is left early does that
        by itself, without waiting; to wait, write

            async with contextlib.aclosing(node.stream("log.tail")) as lines:
                async for line in lines:

        An error of the stream is raised as RpcError. `deadline` (seconds) holds for all of it. `after` is the cursor
        behind which a resumable method is to begin; with `cursors` the items are Item(value, cursor)."""
        loop = asyncio.get_running_loop()
        asked = {"credit": credit} if after is None else {"credit": credit, "after": after}
        limit = None if deadline is None else loop.time() + deadline
        deadline_ms = None if deadline is None else int(deadline * 1000)
        id, answer = self._request(method, params, stream=asked, deadline_ms=deadline_ms, route_key=route_key)
        end = self._reading[id] = _StreamEnd()
        answer.add_done_callback(lambda _: end.wake())

        async def until(ready):
            try:
                async with asyncio.timeout_at(limit):
                    await end.until(lambda: answer.done() or ready())
            except TimeoutError:
                late = f"{method} did not end in {deadline} s"
                raise RpcError(DEADLINE_EXCEEDED, late, {"executed": "unknown"}) from None

        taken = 0
        try:
            while True:
                await until(lambda: end.came)
                if not end.came:
                    answer.result()
                    return
                item = end.came.popleft()
                sent = None
                try:
                    sent = yield item if cursors else item.value
                except Exception as error:
                    if answer.done():
                        raise
                    self._tell(id, "throw", error=_as_rpc_error(error).to_json())
                if sent is not None:
                    await until(lambda: end.open)
                    if not answer.done():
                        self._tell(id, "send", **end.next(sent))
                taken += 1
                # Granted last: until then the generator waits for what was sent or thrown.
                if 2 * taken >= credit and not answer.done():
                    self._tell(id, "credit", credit=taken)
                    taken = 0
        finally:
            try:
                if not answer.done():
                    self._send(method="$/cancelRequest", params={"id": id})
                    await asyncio.wait([answer])
            finally:
                if not answer.cancel():
                    answer.exception()  # which nobody may have asked for
                del self._pending[id], self._reading[id]
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
            _cancel(task)
        self._writer.close()

    def _request(self, method, params, **members):
        """Sends a request: its id, and the future of its answer. Members that are None are left out."""
        if self._draining or self._closed.is_set():
            raise RpcError(UNAVAILABLE, f"{method} not sent: the connection is closing", {"executed": "no"})
        id = next(self._ids)
        given = {name: value for name, value in members.items() if value is not None}
        self._send(id=id, method=method, params=params, **given)
        answer = self._pending[id] = asyncio.get_running_loop().create_future()
        return id, answer

    def _tell(self, id, what, **params):
        self._send(method=f"$/stream/{what}", params={"id": id, **params})

    def _send(self, **message):
        if self._closed.is_set():
            return
        message = {"jsonrpc": "2.0", **message}
        if message.get("params", self) is None:
            del message["params"]
        payload = _encode(message)
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
                if inspect.isasyncgenfunction(self._methods.get(method)) and "stream" in message:
                    self._sending[id] = _StreamEnd(**message["stream"])
                task = self._serving[id] = asyncio.create_task(self._run(method, message))
                task.add_done_callback(lambda task: self._answer(id, task))
            case {"method": "$/cancelRequest", "params": {"id": id}}:
                if task := self._serving.get(id):
                    _cancel(task)
            case {"method": "$/stream/item" | "$/stream/accept" as name, "params": {"id": id, **members}}:
                if end := self._reading.get(id):
                    end.receive(name.removeprefix("$/stream/"), **members)
            case {"method": str(name), "params": {"id": id, **members}} if name.startswith("$/stream/"):
                if end := self._sending.get(id):
                    end.receive(name.removeprefix("$/stream/"), **members)
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
        with _time_limit(deadline_ms and deadline_ms / 1000, f"{method} took longer than {deadline_ms} ms"):
            end = self._sending.get(message.get("id"))
            _after.set(end and end.after)
            result = function(*args, **names)
            if inspect.isasyncgen(result):
                return await (self._drive(message["id"], end, result, method in self._with_input) if end
                              else self._gather(result))
            return await result if inspect.isawaitable(result) else result

    async def _drive(self, id, end, generator, with_input):
        """Steps a generator of ours as far as its caller lets it."""
        count, values = 0, 0
        if with_input:
            self._tell(id, "accept", credit=VALUES_AHEAD)

        def may_step():
            return end.thrown or end.open and (not with_input or count == 0 or end.came or end.ended)

        async with contextlib.aclosing(generator):
            while True:
                await end.until(may_step)
                try:
                    if end.thrown:
                        item = await generator.athrow(end.thrown.popleft())
                    elif end.came and count > 0:
                        item = await generator.asend(end.came.popleft())
                        values += 1
                    else:
                        item = await anext(generator)
                except StopAsyncIteration:
                    return
                if 2 * values >= VALUES_AHEAD:
                    self._tell(id, "accept", credit=values)
                    values = 0
                value, cursor = item if isinstance(item, Item) else (item, None)
                # What was thrown is let in without credit, but its answer is an item as any other.
                await end.until(lambda: end.open)
                self._tell(id, "item", **end.next(value), **({} if cursor is None else {"cursor": cursor}))
                await self._writer.drain()
                count += 1
                if count % BURST == 0:
                    # A generator that never waits would keep the loop for all that it was granted.
                    await asyncio.sleep(0)

    @staticmethod
    async def _gather(generator):
        """The items as an array, for a caller that did not ask for a stream and has no node that would gather them."""
        async with contextlib.aclosing(generator):
            return [item.value if isinstance(item, Item) else item async for item in generator]

    def _answer(self, id, task):
        # In a callback of the task: a task that is cancelled before it ran is answered too.
        del self._serving[id]
        self._sending.pop(id, None)
        if task.cancelled():
            error = RpcError(CANCELLED, "cancelled")
        elif (error := task.exception()) and not isinstance(error, RpcError):
            log.error("a method failed", exc_info=error)
            error = _as_rpc_error(error)
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


def _declare(entry, methods):
    """An entry of `serves`, which says that the method streams if it does."""
    name = entry if isinstance(entry, str) else entry.get("method")
    if not inspect.isasyncgenfunction(methods.get(name)):
        return entry
    return {"method": name, "stream": True, **({} if isinstance(entry, str) else entry)}


@contextlib.asynccontextmanager
async def connect(address, *, name, instance=None, token=None, methods=None, serves=None, heartbeat=15):
    """A Connection to the node at HOST:PORT, introduced as `name`, serving `methods` (name -> function).

    `serves` is what the mesh is told, when names are not enough: [{"method": "users.get", "idempotent": True}, …].
    `token` says who this is, to a node that asks for one; without it the variable WEFT_TOKEN does."""
    token = token or os.environ.get("WEFT_TOKEN") or None
    host, _, port = address.rpartition(":")
    methods = methods if methods is not None else {}
    serves = [_declare(entry, methods) for entry in (methods if serves is None else serves)]
    with_input = {entry["method"] for entry in serves if isinstance(entry, dict) and "input" in entry}
    connection = Connection(*await asyncio.open_connection(host.strip("[]"), int(port)), methods, with_input)
    try:
        introduction = {"name": name, "instance": instance, "token": token, "heartbeat_ms": int(heartbeat * 1000),
                        "serves": serves}
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
