"""A node that drains."""

from ..client import equal, expect
from ..registry import CALLS, edge
from ..wire import short

NOTHING_NEW = ("Send it nothing new; finish what you have under way, then connect elsewhere, or again after a while.")
ELSEWHERE = ("A service connects elsewhere at once and goes on answering over the old connection until it is closed: what nobody "
             "else serves is still called there for up to `handover_ms`, so that no call is lost while it moves.")
CLOSES = "answers what is in flight and what was on its way, and closes, after `deadline_ms` at the latest."
PARAMS = {"reason": "shutting down", "deadline_ms": 10_000, "handover_ms": 1000}


def goaway(client, **more):
    client.link.notify("$/goaway", {**PARAMS, **more})


@edge("goaway.under_way_is_answered", CLOSES, ends=True)
def under_way_is_answered(client):
    id = client.control("wait", {})
    client.link.passes()
    goaway(client)
    client.link.passes()
    client.link.notify("$/cancelRequest", {"id": id})
    client.link.error(id, -32800)
    client.link.close()
    client.again().quiet()


@edge("goaway.on_its_way_is_answered", ELSEWHERE, ends=True)
def on_its_way_is_answered(client):
    goaway(client)
    for n in range(20):
        equal(client.do("echo", {"value": n}), n, "the answer was")
    client.link.close()
    client.again()
    equal(client.do("echo", {"value": 1}), 1, "the answer was")


@edge("goaway.calls_of_the_client_finish", NOTHING_NEW, role=CALLS, ends=True)
def calls_of_the_client_finish(client):
    call = client.calls("demo.slow", [], timeout_ms=9000)
    goaway(client)
    client.link.passes()
    call.reply("in time")
    equal(call.result(), "in time", "the client took the result as")


@edge("goaway.nothing_new", NOTHING_NEW, role=CALLS, ends=True)
def nothing_new(client):
    goaway(client)
    client.link.settle()
    id = client.control("call", {"method": "demo.new", "params": [], "timeout_ms": 300})
    # Refused, or waiting for another connection until its time is up.
    message = client.link.response(id)
    error = message.get("error") or (message.get("result") or {}).get("error") or {}
    expect(error.get("code") in (4, 14), f"expected 14, or 4 once the time is up, got {short(message)}")
    expect(not client.link.has(lambda m: m.get("method") == "demo.new"), "a new call was sent to a node that drains")


@edge("goaway.stream_goes_on", CLOSES, ends=True)
def stream_goes_on(client):
    id = client.control("count", {"to": 6}, stream={"credit": 3})
    for n in range(3):
        equal(client.link.of_stream("item", id)["value"], n, "the item was")
    goaway(client)
    client.link.passes()
    client.link.notify("$/stream/credit", {"id": id, "credit": 10})
    for n in range(3, 6):
        equal(client.link.of_stream("item", id)["value"], n, "the item was")
    client.link.result(id)


@edge("goaway.twice_and_odd", NOTHING_NEW, ends=True)
def twice_and_odd(client):
    for params in None, {}, [], {"reason": 7, "future": 1}, {**PARAMS, "handover_ms": 0}, {**PARAMS, "conflict": True}:
        client.link.notify("$/goaway", params)
    equal(client.do("echo", {"value": 1}), 1, "the answer was")
    client.link.close()
    client.again().quiet()


@edge("goaway.elsewhere", ELSEWHERE, ends=True, needs_other=True)
def elsewhere(client):
    old = client.link
    old.quiet()
    goaway(client)
    new = client.accept(client.adapter.other, "the client to connect elsewhere")
    new.introduce()
    equal({k: new.introduced.get(k) for k in ("name", "instance", "serves")},
          {k: old.introduced.get(k) for k in ("name", "instance", "serves")}, "elsewhere it introduced itself as")
    # It answers at both ends until the old one is closed.
    for link in old, new, old, new:
        equal(link.call("conformance.echo", {"value": 1}), 1, "the answer was")
    old.close()
    new.quiet()


@edge("goaway.calls_move", ELSEWHERE, ends=True, needs_other=True)
def calls_move(client):
    old = client.link
    goaway(client)
    new = client.accept(client.adapter.other, "the client to connect elsewhere")
    new.introduce()
    new.passes()
    id = old.request("conformance.begin", {"key": "moved", "method": "demo.moved", "params": [], "timeout_ms": 9000})
    old.response(id)
    new.reply(new.incoming("demo.moved"), "elsewhere")
    equal(new.call("conformance.outcome", {"key": "moved"}), {"result": "elsewhere"}, "the call came to")
    expect(not old.has(lambda m: m.get("method") == "demo.moved"), "a new call was sent to a node that drains")
