"""Streams of the client: its generators, stepped by the node."""

from ..client import equal, expect
from ..registry import edge
from ..wire import Failed, notification, request, short

ITEM = "`seq` counts from 0 without a gap; `value` passes through byte for byte"
CREDIT = "begins; so many items (and bytes of values) may come"
MORE = "A generator finds out that it has no more only when it is asked for one more."
BYTES = "An item may be sent while any bytes are left, also one that needs more."
ACLOSE = "its cleanup runs, then the response comes"
END = "the end; nothing for this id follows"
THROWN = "raised where the generator is suspended; it may catch it and go on"
DROPPED = "Messages of a stream that has ended, or never was, are dropped and counted."
RESUME = ("when the connection to the instance is lost, the node nearest the caller asks another one for what comes after the "
          "last `cursor` that it has passed on")
NOT_BEHIND = ("An `after` that a callee cannot go on behind is refused with -32602, before the first item: by a method that is "
              "not resumable")
EVERYONE = "Without `stream` in the request the node gathers the items and answers with an array of them"
DEADLINE = "`deadline_ms` holds for the whole stream."


class Served:
    """A stream that the node reads from the client."""

    def __init__(self, client, method, params, id=None, **stream):
        self.link, self.seq = client.link, 0
        self.id = self.link.request(f"conformance.{method}", params, id, stream=stream)

    def item(self):
        params = self.link.of_stream("item", self.id)
        equal(params.get("seq"), self.seq, "seq was")
        expect("value" in params, f"an item without a value: {short(params)}")
        self.seq += 1
        return params

    def values(self, count):
        return [self.item()["value"] for _ in range(count)]

    def tell(self, what, **params):
        self.link.notify(f"$/stream/{what}", {"id": self.id, **params})

    def accepted(self):
        params = self.link.of_stream("accept", self.id)
        expect(type(params.get("credit")) is int and params["credit"] > 0, f"expected some credit, got {short(params)}")
        return params["credit"]

    def cancel(self):
        self.link.notify("$/cancelRequest", {"id": self.id})

    def nothing_more(self, why):
        self.link.settle()
        own = "$/stream/item"
        expect(not self.link.has(lambda m: m.get("method") == own and m["params"]["id"] == self.id), why)

    def ends(self):
        """Its result; nothing for it may follow."""
        result = self.link.result(self.id)
        self.nothing_more("an item came behind the response")
        return result


@edge("served.items", ITEM, behind_a_node=True)
def items(client):
    stream = Served(client, "count", {"to": 5}, credit=100)
    equal(stream.values(5), [0, 1, 2, 3, 4], "the items were")
    stream.ends()


@edge("served.none", END, behind_a_node=True)
def none(client):
    Served(client, "count", {"to": 0}, credit=1).ends()


@edge("served.credit", CREDIT, behind_a_node=True)
def credit(client):
    stream = Served(client, "count", {"to": 20}, credit=2)
    equal(stream.values(2), [0, 1], "the items were")
    stream.nothing_more("more came than was granted: 2 items")
    stream.tell("credit", credit=1)
    equal(stream.values(1), [2], "the item was")
    stream.nothing_more("more came than was granted: 3 items")
    for _ in range(3):
        stream.tell("credit", credit=1)
    equal(stream.values(3), [3, 4, 5], "the items were")
    stream.nothing_more("more came than was granted: 6 items")
    stream.tell("credit", credit=1000)
    equal(stream.values(14), list(range(6, 20)), "the items were")
    stream.ends()


@edge("served.no_credit", CREDIT, behind_a_node=True)
def no_credit(client):
    stream = Served(client, "count", {"to": 3}, credit=0)
    stream.nothing_more("an item came without credit")
    stream.tell("credit", credit=9)
    equal(stream.values(3), [0, 1, 2], "the items were")
    stream.ends()


@edge("served.one_more", MORE, behind_a_node=True)
def one_more(client):
    stream = Served(client, "count", {"to": 3}, credit=3)
    equal(stream.values(3), [0, 1, 2], "the items were")
    stream.tell("credit", credit=1)
    stream.ends()


@edge("served.bytes", BYTES, behind_a_node=True)
def bytes_of_values(client):
    # Each of these values is a byte.
    stream = Served(client, "count", {"to": 9}, credit=100, bytes=3)
    equal(stream.values(3), [0, 1, 2], "the items were")
    stream.nothing_more("more came than was granted: 3 bytes of values")
    stream.tell("credit", credit=0, bytes=2)
    equal(stream.values(2), [3, 4], "the items were")
    stream.nothing_more("more came than was granted: 5 bytes of values")
    stream.tell("credit", credit=0, bytes=1000)
    equal(stream.values(4), [5, 6, 7, 8], "the items were")
    stream.ends()


@edge("served.bytes_of_a_long_one", BYTES, behind_a_node=True)
def bytes_of_a_long_one(client):
    # Values of two bytes: the one byte that is left is enough for one more.
    stream = Served(client, "count", {"to": 20}, after=9, credit=100, bytes=3)
    equal(stream.values(2), [10, 11], "the items were")
    stream.nothing_more("more came than was granted: 3 bytes, by values of two")
    stream.cancel()
    stream.link.response(stream.id)


@edge("served.bytes_without_credit", CREDIT, behind_a_node=True)
def bytes_without_credit(client):
    stream = Served(client, "count", {"to": 9}, credit=1, bytes=1000)
    stream.values(1)
    stream.tell("credit", credit=0, bytes=1000)
    stream.nothing_more("an item came with bytes, but without credit")
    stream.cancel()
    stream.link.response(stream.id)


@edge("served.cancel", ACLOSE, behind_a_node=True)
def cancel(client):
    # Once where the generator waits by itself, once where it is suspended.
    for credit in 5, 1:
        while (state := client.state())["waiting"] > 0:
            pass
        before = state["cleaned"]
        stream = Served(client, "hold", {}, credit=credit)
        equal(stream.values(1), [0], "the item was")
        stream.cancel()
        message = stream.link.response(stream.id)
        if "error" in message:
            equal(message["error"]["code"], -32800, "the code was")
        equal(client.state()["cleaned"], before + 1, "when the response had come, so many had cleaned up:")


@edge("served.cancel_at_a_yield", ACLOSE, behind_a_node=True)
def cancel_at_a_yield(client):
    stream = Served(client, "count", {"to": 1 << 40}, credit=3)
    stream.values(3)
    stream.cancel()
    stream.link.response(stream.id)
    stream.nothing_more("an item came behind the response")


@edge("served.cancel_at_once", ACLOSE, behind_a_node=True)
def cancel_at_once(client):
    for n in range(10):
        id = f"stream-{n}"
        client.link.send(request(id, "conformance.hold", {}, stream={"credit": 0}), notification("$/cancelRequest", {"id": id}))
        client.link.response(id)
    while client.state()["waiting"] > 0:
        pass


@edge("served.cancel_while_it_sends", END, behind_a_node=True)
def cancel_while_it_sends(client):
    stream = Served(client, "count", {"to": 1 << 40}, credit=1000)
    stream.values(10)
    stream.cancel()
    # Those that were on their way come before the response, in order.
    while True:
        def either(message):
            return message.get("method") == "$/stream/item" or "method" not in message and message["id"] == stream.id
        message = stream.link.next(either, "the response")
        if "method" not in message:
            break
        equal(message["params"]["seq"], stream.seq, "seq was")
        stream.seq += 1
    stream.nothing_more("an item came behind the response")


@edge("served.send", "a value into the generator", behind_a_node=True)
def send(client):
    stream = Served(client, "total", {}, credit=100)
    equal(stream.accepted() > 0, True, "credit:")
    equal(stream.values(1), [0], "the first item was")
    total = 0
    for n in range(5):
        stream.tell("send", seq=n, value=n + 1)
        total += n + 1
        equal(stream.values(1), [total], "the item was")
    stream.tell("end")
    stream.ends()


@edge("served.send_much", "so many values may be sent", behind_a_node=True)
def send_much(client):
    stream = Served(client, "total", {}, credit=1000)
    granted, sent = stream.accepted(), 0
    stream.values(1)
    while sent < 200:
        while granted == 0:
            granted += stream.accepted()
        for _ in range(min(granted, 200 - sent)):
            stream.tell("send", seq=sent, value=1)
            sent, granted = sent + 1, granted - 1
    equal(stream.values(200), list(range(1, 201)), "the items were")
    stream.tell("end")
    message = stream.link.next(lambda m: "method" not in m and m["id"] == stream.id, "the response")
    expect("result" in message, f"expected a result, got {short(message)}")
    while stream.link.has(lambda m: m.get("method") == "$/stream/accept"):
        stream.accepted()


@edge("served.send_one_by_one", "a value into the generator", behind_a_node=True)
def send_one_by_one(client):
    # With a credit of one the generator runs when it is asked.
    stream = Served(client, "total", {}, credit=1)
    stream.accepted()
    equal(stream.values(1), [0], "the first item was")
    stream.tell("send", seq=0, value=7)
    stream.nothing_more("an item came without credit")
    stream.tell("credit", credit=1)
    equal(stream.values(1), [7], "the item was")
    stream.cancel()
    stream.link.response(stream.id)


@edge("served.end", "no further `send`", behind_a_node=True)
def end(client):
    stream = Served(client, "total", {}, credit=9)
    stream.accepted()
    stream.values(1)
    stream.tell("send", seq=0, value=5)
    stream.tell("end")
    equal(stream.values(1), [5], "the item was")
    stream.ends()


@edge("served.end_at_once", "no further `send`", behind_a_node=True)
def end_at_once(client):
    stream = Served(client, "total", {}, credit=9)
    stream.tell("end")
    equal(stream.values(1), [0], "the item was")
    stream.link.result(stream.id)
    while stream.link.has(lambda m: m.get("method") == "$/stream/accept"):
        stream.accepted()


@edge("served.throw_caught", THROWN, behind_a_node=True)
def throw_caught(client):
    stream = Served(client, "total", {}, credit=9)
    stream.accepted()
    stream.values(1)
    stream.tell("throw", error={"code": 1, "message": "catch this"})
    equal(stream.values(1), [{"caught": "catch this"}], "the item was")
    stream.tell("send", seq=0, value=3)
    equal(stream.values(1), [3], "and goes on: the item was")
    stream.tell("end")
    stream.ends()


@edge("served.throw_not_caught", THROWN, behind_a_node=True)
def throw_not_caught(client):
    stream = Served(client, "total", {}, credit=9)
    stream.accepted()
    stream.values(1)
    stream.tell("throw", error={"code": 42, "message": "enough", "data": {"a": 1}})
    error = stream.link.error(stream.id, 42)
    equal(error["message"], "enough", "the message was")


@edge("served.throw_without_input", THROWN)
def throw_without_input(client):
    stream = Served(client, "count", {"to": 100}, credit=1)
    stream.values(1)
    stream.tell("throw", error={"code": 42, "message": "enough"})
    stream.link.error(stream.id, 42)


@edge("served.fails", END, behind_a_node=True)
def fails(client):
    stream = Served(client, "count", {"to": 3, "fail": 77}, credit=100)
    equal(stream.values(3), [0, 1, 2], "the items were")
    stream.link.error(stream.id, 77)
    stream.nothing_more("an item came behind the response")


@edge("served.wrong_params", "the method takes others", behind_a_node=True)
def wrong_params(client):
    stream = Served(client, "count", {"wrong": 1}, credit=100)
    stream.link.error(stream.id, -32602)


@edge("served.cursors", "when the connection to the instance is lost, the node nearest the caller asks another one for what "
      "comes after the last `cursor` that it has passed on", behind_a_node=True)
def cursors(client):
    stream = Served(client, "count", {"to": 4}, credit=100)
    for n in range(4):
        equal(stream.item().get("cursor"), n, "the cursor was")
    stream.ends()


@edge("served.resumed", RESUME, behind_a_node=True)
def resumed(client):
    stream = Served(client, "count", {"to": 8}, credit=100, after=4)
    equal(stream.values(3), [5, 6, 7], "behind the cursor 4 the items were")
    stream.ends()
    Served(client, "count", {"to": 8}, credit=100, after=7).ends()


@edge("served.not_resumable", NOT_BEHIND, behind_a_node=True)
def not_resumable(client):
    for after in 4, "x", {"at": 1}:
        stream = Served(client, "hold", {}, credit=100, after=after)
        stream.link.error(stream.id, -32602)
        stream.nothing_more(f"an item came although it cannot go on behind {short(after)}")


@edge("served.gathered", EVERYONE, behind_a_node=True)
def gathered(client):
    # A node always asks for a stream; whoever serves without one need not gather, but answers.
    message = client.link.response(client.control("count", {"to": 3}))
    if "result" in message:
        equal(message["result"], [0, 1, 2], "the result was")
    else:
        expect(message["error"]["code"] in (-32600, -32602), f"expected the items or -32600, got {short(message)}")


@edge("served.asked_of_a_plain_method", "A method that does not stream ignores the member.", behind_a_node=True)
def asked_of_a_plain_method(client):
    equal(client.do("echo", {"value": [1]}, stream={"credit": 5}), [1], "the result was")


@edge("served.malformed", "One that is malformed is refused with -32600.")
def malformed(client):
    for stream in None, 7, [], {}, {"credit": "2"}, {"credit": -1}, {"credit": 1, "bytes": "x"}:
        id = client.control("count", {"to": 2}, stream=stream)
        message = client.link.response(id)
        if "error" not in message:
            raise Failed(f'"stream": {short(stream)} was answered with {short(message)}')


@edge("served.malformed_messages", DROPPED)
def malformed_messages(client):
    stream = Served(client, "count", {"to": 4}, credit=1)
    stream.values(1)
    # Malformed ones may end the stream, and nothing else.
    for what, params in ("credit", {"credit": "x"}), ("throw", {}), ("throw", {"error": 7}), ("send", {}):
        stream.tell(what, **params)
    stream.link.passes()
    stream.cancel()
    stream.link.response(stream.id)
    equal(client.do("echo", {"value": 1}), 1, "the answer was")


@edge("served.two_at_once", ITEM, behind_a_node=True)
def two_at_once(client):
    one = Served(client, "count", {"to": 100}, id=1, credit=1)
    text = Served(client, "count", {"to": 100}, id="1", credit=2)
    equal([one.values(1), text.values(2)], [[0], [0, 1]], "the items were")
    one.tell("credit", credit=2)
    equal(one.values(2), [1, 2], "the items were")
    text.nothing_more("the other stream's credit was used")
    one.cancel()
    one.link.response(1)
    text.tell("credit", credit=1)
    equal(text.values(1), [2], "the other stream goes on: the item was")
    text.cancel()
    text.link.response("1")


@edge("served.ended", DROPPED, behind_a_node=True)
def ended(client):
    stream = Served(client, "count", {"to": 1}, credit=9)
    stream.values(1)
    stream.ends()
    stream.tell("credit", credit=5)
    stream.tell("send", seq=0, value=1)
    stream.tell("throw", error={"code": 1, "message": "x"})
    stream.tell("end")
    stream.cancel()


@edge("served.deadline", DEADLINE, behind_a_node=True)
def deadline(client):
    id = client.control("hold", {}, stream={"credit": 5}, deadline_ms=150)
    equal(client.link.of_stream("item", id)["value"], 0, "the item was")
    client.link.error(id, 4, -32800)
    while client.state()["waiting"] > 0:
        pass


@edge("served.nobody_else_notices", "So a caller that does not read stops its generator, and nobody else's calls", behind_a_node=True)
def nobody_else_notices(client):
    stream = Served(client, "count", {"to": 1 << 40}, credit=1000)
    for n in range(20):
        equal(client.do("echo", {"value": n}), n, "the answer was")
    stream.values(1000)
    stream.nothing_more("more came than was granted: 1000 items")
    stream.cancel()
    stream.link.response(stream.id)


@edge("served.values_granted_first", "A callee that takes values grants the first of them before its first item.", behind_a_node=True)
def values_granted_first(client):
    stream = Served(client, "total", {}, credit=9)
    names = "$/stream/accept", "$/stream/item"
    first = client.link.next(lambda m: isinstance(m, dict) and m.get("method") in names and m["params"].get("id") == stream.id,
                             f"{' or '.join(names)} for the stream {short(stream.id)}")
    equal(first["method"], names[0], "what came first was")
    expect(first["params"].get("credit", 0) > 0, f"expected some credit, got {short(first['params'])}")
    stream.values(1)
    stream.cancel()
    stream.link.response(stream.id)


@edge("served.value_too_many", "Whoever sends more than it was granted ends its own stream with 8", behind_a_node=True)
def value_too_many(client):
    stream = Served(client, "total", {}, credit=1)
    granted = stream.accepted()
    stream.values(1)
    for n in range(granted + 1):
        stream.tell("send", seq=n, value=1)
    stream.link.error(stream.id, 8)


@edge("served.value_out_of_order", "an item or value that is not the next one, by its `seq`, ends it with -32603. No other stream "
      "or call notices.", behind_a_node=True)
def value_out_of_order(client):
    stream = Served(client, "total", {}, credit=1)
    stream.accepted()
    stream.values(1)
    stream.tell("send", seq=3, value=1)
    stream.link.error(stream.id, -32603)
