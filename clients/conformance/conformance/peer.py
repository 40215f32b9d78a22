"""One end of a connection to a node: calls, is called, and streams both ways. On asyncio, and as small as it can be.

`faults` names what it does wrong on purpose: that is how the suite is tested.
"""

import asyncio
import contextlib
import contextvars
import inspect
import itertools
import struct

from .codec import (INTERNAL, INVALID, LATE, LOST, PARAMS, PARSE, TAKEN_BACK, UNKNOWN, RpcError, decode, encode, error_of,
                    written)
from .stream_ends import Read, Served

HEADER = struct.Struct(">i")
MAX_FRAME = 16 << 20
AHEAD = 16  # so many values may wait for a generator

deadline = contextvars.ContextVar("deadline", default=None)
trace = contextvars.ContextVar("trace", default={})
after = contextvars.ContextVar("after", default=None)


class Peer:
    """`methods` are functions by name; an async generator function is a stream; those in `with_input` take values, those in
    `resumable` go on behind a cursor."""

    def __init__(self, reader, writer, methods, with_input, faults, resumable=()):
        self._reader, self._writer, self._methods, self._with_input = reader, writer, methods, with_input
        self.faults, self._resumable = faults, resumable
        self._ids = itertools.count(1)
        self._pending, self._reading, self._serving, self._sending = {}, {}, {}, {}
        self._tasks, self._ended = set(), set()
        self._serial = asyncio.Lock()
        self.heard = asyncio.get_running_loop().time()
        self.draining, self.closed = asyncio.Event(), asyncio.Event()

    # Sending.

    def send(self, message):
        if not self.closed.is_set():
            text = "[" + ",".join(map(encode, message)) + "]" if isinstance(message, list) else encode(message)
            self._writer.write(HEADER.pack(len(text.encode())) + text.encode())

    def notify(self, method, params=None):
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})

    def take_back(self, id):
        if "no_cancel_sent" not in self.faults:
            self.notify("$/cancelRequest", {"id": id})

    def request(self, method, params, members):
        id = next(self._ids)
        future = self._pending[written(id)] = asyncio.get_running_loop().create_future()
        given = {name: value for name, value in members.items() if value is not None}
        self.send({"jsonrpc": "2.0", "id": id, "method": method, **({} if params is None else {"params": params}),
                   **({} if "trace_lost" in self.faults else trace.get()), **given})
        return id, future

    def forget(self, id):
        self._pending.pop(written(id), None)
        self._reading.pop(written(id), None)

    @staticmethod
    def limit(timeout):
        """When a call has to end, by its own time limit and by that of the method that makes it."""
        times = [None if timeout is None else asyncio.get_running_loop().time() + timeout, deadline.get()]
        return min((time for time in times if time is not None), default=None)

    def left(self, until):
        if until is None or "no_deadline" in self.faults:
            return None
        return max(0.001, round((until - asyncio.get_running_loop().time()) * 1000, 3))

    async def call(self, method, params=None, timeout=30, route_key=None):
        until = self.limit(None if "deadline_not_inherited" in self.faults else timeout)
        until = until if until is not None else asyncio.get_running_loop().time() + timeout
        if "deadline_not_inherited" in self.faults:
            until = asyncio.get_running_loop().time() + timeout
        id, answer = self.request(method, params, {"deadline_ms": self.left(until), "route_key": route_key})
        try:
            async with asyncio.timeout_at(until):
                return await answer
        except TimeoutError:
            self.take_back(id)
            raise RpcError(LATE, f"{method} gave no answer in time", {"executed": "unknown"}) from None
        except asyncio.CancelledError:
            self.take_back(id)
            raise
        except RpcError as error:
            executed = (error.object.get("data") or {}).get("executed") if isinstance(error.object.get("data"), dict) else None
            if "retries_unknown" in self.faults and error.code == LOST and executed == "unknown" and not self.closed.is_set():
                return await self.call(method, params, timeout, route_key)
            if "drops_data" in self.faults:
                error.object.pop("data", None)
            raise
        finally:
            self.forget(id)

    async def stream(self, method, params=None, window=64, steps=None, behind=None, timeout=None):
        """Takes the steps of a stream one by one: what came, and whether it came to its end."""
        until = self.limit(timeout)
        asked = {"credit": window, **({} if behind is None else {"after": behind})}
        id, answer = self.request(method, params, {"deadline_ms": self.left(until), "stream": asked})
        end = self._reading[written(id)] = Read(self.faults)
        answer.add_done_callback(lambda _: end.ring())
        got, granting = [], 0

        async def wait(ready):
            async with asyncio.timeout_at(until):
                await end.until(lambda: answer.done() or end.failure or ready())

        async def take():
            nonlocal granting
            await wait(lambda: end.items)
            if not end.items:
                if end.failure:
                    raise end.failure
                answer.result()
                return False
            got.append(end.items.popleft())
            granting += 1
            if not answer.done() and "never_grants" not in self.faults and 2 * granting >= window:
                credit = granting + (100 if "grants_too_much" in self.faults else 0)
                self.notify("$/stream/credit", {"id": id, "credit": credit})
                granting = 0
            return True

        try:
            for kind, *values in steps if steps is not None else [["end"]]:
                if kind == "take":
                    for _ in range(values[0]):
                        if not await take():
                            return {"items": got, "ended": True}
                elif kind in ("close", "closed"):
                    return {"items": got, "ended": False}
                else:
                    if kind == "send":
                        await wait(lambda: end.window.open or end.takes_nothing or "sends_without_credit" in self.faults)
                        if end.takes_nothing:
                            raise RpcError(PARAMS, f"{method} takes no values", {"executed": "unknown"})
                        if not answer.done():
                            self.notify("$/stream/send", {"id": id, **end.window.next(values[0])})
                    elif kind == "throw":
                        self.notify("$/stream/throw", {"id": id, "error": {"code": values[0], "message": values[1]}})
                    elif steps is not None:
                        self.notify("$/stream/end", {"id": id})
                    if not await take():
                        return {"items": got, "ended": True}
                    while kind == "end":
                        if not await take():
                            return {"items": got, "ended": True}
            return {"items": got, "ended": False}
        except RpcError as error:
            return {"items": got, "ended": False, "error": error.object}
        except TimeoutError:
            return {"items": got, "ended": False, "error": {"code": LATE, "message": "not in time", "data": {"executed": "unknown"}}}
        finally:
            if not answer.done():
                self.take_back(id)
                if "leaves_early" not in self.faults:
                    await asyncio.wait([answer])
            if not answer.cancel():
                answer.exception()
            self.forget(id)

    # Receiving.

    async def run(self):
        """Reads until the connection ends."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while (payload := await self._frame()) is not None:
                self.heard = asyncio.get_running_loop().time()
                if not self._hear(payload):
                    break
        self.close()

    async def _frame(self):
        if "frame_per_read" in self.faults:
            return (await self._reader.read(1 << 20))[4:] or None
        length, = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        if length > MAX_FRAME or length <= 0 and "takes_any_length" not in self.faults:
            return None
        return await self._reader.readexactly(max(0, length))

    async def until_idle(self):
        """Waits until none of our methods is under way."""
        while tasks := [*self._serving.values(), *self._tasks]:
            await asyncio.wait(tasks)

    def close(self):
        if self.closed.is_set():
            return
        self.closed.set()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(RpcError(LOST, "the connection was lost", {"executed": "unknown"}))
        for task in (*self._serving.values(), *self._tasks):
            self._end(task)
        self._writer.close()

    def _end(self, task):
        """Once: a second time would cut off the cleanup that the first one has begun."""
        first = task not in self._ended
        if first:
            self._ended.add(task)
            task.add_done_callback(self._ended.discard)
            task.cancel()
        return first

    def _hear(self, payload):
        try:
            message = decode(payload)
        except ValueError as error:
            if "closes_on_garbage" in self.faults:
                return False
            self.send({"jsonrpc": "2.0", "id": None, "error": {"code": PARSE, "message": str(error)}})
            return True
        if not isinstance(message, list):
            self._one(message, self.send)
        elif not message:
            self._one(None, self.send)
        else:
            self._batch(message)
        return True

    def _batch(self, messages):
        answers, open_ones = {}, 0

        def answer_of(place):
            def put(answer):
                answers[place] = answer
                if "batch_in_pieces" in self.faults:
                    self.send(answer)
                elif len(answers) == open_ones:
                    self.send([answers[each] for each in sorted(answers)])
            return put
        held = []
        for place, each in enumerate(messages):
            if self._asks(each):
                open_ones += 1
                held.append((each, answer_of(place)))
            else:
                self._one(each, None)
        for each, put in held:
            self._one(each, put)

    @staticmethod
    def _asks(message):
        if not isinstance(message, dict):
            return True
        is_response = "method" not in message and ("result" in message or "error" in message)
        return not is_response and ("id" in message or not isinstance(message.get("method"), str))

    def _one(self, message, answer):
        if isinstance(message, dict) and "method" not in message and ("result" in message or "error" in message):
            return self._response(message)
        wrong = self._wrong(message)
        if wrong:
            id = message.get("id") if isinstance(message, dict) else None
            id = None if isinstance(id, (dict, list, bool)) else id
            if answer:
                answer({"jsonrpc": "2.0", "id": id, "error": {"code": INVALID, "message": wrong}})
            return
        if "id" in message and not ("null_id_is_notification" in self.faults and message["id"] is None):
            self._request(message, answer)
        else:
            self._notification(message)

    @staticmethod
    def _wrong(message):
        if not isinstance(message, dict):
            return "a message is an object"
        if message.get("jsonrpc") != "2.0":
            return '"jsonrpc" is "2.0"'
        if not isinstance(message.get("method"), str):
            return '"method" is a string'
        if isinstance(message.get("id"), (dict, list, bool)):
            return '"id" is a string, a number or null'
        if not isinstance(message.get("params", []), (dict, list, type(None))):
            return '"params" is an array or an object'
        return None

    def _response(self, message):
        id = message.get("id")
        future = None if isinstance(id, (dict, list, bool)) else self._pending.get(written(id))
        try:
            error = error_of(message)
        except ValueError as problem:
            error = RpcError(LOST, f"a malformed response: {problem}", {"executed": "unknown"})
            if "answers_responses" in self.faults:
                self.send({"jsonrpc": "2.0", "id": None, "error": {"code": INVALID, "message": str(problem)}})
        if future and not future.done():
            if error:
                future.set_exception(error)
            else:
                future.set_result(message["result"])

    def _notification(self, message):
        method, params = message["method"], message.get("params")
        if method == "$/cancelRequest":
            id = params.get("id") if isinstance(params, dict) else None
            task = None if isinstance(id, (dict, list, bool)) else self._serving.get(self._key(id))
            if task and "ignores_cancel" not in self.faults:
                self._end(task)
        elif method == "$/goaway":
            self.draining.set()
            if "leaves_on_goaway" in self.faults:
                self.close()
        elif method.startswith("$/stream/"):
            what = method.removeprefix("$/stream/")
            table = self._reading if what in ("item", "accept") else self._sending
            id = params.get("id") if isinstance(params, dict) else None
            if not isinstance(id, (dict, list, bool)) and (end := table.get(written(id))):
                end.hear(what, params)
        elif method in self._methods:
            task = asyncio.create_task(self._run(method, message, None))
            self._tasks.add(task)
            task.add_done_callback(self._noted)
            if "answers_notifications" in self.faults:
                self.send({"jsonrpc": "2.0", "id": None, "result": None})

    def _noted(self, task):
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _key(self, id):
        return str(id) if "ids_by_value" in self.faults else written(id)

    def _request(self, message, answer):
        id, method = message["id"], message["method"]
        key = self._key(id)

        def refuse(error):
            answer({"jsonrpc": "2.0", "id": id, "error": error.object})
        if method == "heartbeat":
            if "no_heartbeat" not in self.faults:
                shown = float(id) if "ids_as_floats" in self.faults and isinstance(id, (int, float)) else id
                answer({"jsonrpc": "2.0", "id": shown, "result": "ok"})
            return
        if key in self._serving:
            return refuse(RpcError(INVALID, "a call of this id is under way"))
        if "one_id_space" in self.faults and written(id) in self._pending:
            return refuse(RpcError(INVALID, "this id is taken"))
        served = None
        try:
            if method not in self._methods:
                raise RpcError(UNKNOWN, f"no method {method} here")
            left = message.get("deadline_ms")
            if left is not None and left <= 0:
                raise RpcError(LATE, "no time is left", {"executed": "no"})
            if inspect.isasyncgenfunction(self._methods[method]) and "stream" in message:
                served = Served(message["stream"], self.faults)
                if served.after is not None and method not in self._resumable and "begins_anew" not in self.faults:
                    raise RpcError(PARAMS, f"{method} is not resumable")
                self._sending[key] = served
        except RpcError as error:
            return refuse(error)
        task = self._serving[key] = asyncio.create_task(self._run(method, message, served))
        task.add_done_callback(lambda task: self._done(key, id, task, answer))

    def _done(self, key, id, task, answer):
        self._serving.pop(key, None)
        self._sending.pop(key, None)
        if task.cancelled():
            if "cancel_unanswered" in self.faults:
                return
            outcome = {"error": {"code": TAKEN_BACK, "message": "cancelled", "data": {"executed": "unknown"}}}
        elif error := task.exception():
            known = error if isinstance(error, RpcError) else RpcError(INTERNAL, "internal error in the handler")
            outcome = {"error": known.object}
        else:
            outcome = {"result": task.result()}
        answer({"jsonrpc": "2.0", "id": id, **outcome})
        if "answers_twice" in self.faults and "error" in outcome:
            answer({"jsonrpc": "2.0", "id": id, **outcome})

    async def _run(self, method, message, served):
        """One of our methods; raises what it is answered with."""
        function, params = self._methods[method], message.get("params") or {}
        args, names = ((), params) if isinstance(params, dict) else (params, {})
        try:
            inspect.signature(function).bind(*args, **names)
        except TypeError as error:
            raise RpcError(PARAMS, f"{method}: {error}") from None
        trace.set({name: message[name] for name in ("traceparent", "tracestate") if isinstance(message.get(name), str)})
        left = message.get("deadline_ms")
        loop, task, timer, late = asyncio.get_running_loop(), asyncio.current_task(), None, False

        def expire():
            nonlocal late
            late = self._end(task)
        if left is not None:
            until = loop.time() + min(float(left), 3_600_000) / 1000
            deadline.set(until)
            timer = loop.call_at(until, expire)
        try:
            async with self._turn():
                if not inspect.isasyncgenfunction(function):
                    result = function(*args, **names)
                    return await result if inspect.isawaitable(result) else result
                after.set(served and served.after if "ignores_after" not in self.faults else None)
                generator = function(*args, **names)
                if served is None:
                    return [item[0] async for item in generator]
                return await self._drive(message["id"], served, generator, method in self._with_input)
        except asyncio.CancelledError:
            if late:
                raise RpcError(LATE, f"{method} took too long", {"executed": "unknown"}) from None
            raise
        finally:
            if timer:
                timer.cancel()

    @contextlib.asynccontextmanager
    async def _turn(self):
        if "serial" not in self.faults:
            yield
            return
        async with self._serial:
            yield

    async def _drive(self, id, end, generator, with_input):
        """Steps a generator of (value, cursor or None) as far as its caller lets it."""
        def tell(what, **params):
            self.notify(f"$/stream/{what}", {"id": id, **params})

        def accept(count):
            end.accepted += count
            tell("accept", credit=count)

        count, taken = 0, 0
        if with_input and "grants_late" not in self.faults:
            accept(AHEAD)

        def may_step():
            has_input = not with_input or count == 0 or end.sent or end.input_ended
            return end.failure or end.thrown or end.open and has_input
        closing = contextlib.nullcontext() if "answers_before_cleanup" in self.faults else contextlib.aclosing(generator)
        async with closing:
            while True:
                await end.until(may_step)
                if end.failure:
                    raise end.failure
                try:
                    if end.thrown:
                        value, cursor = await generator.athrow(end.thrown.popleft())
                    elif end.sent and count > 0:
                        value, cursor = await generator.asend(end.sent.popleft())
                        taken += 1
                    else:
                        value, cursor = await anext(generator)
                except StopAsyncIteration:
                    return None
                if 2 * taken >= AHEAD:
                    accept(taken)
                    taken = 0
                await end.until(lambda: end.failure or end.open)
                params = end.window.next(value)
                if "seq_from_one" in self.faults:
                    params["seq"] += 1
                tell("item", **params, **({} if cursor is None or "no_cursor" in self.faults else {"cursor": cursor}))
                count += 1
                if with_input and count == 1 and "grants_late" in self.faults:
                    accept(AHEAD)
                if count % 32 == 0:
                    await self._writer.drain()
                    await asyncio.sleep(0)
