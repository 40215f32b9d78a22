"""Streams that the client reads: what it grants, sends and throws."""

from ..client import equal, expect
from ..registry import CALLS, edge
from ..wire import short

BEGINS = "begins; so many items (and bytes of values) may come"
MORE = "So a caller that counts grants one more than it expects; the response itself needs no credit."
END = "the end; nothing for this id follows"
ACLOSE = "its cleanup runs, then the response comes"
GAP = ("an item or value that is not the next one, by its `seq`, ends it with -32603. No other stream or call notices.")
DROPPED = "Messages of a stream that has ended, or never was, are dropped and counted."


def is_over(stream, items, ended=True):
    outcome = stream.outcome()
    equal(outcome.get("items"), items, "the client took the items as")
    equal(outcome.get("ended"), ended, f"of {short(outcome)} ended was")
    drop_credit(stream)
    return outcome


def is_done(stream, items):
    """The stream comes to its end; the client has these items."""
    stream.reply(None)
    return is_over(stream, items)


def is_taken_back(stream, items):
    """The client takes it back, and says that it has these items."""
    message = stream.link.incoming("$/cancelRequest")
    equal(message["params"]["id"], stream.id, "what it took back was")
    stream.refuse(-32800, "cancelled")
    return is_over(stream, items, ended=False)


def feed(stream, values, first=0, granted=None):
    """Sends the values as the client grants them; returns what is left of its credit."""
    granted = stream.credit if granted is None else granted
    for seq, value in enumerate(values, first):
        while granted == 0:
            granted += credited(stream)
        stream.item(seq, value)
        granted -= 1
    return granted


def credited(stream):
    params = stream.of_stream("credit")
    more = params.get("credit")
    expect(type(more) is int and more >= 0, f"expected a credit of 0 or more, got {short(params)}")
    return more


def drop_credit(stream):
    """What the client has granted meanwhile, of this stream and others."""
    def is_it(message):
        return isinstance(message, dict) and message.get("method") == "$/stream/credit"
    stream.link.passes()
    while stream.link.has(is_it):
        stream.link.next(is_it, "credit")


def reads(client, method="demo.items", params=None, **options):
    return client.streams(method, [] if params is None else params, **options)


@edge("read.items", BEGINS, role=CALLS)
def items(client):
    stream = reads(client, window=10)
    expect(1 <= stream.credit <= 10, f"expected a credit of 1 to 10, got {short(stream.message)}")
    feed(stream, range(5))
    is_done(stream, [0, 1, 2, 3, 4])


@edge("read.none", END, role=CALLS)
def none(client):
    stream = reads(client)
    is_done(stream, [])


@edge("read.in_one_write", "Nothing stands between frames.", role=CALLS)
def in_one_write(client):
    stream = reads(client, window=50)
    count = stream.credit
    stream.link.send(*({"jsonrpc": "2.0", "method": "$/stream/item", "params": {"id": stream.id, "seq": n, "value": [n]}}
                       for n in range(count)), {"jsonrpc": "2.0", "id": stream.id, "result": None})
    is_over(stream, [[n] for n in range(count)])


@edge("read.credit", "so many more", role=CALLS)
def credit(client):
    for window in 1, 2, 7:
        stream = reads(client, window=window)
        expect(stream.credit <= window, f"a window of {window} became {short(stream.message)}")
        feed(stream, range(40))
        is_done(stream, list(range(40)))


@edge("read.window", BEGINS, role=CALLS)
def window(client):
    # It takes three and stops: never are more granted than the window beyond what was taken.
    stream = reads(client, window=4, steps=[["take", 3], ["send", 1], ["close"]])
    granted = stream.credit
    stream.accept(1)
    for n in range(3):
        while granted <= n:
            granted += credited(stream)
        stream.item(n, n)
    stream.link.settle()
    while stream.link.has(lambda m: m.get("method") == "$/stream/credit"):
        granted += credited(stream)
    expect(granted <= 3 + 4, f"with a window of 4 and 3 items taken {granted} were granted")
    equal(stream.of_stream("send")["value"], 1, "the value was")
    while granted <= 3:
        granted += credited(stream)
    stream.item(3, 3)
    is_taken_back(stream, [0, 1, 2, 3])


@edge("read.values", "`value` passes through byte for byte", role=CALLS)
def values(client):
    sent = [None, False, 0, "", [], {}, {"id": 1, "seq": 2}, "grüße 😀", [[1.5]], "x" * 100_000]
    stream = reads(client)
    feed(stream, sent)
    is_done(stream, sent)


@edge("read.error", END, role=CALLS)
def error(client):
    stream = reads(client)
    feed(stream, range(3))
    stream.refuse(404, "no more", {"a": 1})
    outcome = is_over(stream, [0, 1, 2], ended=False)
    equal(outcome["error"]["code"], 404, "the code was")
    equal(outcome["error"]["message"], "no more", "the message was")


@edge("read.refused", END, role=CALLS)
def refused(client):
    stream = reads(client)
    stream.refuse(-32601, "nobody serves it")
    outcome = is_over(stream, [], ended=False)
    equal(outcome["error"]["code"], -32601, "the code was")


@edge("read.close", ACLOSE, role=CALLS)
def close(client):
    stream = reads(client, window=10, steps=[["take", 2], ["close"]])
    feed(stream, range(5))
    message = stream.link.incoming("$/cancelRequest")
    equal(message["params"]["id"], stream.id, "what it took back was")
    # Items that were on their way, and then the response.
    stream.item(5, 5)
    stream.refuse(-32800, "cancelled")
    is_over(stream, [0, 1], ended=False)


@edge("read.close_waits", ACLOSE, role=CALLS)
def close_waits(client):
    stream = reads(client, window=10, steps=[["take", 1], ["closed"]])
    stream.item(0, 0)
    stream.link.incoming("$/cancelRequest")
    stream.link.settle()
    expect(not stream.link.has(lambda m: m.get("id") == stream.control), "it did not wait for the response")
    stream.refuse(-32800, "cancelled")
    is_over(stream, [0], ended=False)


@edge("read.send", "a value into the generator", role=CALLS)
def send(client):
    stream = reads(client, "demo.total", window=10, steps=[["take", 1], *(["send", n] for n in range(1, 6)), ["close"]])
    stream.accept(100)
    stream.item(0, 0)
    for n in range(5):
        params = stream.of_stream("send")
        equal(params.get("seq"), n, "seq was")
        equal(params.get("value"), n + 1, "the value was")
        stream.item(n + 1, (n + 1) * 10)
    is_taken_back(stream, [0, 10, 20, 30, 40, 50])


@edge("read.send_waits_for_credit", "so many values may be sent", role=CALLS)
def send_waits_for_credit(client):
    stream = reads(client, "demo.total", window=10, steps=[["take", 1], ["send", 7], ["send", 8], ["close"]])
    own = "$/stream/send"
    stream.accept(1)
    stream.item(0, 0)
    equal(stream.of_stream("send")["value"], 7, "the value was")
    stream.item(1, 1)
    stream.link.settle()
    expect(not stream.link.has(lambda m: m.get("method") == own), "a second value was sent, one was granted")
    stream.accept(1)
    equal(stream.of_stream("send")["seq"], 1, "seq was")
    stream.item(2, 2)
    stream.link.incoming("$/cancelRequest")
    stream.reply(None)
    stream.outcome()
    drop_credit(stream)


@edge("read.send_bytes", "Items are granted from end to end, bytes from hop to hop.", role=CALLS)
def send_bytes(client):
    stream = reads(client, "demo.total", window=10, steps=[["take", 1], ["send", "abcdef"], ["send", 2], ["close"]])
    # A byte is enough for a value of eight; then there is none left.
    stream.accept(10, bytes=1)
    stream.item(0, 0)
    equal(stream.of_stream("send")["value"], "abcdef", "the value was")
    stream.item(1, 1)
    stream.link.settle()
    expect(not stream.link.has(lambda m: m.get("method") == "$/stream/send"), "a value was sent, although no byte was left")
    stream.accept(0, bytes=100)
    equal(stream.of_stream("send")["value"], 2, "the value was")
    stream.item(2, 2)
    stream.link.incoming("$/cancelRequest")
    stream.reply(None)
    stream.outcome()
    drop_credit(stream)


@edge("read.takes_no_values", "So a caller that gets an item before any `$/stream/accept` knows that nothing can be sent.", role=CALLS)
def takes_no_values(client):
    stream = reads(client, window=10, steps=[["take", 1], ["send", 7]])
    stream.item(0, 0)
    # It need not wait for credit that never comes: it says what is wrong, and takes the stream back.
    outcome = is_taken_back(stream, [0])
    expect(isinstance(outcome.get("error"), dict), f"expected an error, the client got {short(outcome)}")
    expect(not stream.link.has(lambda m: m.get("method") == "$/stream/send"), "a value was sent, although none was granted")


@edge("read.throw", "raised where the generator is suspended; it may catch it and go on", role=CALLS)
def throw(client):
    stream = reads(client, "demo.total", window=10, steps=[["take", 1], ["throw", 1, "catch this"], ["throw", 42, "enough"]])
    stream.item(0, 0)
    params = stream.of_stream("throw")
    equal(params["error"]["code"], 1, "the code was")
    equal(params["error"]["message"], "catch this", "the message was")
    stream.item(1, "caught")
    equal(stream.of_stream("throw")["error"]["code"], 42, "the code was")
    stream.refuse(42, "enough")
    outcome = is_over(stream, [0, "caught"], ended=False)
    equal(outcome["error"]["code"], 42, "the code was")


@edge("read.end", "no further `send`", role=CALLS)
def end(client):
    stream = reads(client, "demo.total", window=10, steps=[["take", 1], ["send", 5], ["end"]])
    stream.accept(10)
    stream.item(0, 0)
    stream.of_stream("send")
    stream.item(1, 5)
    params = stream.of_stream("end")
    equal(params.get("id"), stream.id, "the id was")
    is_done(stream, [0, 5])


@edge("read.after", "`id` is that of the request as its receiver knows it: a service gets the one that the node has chosen.",
      role=CALLS)
def after(client):
    for cursor in 4, "page-2", [1, {"a": None}]:
        stream = reads(client, after=cursor)
        equal(stream.message["stream"].get("after"), cursor, "after was")
        feed(stream, [5])
        is_done(stream, [5])


@edge("read.cursors", "A `cursor` is any JSON value of at most 1,024 bytes; a longer one ends the stream with -32603.",
      role=CALLS)
def cursors(client):
    stream = reads(client)
    for seq, cursor in enumerate([0, "text", [1], {"a": 1}, None, "x" * 1000]):
        stream.item(seq, seq, cursor=cursor)
    is_done(stream, [0, 1, 2, 3, 4, 5])


@edge("read.deadline", "`deadline_ms` holds for the whole stream.", role=CALLS)
def deadline(client):
    stream = reads(client, timeout_ms=300)
    left = stream.message.get("deadline_ms")
    expect(left is not None and 0 < float(left) <= 300, f"expected a deadline_ms of at most 300, got {short(stream.message)}")
    stream.item(0, 0)
    outcome = is_taken_back(stream, [0])
    equal(outcome["error"]["code"], 4, "the code was")


@edge("read.without_deadline", "`protocol.default_deadline` holds where the node gathers, but not for a request with `stream`",
      role=CALLS)
def without_deadline(client):
    stream = reads(client)
    is_done(stream, [])


@edge("read.gap", GAP, role=CALLS)
def gap(client):
    for seq in 2, 0, -1:
        stream = reads(client, window=10)
        stream.item(0, "first")
        stream.item(seq, "not the next")
        stream.link.settle()
        # It may take the stream back at once, or find out at the end.
        stream.reply(None)
        outcome = stream.outcome()
        expect("not the next" not in outcome["items"], f"behind item 0 the item {seq} was taken: {short(outcome)}")
        expect(isinstance(outcome.get("error"), dict), f"expected an error, the client got {short(outcome)}")
        while stream.link.has(lambda m: m.get("method") == "$/cancelRequest"):
            stream.link.incoming("$/cancelRequest")
        drop_credit(stream)


@edge("read.items_of_nothing", DROPPED, role=CALLS)
def items_of_nothing(client):
    for id in "none", 123456, None, {}, []:
        client.link.notify("$/stream/item", {"id": id, "seq": 0, "value": 1})
        client.link.notify("$/stream/accept", {"id": id, "credit": 1})
    stream = reads(client)
    feed(stream, [1])
    is_done(stream, [1])
    stream.item(1, 2)
    stream.accept(1)
    stream.link.passes()


@edge("read.two_at_once", "`seq` counts from 0 without a gap; `value` passes through byte for byte", role=CALLS)
def two_at_once(client):
    one, two = reads(client, "demo.one", window=3), reads(client, "demo.two", window=3)
    left = [one.credit, two.credit]
    for n in range(12):
        for which, stream in enumerate((one, two)):
            left[which] = feed(stream, [n * 10 + which], first=n, granted=left[which])
    one.reply(None)
    is_over(one, [n * 10 for n in range(12)])
    two.refuse(5, "the other ends otherwise")
    equal(is_over(two, [n * 10 + 1 for n in range(12)], ended=False)["error"]["code"], 5, "the code was")


@edge("read.of_a_plain_method", "A method that does not stream ignores the member.", role=CALLS)
def of_a_plain_method(client):
    stream = reads(client)
    stream.reply({"plain": 1})
    outcome = stream.outcome()
    equal(outcome.get("items"), [], "the items were")


@edge("read.control_is_cancelled", "The cancellation travels on to the calls that the method has under way", role=CALLS)
def control_is_cancelled(client):
    stream = reads(client)
    stream.item(0, 0)
    client.link.notify("$/cancelRequest", {"id": stream.control})
    message = client.link.incoming("$/cancelRequest")
    equal(message["params"]["id"], stream.id, "what it took back was")
    stream.refuse(-32800, "cancelled")
    client.link.error(stream.control, -32800)
    drop_credit(stream)


@edge("read.connection_lost", 'A connection that ends without an answer means `"unknown"` for every call that was written to it.',
      role=CALLS, ends=True)
def connection_lost(client):
    stream = reads(client)
    stream.item(0, 0)
    stream.link.close()
    client.again().quiet()
