"""Both ends of streams as plain programs: a service that sends items within what it is granted, and a caller
that grants them."""

import json
import queue
import threading

from service import Service
from wire import TIMEOUT, frame, notification, request

UNLIMITED = 1 << 60


class Cancelled(Exception):
    """The caller has taken the stream back."""


class Emitter:
    """The callee's end of one stream. Counts what it is granted; `obey=False` sends whatever it is told to."""

    def __init__(self, got):
        self.got = got
        asked = got.message.get("stream") or {}
        self.asked = asked
        self.after = asked.get("after")
        self.credit = asked.get("credit", UNLIMITED)
        self.bytes = asked.get("bytes", UNLIMITED)
        self.seq = 0
        self.accepted = 0
        self.events = queue.Queue()
        self.cancelled = False
        self._changed = threading.Condition()

    @property
    def id(self):
        return self.got.id

    def emit(self, value, cursor=None, obey=True):
        """One item, as soon as it may be sent."""
        raw = json.dumps(value, separators=(",", ":"))
        with self._changed:
            if obey and not self._changed.wait_for(self._may_emit, TIMEOUT):
                raise AssertionError(f"no credit came: {self.credit} items, {self.bytes} bytes")
            if self.cancelled:
                raise Cancelled
            self.credit -= 1
            self.bytes -= len(raw)
            params = {"id": self.id, "seq": self.seq, "value": value}
            if cursor is not None:
                params["cursor"] = cursor
            self.seq += 1
        self.got._wire.send(notification("$/stream/item", params))

    def emit_many(self, raws):
        """The items that the list `raws` of JSON values has, in as few writes as what is granted allows."""
        done = 0
        while done < len(raws):
            out = []
            with self._changed:
                if not self._changed.wait_for(self._may_emit, TIMEOUT):
                    raise AssertionError(f"no credit came: {self.credit} items, {self.bytes} bytes")
                if self.cancelled:
                    raise Cancelled
                while done < len(raws) and self.credit > 0 and self.bytes > 0 and len(out) < 1000:
                    out.append(frame(b'{"jsonrpc":"2.0","method":"$/stream/item","params":{"id":%d,"seq":%d,"value":%s}}'
                                     % (self.id, self.seq, raws[done])))
                    self.credit -= 1
                    self.bytes -= len(raws[done])
                    self.seq += 1
                    done += 1
            self.got._wire.send_bytes(b"".join(out))

    def _may_emit(self):
        return self.cancelled or (self.credit > 0 and self.bytes > 0)

    def exhausted(self):
        return not self._may_emit()

    def accept(self, credit, **more):
        self.accepted += credit
        self.got._wire.send(notification("$/stream/accept", {"id": self.id, "credit": credit, **more}))

    def finish(self, result=None):
        self.got.answer(result)

    def take(self):
        """What the caller has sent: (name of the message, its params)."""
        return self.events.get(timeout=TIMEOUT)

    def _on(self, name, params):
        with self._changed:
            if name == "$/stream/credit":
                self.credit += params["credit"]
                self.bytes += params.get("bytes", 0)
            elif name == "$/cancelRequest":
                self.cancelled = True
            self._changed.notify_all()
        if name != "$/stream/credit":
            self.events.put((name.removeprefix("$/stream/"), params))


class StreamService(Service):
    """Serves streaming methods: `produce(emitter)` runs on a thread for each call, and what it returns is the
    answer. An exception of the class Cancelled ends it with the error that a taken-back call has."""

    def __init__(self, node, methods, produce, **connect):
        self._produce = produce
        self._open = {}
        self.emitters = queue.Queue()
        self.cleaned_up = threading.Event()
        serves = [method if isinstance(method, dict) else {"method": method, "stream": True} for method in methods]
        super().__init__(node, serves, self._on_request, **connect)

    def _on_payload(self, raw):
        message = json.loads(raw)
        name = message.get("method", "")
        if name.startswith("$/stream/") or name == "$/cancelRequest":
            emitter = self._open.get(message["params"]["id"])
            if emitter is not None:
                emitter._on(name, message["params"])
            return
        super()._on_payload(raw)

    def _on_request(self, got):
        emitter = Emitter(got)
        self._open[got.id] = emitter
        self.emitters.put(emitter)
        threading.Thread(target=self._run, args=(emitter,), daemon=True).start()

    def _run(self, emitter):
        try:
            emitter.finish(self._produce(emitter))
        except Cancelled:
            self.cleaned_up.set()
            emitter.got.fail(-32800, "cancelled")
        except OSError:
            pass
        finally:
            self._open.pop(emitter.id, None)

    def emitter(self):
        """The next stream that was asked for."""
        return self.emitters.get(timeout=TIMEOUT)


class Reader:
    """The caller's end of one stream, on a connection of its own or of several streams."""

    def __init__(self, wire, method, params=None, id="s", credit=0, send=True, stream=None, **members):
        self.wire = wire
        self.id = id
        self.items = []
        self.answer = None
        self.accepted = 0
        self.others = []
        member = {"credit": credit} if stream is None else stream
        self.request = request(id, method, params, stream=member, **members)
        if send:
            wire.send(self.request)

    def grant(self, credit, **more):
        self.tell("credit", credit=credit, **more)

    def tell(self, name, **params):
        self.wire.send(notification(f"$/stream/{name}", {"id": self.id, **params}))

    def cancel(self):
        self.wire.send(notification("$/cancelRequest", {"id": self.id}))

    def step(self):
        """Takes the next message that is there, or comes."""
        self._take(self.wire.receive())

    def _take(self, message):
        if message.get("method") == "$/stream/item" and message["params"]["id"] == self.id:
            assert message["params"]["seq"] == len(self.items), message
            assert self.answer is None, "an item behind the answer"
            self.items.append(message["params"]["value"])
        elif message.get("method") == "$/stream/accept" and message["params"]["id"] == self.id:
            self.accepted += message["params"]["credit"]
        elif message.get("id") == self.id and "method" not in message:
            self.answer = message
        else:
            self.others.append(message)

    def take_over(self, messages):
        """Takes those of its own that another reader of the connection came across."""
        for message in messages:
            self._take(message)

    def until_items(self, count):
        while len(self.items) < count:
            assert self.answer is None, self.answer
            self.step()
        return self.items

    def until_answer(self):
        while self.answer is None:
            self.step()
        return self.answer
