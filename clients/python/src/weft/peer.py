"""JSON-RPC over one connection, in both directions: calls of ours that wait, and calls to us that run."""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import codes
from .addresses import Address
from .beginnings import Beginnings
from .calling import Reading
from .context import Call
from .errors import Error, late, unavailable
from .json_text import dumps, loads, raw_member
from .outgoing import Outgoing
from .running import run
from .service import Method, Methods
from .sources import Source
from .wire import MAX_FRAME_BYTES, foreign

if TYPE_CHECKING:
    from .client import Node

log = logging.getLogger("weft")

FIRST_ID = re.compile(rb'"id"\s*:\s*(\d{1,18})[,}\s]')


class Peer(Outgoing):
    """A node, as seen over one connection. `node` is whoever uses it, for methods that call back."""

    def __init__(self, methods: Methods, frame_limit: int = MAX_FRAME_BYTES) -> None:
        super().__init__(frame_limit)
        self.methods = methods
        self.node: Node | None = None
        self.address: Address | None = None
        self.info: dict[str, Any] = {}
        self.draining: asyncio.Future[dict[str, Any]] = self.loop.create_future()
        self.reading: dict[int, Reading] = {}
        self.read_last: Reading | None = None      # whose items come now, probably
        self.beginnings = Beginnings(self.loop)
        self._notified: set[Call] = set()
        self._batched: dict[Call, Callable[[str], None]] = {}

    # What comes

    def on_payload(self, payload: bytes) -> None:
        if self.read_last is not None and self.read_last.take_next(payload):
            return
        try:
            message = loads(payload)
        except (ValueError, RecursionError) as error:
            return self._on_no_json(payload, error)
        if type(message) is dict:
            if "method" not in message:
                self._on_answer(message)
            elif message["method"] == "$/stream/item":
                self._on_item(message, payload)
            else:
                self._on_request(message, payload)
        elif type(message) is list and message:
            self._on_batch(message)
        else:
            self._refuse(codes.INVALID_REQUEST, "a message is an object, or an array of some")

    def _on_item(self, message: dict[str, Any], payload: bytes) -> None:
        """Most of what comes where a stream does, so it takes no turns."""
        params = message.get("params")
        if type(params) is not dict or not isinstance(id := params.get("id"), int) or "id" in message:
            self._on_request(message, payload)
        elif (reading := self.reading.get(id)) is not None:
            self.read_last = reading
            reading.take_item(params)

    def _on_answer(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        # True and 1.0 are equal to 1, and other ids.
        waiting = self._pending.pop(id, None) if type(id) is int else None
        if waiting is None:
            return self._on_answer_to_nothing(message)
        answer = waiting[0]
        if not answer.done():
            error = message.get("error")
            if error is not None:
                answer.set_exception(Error.from_json(error))
            elif "result" in message:
                answer.set_result(message["result"])
            else:
                answer.set_exception(unavailable(f"{waiting[2]}: the answer has neither result nor error"))
        if self._waiting_for_turn or self._idle is not None:
            self._gone()

    def _on_answer_to_nothing(self, message: dict[str, Any]) -> None:
        if message.get("error") is not None and message.get("id") is None:
            error = Error.from_json(message["error"])
            self.last_words = error.message
            # Whoever is still connecting is told why that fails.
            if self.info:
                log.warning("the node says: %s", error)
        elif "result" not in message and "error" not in message:
            self._refuse(codes.INVALID_REQUEST, "a request has a method, a response a result or an error")
        else:
            log.debug("an answer to nothing: %.200s", message)

    def _on_no_json(self, payload: bytes, error: Exception) -> None:
        # It may have been meant as an answer, and answers are not answered.
        if (named := FIRST_ID.search(payload)) and int(named[1]) in self._pending:
            return self._settle(int(named[1]), unavailable(f"the answer is no JSON: {error}"))
        self._refuse(codes.PARSE_ERROR, f"not JSON: {error}")

    def _on_batch(self, messages: list[Any]) -> None:
        """Of several requests the answers come in one frame."""
        answers: list[str | None] = []
        left = sum(type(each) is not dict or "method" in each and "id" in each or "method" not in each
                   and "result" not in each and "error" not in each for each in messages)

        def place() -> Callable[[str], None]:
            index = len(answers)
            answers.append(None)

            def put(text: str) -> None:
                nonlocal left
                answers[index] = text
                left -= 1
                if left == 0:
                    self.write(f"[{','.join(each for each in answers if each is not None)}]")

            return put

        for each in messages:
            if type(each) is not dict:
                self._refuse(codes.INVALID_REQUEST, "a message is an object", place())
            elif "method" in each:
                self._on_request(each, dumps(each).encode(), place() if "id" in each else None)
            elif "result" in each or "error" in each:
                self._on_answer(each)
            else:
                self._refuse(codes.INVALID_REQUEST, "a request has a method", place())

    def _refuse(self, code: int, why: str, put: Callable[[str], None] | None = None,
                id_text: int | str = "null") -> None:
        error = dumps(Error(code, why).to_json())
        (put or self.write)(f'{{"jsonrpc":"2.0","id":{id_text},"error":{error}}}')

    def on_broken_frame(self, length: int) -> None:
        if (other := foreign(length)) is not None:
            return self.close(other)
        over = length > 0
        self._refuse(codes.RESOURCE_EXHAUSTED if over else codes.INVALID_REQUEST,
                     f"a frame of {length} bytes; it has 1 to {self._reader.limit}")
        self.close(f"the node broke the protocol with a frame of {length} bytes")

    def on_end(self, reason: str) -> None:
        for timer in (self._ticking, self._heartbeat):
            if timer is not None:
                timer.cancel()
        for answer, _, method in self._pending.values():
            if not answer.done():
                answer.set_exception(unavailable(f"{method}: {reason}"))
        self._pending.clear()
        for waiter in self._waiting_for_turn:
            if not waiter.done():
                waiter.set_result(None)
        for call in [*self.serving.values(), *self._notified]:
            call.take_back(Error(codes.REQUEST_CANCELLED, reason))
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None
        if not self.draining.done():
            self.draining.cancel()

    # Calls to us

    def _on_request(self, message: dict[str, Any], payload: bytes, put: Callable[[str], None] | None = None) -> None:
        method = message["method"]
        params = message.get("params")
        if "id" not in message:
            if type(method) is str and message.get("jsonrpc") == "2.0":
                return self._on_notification(method, params, payload)
            return self._refuse(codes.INVALID_REQUEST, 'a message has "jsonrpc": "2.0" and a method', put)
        id = message["id"]
        if type(id) is int and id:
            key: int | str = id
            id_text: int | str = id
        elif id is None or type(id) in (int, float, str):
            # It goes back as it was written.
            key = id_text = raw_member(payload.decode(), "id") or "null"
        else:
            return self._refuse(codes.INVALID_REQUEST, "an id is a string, a number or null", put)
        if message.get("jsonrpc") != "2.0" or type(method) is not str:
            return self._refuse(codes.INVALID_REQUEST, 'a request has "jsonrpc": "2.0" and a method', put, id_text)
        if params is not None and type(params) is not list and type(params) is not dict:
            return self._refuse(codes.INVALID_REQUEST, "params are an object or an array", put, id_text)
        if method == "heartbeat":
            return (put or self.write)(f'{{"jsonrpc":"2.0","id":{id_text},"result":"ok"}}')
        if key in self.serving:
            return self._refuse(codes.INVALID_REQUEST, f"the call with the id {id_text} is under way", put, id_text)
        call = Call(self, method, key, id_text)
        self.serving[key] = call
        if put is not None:
            self._batched[call] = put
        try:
            found = self.methods.exact.get(method) or self.methods.find(method)
            self._read_members(call, message, found)
        except Error as error:
            return self.answer_error(call, error)
        run(call, found, params)

    def _read_members(self, call: Call, message: dict[str, Any], method: Method) -> None:
        if (remaining := message.get("deadline_ms")) is not None:
            if type(remaining) is not float and type(remaining) is not int:
                raise Error(codes.INVALID_REQUEST, "deadline_ms is a number of milliseconds")
            if remaining <= 0:
                raise late(f"{call.method}: the deadline has passed", "no")
            call.deadline = self.loop.time() + remaining / 1000
        if type(traceparent := message.get("traceparent")) is str:
            call.traceparent = traceparent
            call.tracestate = state if type(state := message.get("tracestate")) is str else None
        if method.streams and "stream" in message:
            call.source = Source.of(call, message["stream"])
            call.after = call.source.after
            if call.after is not None and not method.resumable:
                raise Error(codes.INVALID_PARAMS, f"{call.method}: it cannot go on behind a cursor, since it is not "
                            "resumable; leave out 'after'")

    def finish(self, call: Call) -> None:
        """A call to us has its answer."""
        call.ended = True
        if call.key is None:
            self._notified.discard(call)
        else:
            self.serving.pop(call.key, None)
        if self._idle is not None:
            self._check_idle()

    def answer(self, call: Call, result: str) -> None:
        """`result` is JSON text."""
        if call.ended:
            return
        self.finish(call)
        if call.key is None:
            return
        text = f'{{"jsonrpc":"2.0","id":{call.id_text},"result":{result}}}'
        if self._batched and (put := self._batched.pop(call, None)):
            return put(text)
        try:
            payload = text.encode()
        except UnicodeEncodeError as error:
            why = f"{call.method}: the answer is no UTF-8: {error}"
            return self._refuse(codes.INTERNAL_ERROR, why, None, call.id_text)
        if len(payload) > self.frame_bytes:
            return self._refuse(codes.RESOURCE_EXHAUSTED, f"{call.method}: the answer has {len(payload)} bytes, and "
                                f"the node takes {self.frame_bytes}", None, call.id_text)
        self.write_payload(payload)

    def answer_error(self, call: Call, error: Error) -> None:
        if call.ended:
            return
        self.finish(call)
        put = self._batched.pop(call, None) or self.write
        if call.key is None:
            log.warning("the notification %s failed: %s", call.method, error)
            return
        try:
            text = dumps(error.to_json())
        except (TypeError, ValueError, RecursionError) as no_json:
            text = dumps(Error(error.code, f"{error.message} (its data is no JSON: {no_json})").to_json())
        put(f'{{"jsonrpc":"2.0","id":{call.id_text},"error":{text}}}')

    # Notifications

    def _on_notification(self, method: str, params: Any, payload: bytes) -> None:
        if method.startswith("$/"):
            if type(params) is dict:
                self._on_control(method, params, payload)
            return
        try:
            found = self.methods.find(method)
        except Error:
            return
        call = Call(self, method)
        self._notified.add(call)
        run(call, found, params)

    def _on_control(self, method: str, params: dict[str, Any], payload: bytes) -> None:
        if method == "$/goaway":
            log.info("the node drains: %s", params.get("reason"))
            if not self.draining.done():
                self.draining.set_result(params)
            return
        id = params.get("id")
        key: int | str | None = id
        if type(id) is not int or not id:
            key = raw_member(raw_member(payload.decode(), "params") or "{}", "id")
        if method in ("$/stream/item", "$/stream/accept"):
            if type(key) is int and (reading := self.reading.get(key)) is not None:
                if method == "$/stream/item":
                    reading.take_item(params)
                else:
                    reading.take_accept(params)
        elif key is not None and (call := self.serving.get(key)) is not None:
            if method == "$/cancelRequest":
                call.take_back(Error(codes.REQUEST_CANCELLED, "cancelled by the caller"))
            elif call.source is not None:
                call.source.take(method, params)
