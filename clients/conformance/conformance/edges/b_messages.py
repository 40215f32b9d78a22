"""What a message may look like, and what is answered."""

import json

from ..client import equal, expect
from ..registry import CALLS, MINIMAL, edge
from ..wire import Failed, notification, request, same, short

NEEDS = ('`heartbeat` answered with `"ok"`, requests for methods it does not have answered with -32601, notifications it '
         "does not know ignored.")
ANY_ORDER = "A table from id to the call that waits for it. Answers come in any order."
UNKNOWN = "Unknown members are ignored."
READER = "One task that reads frames and never waits for anything else, so that answers and calls get through while it works."
RESULTS = [None, False, 0, -1.5, "", [], {}, [[[]]], {"result": {"error": None}}]


@edge("messages.results", "either side may call the other", level=MINIMAL, role=CALLS)
def results(client):
    for value in RESULTS[:3] if type(client).__name__ == "CallerProgram" else RESULTS:
        call = client.calls("demo.echo", [1])
        call.reply(value)
        equal(call.result(), value, "the client took the result as")


@edge("messages.error", "Positive codes are the node's own, numbered as gRPC's status codes; services choose other numbers "
      "for theirs.", level=MINIMAL, role=CALLS)
def error(client):
    call = client.calls("demo.fail", {"a": 1})
    equal(call.message.get("params"), {"a": 1}, "the params were")
    call.refuse(404, "no user 7; there are [1, 2]", {"deep": [None]})
    got = call.error(404)
    equal(got.get("message"), "no user 7; there are [1, 2]", "the message was")
    equal(got.get("data"), {"deep": [None]}, "the data were")


@edge("messages.unicode_result", "A signed 32-bit big-endian length, then that many bytes of UTF-8 JSON: one JSON-RPC object "
      "or one batch.", level=MINIMAL, role=CALLS)
def unicode_result(client):
    call = client.calls("demo.echo", ["grüße", "日本", "😀"])
    equal(call.message.get("params"), ["grüße", "日本", "😀"], "the params were")
    call.link.send(f'{{"jsonrpc":"2.0","id":{json.dumps(call.id)},'
                   '"result":["gr\\u00fc\\u00dfe 日本 😀 \\ud83d\\ude00","\\u0000\\"\\\\\\/"]}')
    equal(call.result(), ["grüße 日本 😀 😀", "\0\"\\/"], "the client took the result as")


@edge("messages.connection_lost", 'A connection that ends without an answer means `"unknown"` for every call that was written '
      "to it.", level=MINIMAL, role=CALLS, ends=True)
def connection_lost(client):
    if hasattr(client, "link"):
        return connection_lost_of_a_service(client)
    call = client.calls("demo.lost", [])
    call.link.close()
    outcome = call.outcome()
    expect("result" not in outcome, f"expected a failure, the client made {short(outcome)} of it")


def connection_lost_of_a_service(client):
    client.do("begin", {"key": "lost", "method": "demo.lost", "params": [], "timeout_ms": 20_000})
    client.link.incoming("demo.lost")
    client.link.close()
    client.again()
    outcome = client.do("outcome", {"key": "lost"})
    error = outcome.get("error") or {}
    equal(error.get("code"), 14, f"of {short(outcome)} the code was")
    equal((error.get("data") or {}).get("executed"), "unknown", f"of {short(outcome)} executed was")
    expect(not client.link.has(lambda message: message.get("method") == "demo.lost"),
           "a call that may have run was sent again")


@edge("messages.heartbeat", NEEDS, level=MINIMAL)
def heartbeat(client):
    equal(client.link.call("heartbeat"), "ok", "the answer was")
    equal(client.link.call("heartbeat", {}), "ok", "with params the answer was")


@edge("messages.heartbeat_notification", "While it waits, the node sends the notification `heartbeat` once a second, to notice "
      "a client that is gone.", level=MINIMAL)
def heartbeat_notification(client):
    client.link.notify("heartbeat")


@edge("messages.unknown_method", NEEDS, level=MINIMAL)
def unknown_method(client):
    for method in "no.such", "", "conformance", "conformance.", "conformance.echo.x", "Heartbeat", "toString", "__class__", "ü" * 100:
        client.link.call_fails(method, [], -32601)


@edge("messages.unknown_reserved", "reserved; -32601 for those that do not exist. An unknown `$/…` notification is ignored",
      level=MINIMAL)
def unknown_reserved(client):
    for method in "$/no_such", "rpc.no_such", "mesh.no_such", "$/stream/no_such", "$/":
        client.link.call_fails(method, {}, -32601)


@edge("messages.unknown_notification", NEEDS, level=MINIMAL)
def unknown_notification(client):
    for method in "no.such", "$/no_such", "$/stream/no_such", "$/progress", "rpc.no_such", "":
        client.link.notify(method, {"id": 1})
        client.link.notify(method)


@edge("messages.unknown_members", UNKNOWN, level=MINIMAL)
def unknown_members(client):
    client.link.send(request("u", "heartbeat", future={"deep": [1]}, trace=None, deadline_ms=5000, route_key=[1]))
    equal(client.link.result("u"), "ok", "the answer was")


@edge("messages.unknown_members_of_an_answer", UNKNOWN, role=CALLS)
def unknown_members_of_an_answer(client):
    call = client.calls("demo.echo", [])
    call.link.send({"future": {"id": 7}, "jsonrpc": "2.0", "id": call.id, "result": 1, "$x": None})
    equal(call.result(), 1, "the client took the result as")


@edge("messages.notification_is_never_answered", "never answered, whatever happens to it.", behind_a_node=True)
def notification_is_never_answered(client):
    before = client.state()["notes"]
    client.link.notify("conformance.note", {"value": "a note"})
    client.link.notify("conformance.crash", {})
    client.link.notify("conformance.fail", {"code": 5, "message": "nobody hears it"})
    client.link.notify("conformance.echo", {"wrong": 1})
    client.link.notify("conformance.echo", {"value": 1})
    while (notes := client.state()["notes"]) == before:
        pass
    equal(notes, [*before, "a note"], "the notes were")


@edge("messages.bug", "the handler failed; the log knows why", behind_a_node=True)
def bug(client):
    client.link.call_fails("conformance.crash", {}, -32603)


@edge("messages.own_error", "every other error is the application's own", behind_a_node=True)
def own_error(client):
    for code, data in (404, {"a": [1]}), (1, None), (-1, "text"), (2**31 - 1, [None]), (-32050, 0):
        params = {"code": code, "message": f"grüße {code}", **({} if data is None else {"data": data})}
        error = client.link.call_fails("conformance.fail", params, code)
        equal(error["message"], f"grüße {code}", "the message was")
        if data is not None:
            equal(error.get("data"), data, "the data were")


@edge("messages.wrong_params", "the method takes others", behind_a_node=True)
def wrong_params(client):
    for params in {"wrong": 1}, [1, 2, 3]:
        client.link.call_fails("conformance.echo", params, -32602)


@edge("messages.values", "passes through byte for byte", behind_a_node=True)
def values(client):
    for value in (*RESULTS, "\0\x1f\x7f\"\\/", "\u2028\u2029", "日本 😀", "e\u0301", {"": {"": []}}, {"a.b": 1, "$": 2}, 2**53 - 1,
                  -2**53 + 1, 1e300, 0.1, [1, "1", True, None], {"__proto__": 1, "constructor": 2}):
        equal(client.do("echo", {"value": value}), value, "the value came back as")


@edge("messages.escaped_names", "the same as unescaped", level=MINIMAL)
def escaped_names(client):
    client.link.send(b'{"jsonrpc":"2.0","\\u0069d":"e","m\\u0065thod":"heart\\u0062eat"}')
    equal(client.link.result("e"), "ok", "the answer was")


@edge("messages.params_null", "taken as absent, as geth and libjson-rpc-cpp do; other scalars are -32600", level=MINIMAL)
def params_null(client):
    client.link.send('{"jsonrpc":"2.0","id":"n","method":"heartbeat","params":null}')
    equal(client.link.result("n"), "ok", "the answer was")


@edge("messages.answers_in_any_order", ANY_ORDER, role=CALLS)
def answers_in_any_order(client):
    controls = [client.control("call", {"method": f"demo.order{n}", "params": [n]}) for n in range(20)]
    calls = [client.link.incoming(f"demo.order{n}") for n in range(20)]
    expect(len({str(call["id"]) for call in calls}) == 20, "two calls under way have one id")
    for call in reversed(calls):
        client.link.reply(call, call["params"])
    for n, control in enumerate(controls):
        equal(client.link.result(control), {"result": [n]}, f"call {n} got")


@edge("messages.calls_get_through_while_it_works", READER)
def calls_get_through(client):
    waiting = [client.control("wait", {}) for _ in range(20)]
    equal(client.do("echo", {"value": 1}), 1, "the answer was")
    for id in waiting:
        client.link.notify("$/cancelRequest", {"id": id})
    for id in waiting:
        client.link.response(id)


@edge("messages.both_directions", "either side may call the other")
def both_directions(client):
    controls = {n: client.control("call", {"method": "demo.both", "params": [n]}) for n in range(30)}
    echoes = {n: client.control("echo", {"value": n}) for n in range(30)}
    for _ in range(30):
        call = client.link.incoming("demo.both")
        # A call of the node while it has not answered the client's.
        equal(client.do("echo", {"value": call["params"]}), call["params"], "the answer was")
        client.link.reply(call, call["params"][0])
    for n in range(30):
        equal(client.link.result(controls[n]), {"result": n}, f"call {n} got")
        equal(client.link.result(echoes[n]), n, f"echo {n} was")


@edge("messages.client_notifies", "only an absent id makes a notification", role=CALLS)
def client_notifies(client):
    client.do("notify", {"method": "demo.note", "params": {"a": [1]}})
    message = client.link.incoming("demo.note")
    expect("id" not in message, f"expected no id, got {short(message)}")
    equal(message.get("params"), {"a": [1]}, "the params were")


@edge("messages.params_by_position", "the method takes others", role=CALLS)
def params_of_calls(client):
    for params in [1, "a", None], {"a": 1}, []:
        call = client.calls("demo.params", params)
        if params or "params" in call.message:
            equal(call.message.get("params"), params, "the params were")
        call.reply(1)
        call.result()


@edge("messages.response_to_nothing", "dropped and counted", level=MINIMAL)
def response_to_nothing(client):
    for id in "no-such", 123456789, 0, -1, None, "":
        client.link.send({"jsonrpc": "2.0", "id": id, "result": "x"})


@edge("messages.error_to_nothing", "dropped and counted")
def error_to_nothing(client):
    for id in "no-such", 123456789, 0, -1, None, "":
        client.link.send({"jsonrpc": "2.0", "id": id, "error": {"code": 1, "message": "x"}})


@edge("messages.second_response", "dropped and counted", role=CALLS)
def second_response(client):
    call = client.calls("demo.twice", [])
    call.link.send({"jsonrpc": "2.0", "id": call.id, "result": 1}, {"jsonrpc": "2.0", "id": call.id, "result": 2},
                   {"jsonrpc": "2.0", "id": call.id, "error": {"code": 1, "message": "x"}})
    equal(call.result(), 1, "the client took the result as")


@edge("messages.error_null_beside_a_result", "JSON-RPC 1.0's form, taken as what it means and passed on as 2.0", role=CALLS)
def error_null(client):
    call = client.calls("demo.old", [])
    call.link.send({"jsonrpc": "2.0", "id": call.id, "result": 1, "error": None})
    equal(call.result(), 1, "the client took the result as")
    call = client.calls("demo.old", [])
    call.link.send({"jsonrpc": "2.0", "id": call.id, "result": None, "error": {"code": 404, "message": "x"}})
    call.error(404)


@edge("messages.in_order", "Requests of one connection to one instance arrive in the order in which they were sent, unless one "
      "of them is tried again.", behind_a_node=True)
def in_order(client):
    before = client.state()["notes"]
    client.link.send(*(notification("conformance.note", {"value": n}) for n in range(100)))
    while len(notes := client.state()["notes"]) < len(before) + 100:
        pass
    equal(notes[len(before):], list(range(100)), "the notes were")


@edge("messages.method_twice", "a known top-level member twice", level=MINIMAL)
def method_twice(client):
    client.link.send('{"jsonrpc":"2.0","id":"t","method":"no.such","method":"no.such"}')
    # The client may answer as it likes, once.
    message = client.link.next(lambda m: isinstance(m, dict) and "method" not in m, "an answer")
    if "error" not in message or not (same(message["id"], "t") or message["id"] is None):
        raise Failed(f"expected an error, got {short(message)}")
