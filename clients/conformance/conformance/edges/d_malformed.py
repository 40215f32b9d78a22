"""What no message is: it must not end the connection, and no client may die of it."""

from ..client import equal, expect
from ..registry import CALLS, MINIMAL, edge
from ..wire import Failed, request, short

OPEN = "Everything else that is wrong with a message leaves it open."
PARSE = "not JSON, not UTF-8, or nested too deep; id null"
NO_LOOP = "never answered: two programs could answer each other's errors for ever."
ENDS_CALL = ("If its id, or the first `\"id\": NUMBER` of a text that is no JSON, names a call under way, that call ends with "
             "14, `executed: \"unknown\"`, and what was wrong; it is logged and counted (`weft_responses_malformed_total`)")


def goes_on(client, *payloads, codes=(-32700, -32600)):
    """Each payload is answered with an error, or not at all; the connection goes on. Answers to calls are left alone."""
    def is_it(message):
        return isinstance(message, dict) and "method" not in message and not str(message["id"]).startswith("node-")
    def look(what):
        while client.link.has(is_it):
            answer = client.link.next(is_it, "an answer")
            expect("error" in answer and answer["error"]["code"] in codes, f"{what} was answered with {short(answer)}")
    for payload in payloads:
        client.link.send(payload)
        client.link.passes()
        look(f"{payload[:60]!r}")
    # Answers may overtake each other: that to the last payload may come behind that to the heartbeat.
    client.link.settle(0.2)
    look("one of them")


@edge("malformed.not_json", PARSE)
def not_json(client):
    goes_on(client, b"{", b"nonsense", b"{'a': 1}", b'{"jsonrpc":"2.0","id":1,"method":"heartbeat"', b"\0", b" ", b'"', b"[1,",
            b'{"jsonrpc":"2.0","id":1,"method":"heartbeat"}}', b"nul", b"NaN", b"01", codes=(-32700, -32600))


@edge("malformed.not_utf8", PARSE)
def not_utf8(client):
    goes_on(client, b"\xff\xfe", b'{"jsonrpc":"2.0","method":"x\xff"}', b'{"jsonrpc":"2.0","method":"\xc0\xaf"}',
            b'{"jsonrpc":"2.0","method":"\xed\xa0\x80"}')


@edge("malformed.trailing_bytes", "byte order mark, NUL, anything behind the value")
def trailing_bytes(client):
    goes_on(client, b'{"jsonrpc":"2.0","method":"x"}\0', b'{"jsonrpc":"2.0","method":"x"} {}', b'{"jsonrpc":"2.0","method":"x"},')


@edge("malformed.deep", PARSE)
def deep(client):
    goes_on(client, b"[" * 100_000, b'{"a":' * 50_000, b"[" * 100_000 + b"]" * 100_000,
            b'{"jsonrpc":"2.0","method":"x","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@edge("malformed.deep_enough", "`limits.depth` 64; a message is level 1, the brackets of a batch are not counted")
def deep_enough(client):
    value = 1
    for _ in range(60):
        value = [value]
    equal(client.do("echo", {"value": value}), value, "the value came back as")


@edge("malformed.no_message", "JSON, but no JSON-RPC message; or a limit of the message's form")
def no_message(client):
    goes_on(client, *map(str.encode, ("null", "1", '"text"', "true", "{}", '{"jsonrpc":"2.0"}', '{"id":1}', '{"method":"heartbeat"}',
                                      '{"jsonrpc":"2.0","method":1}', '{"jsonrpc":"2.0","method":null,"id":1}',
                                      '{"jsonrpc":"2.0","method":"x","params":1}', '{"jsonrpc":"1.0","method":"x"}')))


@edge("malformed.params_of_a_request", "taken as absent, as geth and libjson-rpc-cpp do; other scalars are -32600")
def params_of_a_request(client):
    for params in "1", '"x"', "true":
        client.link.send(f'{{"jsonrpc":"2.0","id":"p","method":"conformance.echo","params":{params}}}')
        client.link.error("p", -32600, -32602)


@edge("malformed.version", "-32600; `protocol.require_version = false` accepts it absent")
def version(client):
    for version in "", '"jsonrpc":"1.0",', '"jsonrpc":2.0,', '"jsonrpc":null,':
        client.link.send(f'{{{version}"id":"v","method":"conformance.echo","params":{{"value":1}}}}')
        client.link.error("v", -32600)


@edge("malformed.response_is_never_answered", NO_LOOP, level=MINIMAL)
def response_is_never_answered(client):
    for response in ({"result": 1}, {"id": 1, "result": 1, "error": {"code": 1, "message": "x"}}, {"id": 1, "error": 7},
                     {"id": 1, "error": {}}, {"id": 1, "error": {"code": "1", "message": "x"}}, {"id": [], "result": 1},
                     {"id": 1, "error": {"code": 1}}, {"error": {"code": -32700, "message": "x"}, "id": None}):
        client.link.send({"jsonrpc": "2.0", **response})
    client.link.settle()
    expect(not client.link.has(lambda _: True), "a malformed response was answered")


@edge("malformed.response_ends_its_call", ENDS_CALL, role=CALLS)
def response_ends_its_call(client):
    for members in ({}, {"error": 7}, {"error": {"message": "no code"}}, {"error": {"code": "no number", "message": "x"}},
                    {"result": 1, "error": {"code": 1, "message": "both"}}):
        if not members:
            continue
        call = client.calls("demo.malformed", [])
        call.link.send({"jsonrpc": "2.0", "id": call.id, **members})
        error = call.error()
        expect(isinstance(error.get("code"), int), f"an error without a code: {short(error)}")


@edge("malformed.answer_is_no_json", ENDS_CALL, role=CALLS)
def answer_is_no_json(client):
    call = client.calls("demo.malformed", [])
    call.link.send(b'{"jsonrpc":"2.0","id":' + str(call.id).encode() + b',"result":nonsense}')
    goes_on(client, b"{")
    # Whoever does not read the id of such a text still waits.
    call.reply("late")
    outcome = call.outcome()
    if outcome != {"result": "late"} and (outcome.get("error") or {}).get("code") != 14:
        raise Failed(f"expected 14 or the answer that came later, the client got {short(outcome)}")


@edge("malformed.lone_surrogate", "-32700: no UTF-8 can express them")
def lone_surrogate(client):
    client.link.send(b'{"jsonrpc":"2.0","id":"s","method":"conformance.echo","params":{"value":"\\ud800"}}')
    message = client.link.next(lambda m: isinstance(m, dict) and "method" not in m, "an answer")
    expect(message["id"] in ("s", None), f"expected an answer with the id or null, got {short(message)}")


@edge("malformed.stream_messages", "Messages of a stream that has ended, or never was, are dropped and counted.")
def stream_messages(client):
    for what in "item", "credit", "accept", "send", "end", "throw":
        for params in None, {}, [], {"id": "none"}, {"id": None}, {"id": {}}, {"id": 1, "seq": "x", "credit": "y"}:
            client.link.notify(f"$/stream/{what}", params)


@edge("malformed.cancel", "Unknown and finished ids are ignored.")
def cancel(client):
    for params in None, {}, [], [1], {"id": "none"}, {"id": None}, {"id": {}}, {"id": [1]}, {"id": True}:
        client.link.notify("$/cancelRequest", params)


@edge("malformed.between_calls", OPEN)
def between_calls(client):
    id = client.control("wait", {})
    goes_on(client, b"garbage", b"[]")
    client.link.notify("$/cancelRequest", {"id": id})
    client.link.error(id, -32800)
    client.link.send(request("after", "heartbeat"))
    equal(client.link.result("after"), "ok", "the answer was")
