"""Ids: what names a call, in each direction."""

from ..client import equal, expect
from ..registry import CALLS, MINIMAL, edge
from ..wire import Failed, encode, same, short

ECHOED = ("echoed byte for byte: `1e2`, `1.0`, 2^64 and `\"\\u0041\"` come back as they were written. A string, a number or "
          "null")
NULL = "a request, answered with id null; only an absent id makes a notification"
DIRECTIONS = "Each direction has its own ids"


def answered(client, *texts):
    for text in texts:
        client.link.send(f'{{"jsonrpc":"2.0","id":{text},"method":"heartbeat"}}'.encode())
        payload = client.link.receive_payload(f"the answer to the id {short(text)}")
        # The client may have asked for a sign of life meanwhile.
        while b'"method"' in payload:
            payload = client.link.receive_payload(f"the answer to the id {short(text)}")
        yield text, payload


def check(client, *texts):
    from ..wire import parse
    for text, payload in answered(client, *texts):
        got, expected = parse(payload), parse(text.encode())
        if "id" not in got or not same(got["id"], expected):
            raise Failed(f"the id {short(text)} came back in {short(payload.decode(errors='replace'))}")
        equal(got.get("result"), "ok", "the answer was")


@edge("ids.integers", ECHOED, level=MINIMAL)
def integers(client):
    check(client, "0", "-1", "1", "4294967296", "9007199254740991", "-9007199254740991")


@edge("ids.large", ECHOED)
def large(client):
    check(client, "9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" * 60)


@edge("ids.fractions", ECHOED)
def fractions(client):
    check(client, "1.5", "0.1", "-2.25")


@edge("ids.strings", ECHOED, level=MINIMAL)
def strings(client):
    check(client, '""', '"1"', '"null"', '"grüße 日本 😀"', '"\\u0000\\u001f\\"\\\\\\/"', '"\\ud83d\\ude00"', '"' + "x" * 10_000 + '"',
          '"__proto__"', '"heartbeat"', '" "')


@edge("ids.as_written", ECHOED)
def as_written(client):
    for text, payload in answered(client, "1.0", "1e2", "1E+2", "-0", "100000000000000000000000"):
        if f'"id":{text}'.encode() not in payload.replace(b'"id": ', b'"id":'):
            raise Failed(f"the id {text} came back in {short(payload.decode())}")


@edge("ids.null", NULL, level=MINIMAL)
def null(client):
    check(client, "null")


@edge("ids.one_and_its_text", "`1`, `\"1\"` and `1.0` are three ids")
def one_and_its_text(client):
    client.link.request("conformance.wait", {}, id=1)
    equal(client.link.call("conformance.echo", {"value": "a"}, id="1"), "a", "the answer was")
    client.link.request("conformance.wait", {}, id="1")
    client.link.notify("$/cancelRequest", {"id": "1"})
    client.link.error("1", -32800)
    expect(not client.link.has(lambda message: same(message.get("id"), 1)), "the call 1 ended with the call \"1\"")
    client.link.notify("$/cancelRequest", {"id": 1})
    client.link.error(1, -32800)


@edge("ids.of_both_directions", DIRECTIONS)
def of_both_directions(client):
    call = client.calls("demo.same", [])
    # The node's call with the id that the client's has.
    client.link.send(encode({"jsonrpc": "2.0", "id": call.id, "method": "conformance.echo", "params": {"value": "echo"}}))
    equal(client.link.result(call.id), "echo", "the answer to the node's call was")
    call.reply("mine")
    equal(call.result(), "mine", "the client took the result as")


@edge("ids.used_again", ECHOED)
def used_again(client):
    for n in range(5):
        equal(client.link.call("conformance.echo", {"value": n}, id="again"), n, "the answer was")


@edge("ids.under_way", "-32600 for the second call; the first is unaffected.")
def under_way(client):
    client.link.request("conformance.wait", {}, id="twice")
    client.link.request("conformance.echo", {"value": 1}, id="twice")
    client.link.error("twice", -32600)
    client.link.notify("$/cancelRequest", {"id": "twice"})
    client.link.error("twice", -32800)


@edge("ids.wrong", "-32600, id null")
def wrong(client):
    for id in "{}", "[1]", "true":
        client.link.send(f'{{"jsonrpc":"2.0","id":{id},"method":"conformance.note","params":{{"value":"x"}}}}')
        message = client.link.next(lambda m: isinstance(m, dict) and "method" not in m, f"the answer to the id {id}")
        expect(message["id"] is None and message.get("error", {}).get("code") == -32600,
               f"expected -32600 with the id null, got {short(message)}")


@edge("ids.of_the_client", "A table from id to the call that waits for it. Answers come in any order.", role=CALLS, level=MINIMAL)
def of_the_client(client):
    call = client.calls("demo.id", [])
    expect(isinstance(call.id, (str, int)), f"expected a number or a string as id, got {short(call.message)}")
    call.reply(1)
    call.result()
