"""Taking calls back, deadlines, and what a method's own calls inherit."""

import time

from ..client import equal, expect
from ..registry import CALLS, edge
from ..wire import frame, notification, request, same, short

ONCE = "The call is still answered once: with its result if that came first, else with -32800."
IGNORED = "Unknown and finished ids are ignored."
EXACT = "`$/cancelRequest` names the id exactly as it was written"
TRAVELS = ("The cancellation travels on to the calls that the method has under way, always behind the request that it "
           "cancels.")
PASSES = ("At 0 or below the call is refused before anything runs; when it passes later, the call is answered with 4 "
          "DEADLINE_EXCEEDED and what runs for it is cancelled.")
CARRIED = "Calls that the method makes carry the time left then."
RELATIVE = "is the time that is left, a number of milliseconds, also a fraction of one, relative, because clocks differ."
LATE, TAKEN_BACK = 4, -32800


def cancel(id):
    return notification("$/cancelRequest", {"id": id})


def waiting(client, method="wait", **members):
    """A call that waits, by its id; it is under way when this returns."""
    before = begun(client)
    id = client.control(method, {}, **members)
    while begun(client) == before:
        pass
    return id


def begun(client):
    """How many have waited until now; of those that ended some may still be cleaning up."""
    state = client.state()
    return state["waiting"] + state["cleaned"]


def nothing_waits(client):
    while client.state()["waiting"] > 0:
        pass


@edge("cancel.under_way", ONCE, behind_a_node=True)
def under_way(client):
    id = waiting(client)
    client.link.send(cancel(id))
    client.link.error(id, TAKEN_BACK)
    nothing_waits(client)


@edge("cancel.before_it_runs", ONCE, behind_a_node=True)
def before_it_runs(client):
    for n in range(20):
        id = f"early-{n}"
        client.link.send_bytes(frame(request(id, "conformance.wait", {})) + frame(cancel(id)))
        client.link.error(id, TAKEN_BACK)
    nothing_waits(client)


@edge("cancel.with_its_answer", ONCE, behind_a_node=True)
def with_its_answer(client):
    for n in range(20):
        id = f"race-{n}"
        client.link.send(request(id, "conformance.echo", {"value": n}), cancel(id))
        message = client.link.response(id)
        expect(message.get("result") == n or message.get("error", {}).get("code") == TAKEN_BACK,
               f"expected the result or -32800, got {short(message)}")


@edge("cancel.finished", IGNORED, behind_a_node=True)
def finished(client):
    id = client.control("echo", {"value": 1})
    client.link.result(id)
    client.link.send(cancel(id))


@edge("cancel.twice", ONCE, behind_a_node=True)
def twice(client):
    id = waiting(client)
    client.link.send(cancel(id), cancel(id), cancel(id))
    client.link.error(id, TAKEN_BACK)
    client.link.send(cancel(id))
    nothing_waits(client)


@edge("cancel.one_of_many", EXACT, behind_a_node=True)
def one_of_many(client):
    ids = [waiting(client) for _ in range(5)]
    for n in 3, 0, 4, 1, 2:
        client.link.send(cancel(ids[n]))
        client.link.error(ids[n], TAKEN_BACK)
        ids_left = [id for id in ids if id is not ids[n]]
        expect(not client.link.has(lambda m: any(same(m.get("id"), id) for id in ids_left)), "another call ended as well")
        ids[n] = object()
    nothing_waits(client)


@edge("cancel.overtakes", ONCE, behind_a_node=True)
def overtakes(client):
    id = waiting(client)
    client.link.send(*(request(f"n{n}", "conformance.echo", {"value": n}) for n in range(100)), cancel(id))
    client.link.error(id, TAKEN_BACK)
    for n in range(100):
        client.link.result(f"n{n}")
    nothing_waits(client)


@edge("cancel.travels_on", TRAVELS)
def travels_on(client):
    call = client.calls("demo.inner", [], timeout_ms=60_000)
    client.link.send(cancel(call.control))
    message = client.link.incoming("$/cancelRequest")
    expect(same(message.get("params", {}).get("id"), call.id), f"expected the id {short(call.id)}, got {short(message)}")
    expect("id" not in message, f"expected a notification, got {short(message)}")
    call.refuse(TAKEN_BACK, "cancelled")
    client.link.error(call.control, TAKEN_BACK)


@edge("cancel.answer_after_it", ONCE, role=CALLS)
def answer_after_it(client):
    call = client.calls("demo.slow", [], timeout_ms=100)
    client.link.incoming("$/cancelRequest")
    call.reply("too late")
    call.error(LATE)


@edge("deadlines.of_a_call", RELATIVE, role=CALLS)
def of_a_call(client):
    call = client.calls("demo.deadline", [], timeout_ms=5000)
    left = call.message.get("deadline_ms")
    expect(isinstance(left, (int, float)) or hasattr(left, "as_tuple"), f"expected deadline_ms, got {short(call.message)}")
    expect(4000 < float(left) <= 5000, f"expected a deadline_ms of at most 5000, got {left}")
    call.reply(1)
    equal(call.result(), 1, "the client took the result as")


@edge("deadlines.passes", PASSES, role=CALLS)
def passes(client):
    start = time.monotonic()
    call = client.calls("demo.never", [], timeout_ms=200)
    error = call.error(LATE)
    took = time.monotonic() - start
    expect(took > 0.15, f"it gave up after {took * 1000:.0f} of 200 ms")
    equal((error.get("data") or {}).get("executed"), "unknown", "executed was")
    message = client.link.incoming("$/cancelRequest")
    equal(message["params"]["id"], call.id, "what it took back was")


@edge("deadlines.of_a_method", PASSES, behind_a_node=True)
def of_a_method(client):
    id = client.control("wait", {}, deadline_ms=150)
    client.link.error(id, LATE, TAKEN_BACK)
    nothing_waits(client)


@edge("deadlines.fraction", RELATIVE, behind_a_node=True)
def fraction(client):
    id = client.control("wait", {}, deadline_ms=100.25)
    client.link.error(id, LATE, TAKEN_BACK)
    equal(client.do("echo", {"value": 1}, deadline_ms=5000.5), 1, "the answer was")
    nothing_waits(client)


@edge("deadlines.none_left", PASSES, behind_a_node=True)
def none_left(client):
    before = client.state()["notes"]
    for left in 0, -1, -0.5:
        client.link.call_fails("conformance.note", {"value": "it ran"}, LATE, deadline_ms=left)
    equal(client.state()["notes"], before, "the notes were")


@edge("deadlines.long", "More than `protocol.max_deadline` (1 h) is taken as that.", behind_a_node=True)
def long(client):
    for left in 1e12, 10**18, 2**31, 2**53:
        equal(client.do("echo", {"value": 1}, deadline_ms=left), 1, "the answer was")


@edge("deadlines.inherited", CARRIED)
def inherited(client):
    call = client.calls("demo.inherits", [], members={"deadline_ms": 3000}, timeout_ms=60_000)
    left = call.message.get("deadline_ms")
    expect(left is not None and 0 < float(left) <= 3000, f"expected a deadline_ms of at most 3000, got {short(call.message)}")
    call.reply(1)
    equal(call.result(), 1, "the client took the result as")


@edge("deadlines.inherited_and_passes", CARRIED)
def inherited_and_passes(client):
    call = client.calls("demo.inherits", [], members={"deadline_ms": 200}, timeout_ms=60_000)
    client.link.incoming("$/cancelRequest")
    message = client.link.response(call.control)
    expect(message.get("error", message.get("result", {}).get("error", {})).get("code") in (LATE, TAKEN_BACK),
           f"expected 4 or -32800, got {short(message)}")
    # Once for the call's own time and once for the method's: the second names a finished id, and is ignored.
    client.link.settle()
    if client.link.has(lambda m: m.get("method") == "$/cancelRequest"):
        client.link.incoming("$/cancelRequest")


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@edge("trace.passed_on", "A node passes them on with a call that it forwards and with the calls that a method makes.")
def trace(client):
    members = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "vendor=value"}
    call = client.calls("demo.traced", [], members=members)
    got = call.message.get("traceparent", "")
    expect(isinstance(got, str) and got.split("-")[1:2] == [TRACE], f"expected a traceparent of {TRACE}, got {short(call.message)}")
    equal(call.message.get("tracestate"), "vendor=value", "the tracestate was")
    call.reply(1)
    call.result()


@edge("trace.malformed", "none, or none that is valid")
def trace_malformed(client):
    for value in "", "nonsense", "00-0-0-0", "ü":
        call = client.calls("demo.traced", [], members={"traceparent": value})
        call.reply(1)
        equal(call.result(), 1, "the client took the result as")


@edge("calls.route_key", '`"route_key": "user-7"` in a request, any JSON value, is what `consistent_hash` goes by', role=CALLS)
def route_key(client):
    for key in "user-7", [1, {"a": "b"}]:
        call = client.calls("demo.keyed", [], route_key=key)
        equal(call.message.get("route_key"), key, "the route_key was")
        call.reply(1)
        call.result()
