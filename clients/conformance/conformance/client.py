"""What an edge sees of the client under test: its connection, and what it is told to do."""

import json

from .adapter import Adapter
from .link import UNSUPPORTED
from .wire import Failed, Skipped, check_message, same, short


class Client:
    """An adapter that serves, with the connection that it has now."""

    def __init__(self, command, record):
        self._adapter = Adapter(command, record)
        self._clock = None
        self._link = None

    @property
    def adapter(self):
        return self._adapter

    def begin(self, clock):
        """An edge begins: it has this much time."""
        self._clock = clock
        if self._link:
            self._link.clock = clock

    @property
    def clock(self):
        return self._clock

    @property
    def link(self):
        """The introduced connection."""
        if self._link is None:
            self._link = self.accept()
            self._link.introduce()
        return self._link

    @property
    def has_link(self):
        return self._link is not None

    def accept(self, port=None, what="the client to connect"):
        return self._adapter.accept(self._clock, port, what)

    def again(self, port=None, heartbeat_ms=None):
        """The client's next connection, introduced; edges go on with that one."""
        self._link = self.accept(port, "the client to connect again" if self._link else "the client to connect")
        self._link.introduce(heartbeat_ms)
        return self._link

    def serves(self, method):
        return any(method == (each if isinstance(each, str) else each.get("method"))
                   for each in self.link.introduced.get("serves", []))

    def control(self, method, params, **members):
        """Tells the client to do something; the id of that call. A client that cannot is skipped."""
        return self.link.request(f"conformance.{method}", params, **members)

    def do(self, method, params, **members):
        return self.link.result(self.control(method, params, **members))

    def calls(self, method, params=None, members=None, **more):
        """The client is told to make a call: a Call, once its request has come. `members` are of the request to it."""
        arguments = {"method": method, **({} if params is None else {"params": params}), **more}
        return self._told("call", method, arguments, **(members or {}))

    def streams(self, method, params=None, **more):
        """The same of a stream."""
        arguments = {"method": method, **({} if params is None else {"params": params}), **more}
        return self._told("stream", method, arguments)

    def _told(self, what, method, arguments, **members):
        link = self.link
        id = self.control(what, arguments, **members)

        def is_it(message):
            return isinstance(message, dict) and (
                message.get("method") == method or "method" not in message and same(message["id"], id))
        message = link.next(is_it, f"the client to call {method}")
        if message.get("method") != method:
            if message.get("error", {}).get("code") == UNSUPPORTED:
                raise Skipped(message["error"]["message"])
            raise Failed(f"told to call {method}, the client did not, and answered {short(message)}")
        return Call(link, message, lambda: link.result(id), id)

    def state(self):
        return self.do("state", {})

    def close(self):
        self._adapter.close()


class CallerProgram:
    """An adapter that is a caller: every call is a process of its own."""

    def __init__(self, command, record):
        self._command, self._record = command, record
        self._adapter = None
        self._clock = None

    @property
    def adapter(self):
        return self._adapter

    def begin(self, clock):
        self._clock = clock

    def calls(self, method, params=None):
        self.close()
        self._adapter = Adapter(self._command, self._record, method, json.dumps([] if params is None else params))
        link = self._adapter.accept(self._clock)
        message = link.next(lambda _: True, f"the client to send {method}")
        if isinstance(message, dict) and message.get("method") == "connect":
            link.introduced = message.get("params", {})
            link.reply(message, link.introduction())
            message = link.next(lambda _: True, f"the client to send {method}")
        if not isinstance(message, dict) or message.get("method") != method:
            raise Failed(f"expected a call of {method}, got {short(message)}")
        return Call(link, message, self._outcome)

    def _outcome(self):
        status, output = self._adapter.wait(self._clock)
        try:
            value = json.loads(output)
        except ValueError:
            if status == 0:
                raise Failed(f"it ended with 0 and printed no JSON: {short(output)}{self._adapter.tail()}") from None
            return {"broken": status}
        return {"result": value} if status == 0 else {"error": value}

    def close(self):
        if self._adapter:
            self._adapter.close()
            self._adapter = None


class Call:
    """A call of the client, as the node sees it, and what the client makes of its answer."""

    def __init__(self, link, message, outcome, control=None):
        self.link, self.message, self._outcome, self.control = link, message, outcome, control
        if "id" not in message:
            raise Failed(f"expected a request, got a notification: {short(message)}")
        check_message(message)

    @property
    def id(self):
        return self.message["id"]

    def reply(self, result=None):
        self.link.reply(self.message, result)

    def refuse(self, code, message="as the edge wants it", data=None):
        self.link.refuse(self.message, code, message, data)

    def outcome(self):
        """What the client says that the call came to."""
        return self._outcome()

    def result(self):
        outcome = self.outcome()
        if "result" not in outcome:
            raise Failed(f"expected a result, the client got {short(outcome)}")
        return outcome["result"]

    def error(self, *codes):
        outcome = self.outcome()
        error = outcome.get("error")
        if not isinstance(error, dict):
            raise Failed(f"expected an error, the client got {short(outcome)}")
        if codes and error.get("code") not in codes:
            raise Failed(f"expected an error of code {' or '.join(map(str, codes))}, the client got {short(error)}")
        return error

    # Of a stream.

    def item(self, seq, value, **members):
        self.link.notify("$/stream/item", {"id": self.id, "seq": seq, "value": value, **members})

    def accept(self, credit, **members):
        self.link.notify("$/stream/accept", {"id": self.id, "credit": credit, **members})

    def of_stream(self, what):
        return self.link.of_stream(what, self.id)

    @property
    def credit(self):
        stream = self.message.get("stream")
        if not isinstance(stream, dict) or type(stream.get("credit")) is not int:
            raise Failed(f'expected a request with "stream": {{"credit": n}}, got {short(self.message)}')
        return stream["credit"]


def expect(condition, what):
    if not condition:
        raise Failed(what)


def equal(got, expected, what="got"):
    if not same(got, expected):
        raise Failed(f"expected {short(expected)}, {what} {short(got)}")


def skip(why):
    raise Skipped(why)
