"""Introduction, signs of life, and coming back."""

import time

from ..client import equal, expect
from ..registry import MINIMAL, edge
from ..wire import Clock, Failed, request, short

CONNECT = "introduces the client; see below."
SERVES = "`serves` lists the methods that the client answers, for everyone in the mesh"
SILENCE = ("A node that has heard nothing for one interval asks with a `heartbeat` request; after three silent intervals it "
           "closes the connection.")
ALSO = "A client should do the same."
BOTH_KEEP = "is the interval that both sides keep."
AGAIN = "It connects again when the connection ends, and waits longer each time that this fails."
INTERVAL_MS = 200


@edge("connect.introduction", CONNECT, level=MINIMAL, ends=True, fresh=True)
def introduction(client):
    link = client.accept()
    params = link.introduce()
    for name in "name", "instance", "token":
        expect(isinstance(params.get(name, ""), str), f"{name} is a string, not {short(params.get(name))}")
    interval = params.get("heartbeat_ms", 1000)
    expect(not isinstance(interval, bool) and isinstance(interval, (int, float)) and 10 <= interval <= 3_600_000,
           f"heartbeat_ms is 10 to 3,600,000, not {short(interval)}")
    link.quiet()


@edge("connect.serves", SERVES)
def serves(client):
    entries = client.link.introduced.get("serves")
    expect(isinstance(entries, list), f"serves is a list, not {short(entries)}")
    known = {"method", "idempotent", "max_in_flight", "params", "result", "stream", "item", "input", "resumable", "summary"}
    rows = {}
    for each in entries:
        row = {"method": each} if isinstance(each, str) else each
        expect(isinstance(row, dict) and isinstance(row.get("method"), str), f"{short(each)} is neither a name nor an object")
        expect(row.keys() <= known, f"{short(each)} has members that no node takes")
        rows[row["method"]] = row
    for name in "echo", "fail", "crash", "wait", "note", "state", "call", "begin", "outcome", "notify", "stream":
        expect(f"conformance.{name}" in rows, f"conformance.{name} is not served")
    for name in "count", "total", "hold":
        expect(rows.get(f"conformance.{name}", {}).get("stream") is True, f'conformance.{name} is not declared "stream": true')
    expect(rows["conformance.count"].get("resumable") is True, 'conformance.count is not declared "resumable": true')
    expect("input" in rows["conformance.total"], 'conformance.total is not declared with an "input"')


@edge("connect.answer_before_the_first_call", "The answer comes before the first call.", level=MINIMAL, ends=True, fresh=True)
def answer_and_call_at_once(client):
    link = client.accept()
    message = link.receive_connect()
    link.introduced = message["params"]
    link.send({"jsonrpc": "2.0", "id": message["id"], "result": link.introduction()}, request("first", "heartbeat"))
    equal(link.result("first"), "ok", "the answer was")


@edge("connect.calls_back_at_once", "The answer comes before the first call.", ends=True, fresh=True)
def calls_back_at_once(client):
    link = client.accept()
    message = link.receive_connect()
    link.introduced = message["params"]
    link.send({"jsonrpc": "2.0", "id": message["id"], "result": link.introduction()},
              request("note", "conformance.notify", {"method": "demo.note", "params": {"a": 1}}),
              request("call", "conformance.call", {"method": "demo.echo", "params": ["x"]}),
              request("stream", "conformance.stream", {"method": "demo.count", "params": []}))
    # What is served may call back in whatever order it likes.
    equal(link.incoming("demo.note").get("params"), {"a": 1}, "the params were")
    for id, method in ("call", "demo.echo"), ("stream", "demo.count"):
        message = link.incoming(method)
        if id == "stream":
            link.notify("$/stream/item", {"id": message["id"], "seq": 0, "value": 1})
        link.reply(message, "done")
        expect("error" not in (outcome := link.result(id)), f"{method} came to {short(outcome)}")
    link.result("note")


@edge("connect.unknown_members_of_the_answer", "Unknown members are ignored.", level=MINIMAL, ends=True, fresh=True)
def unknown_members_of_the_answer(client):
    link = client.accept()
    message = link.receive_connect()
    link.introduced = message["params"]
    link.reply(message, {**link.introduction(), "future": {"a": [1]}, "incarnation": "x"})
    link.quiet()


@edge("connect.refused", "One that is wrong is answered with 16 UNAUTHENTICATED", ends=True, fresh=True, seconds=3)
def refused(client):
    link = client.accept()
    link.refuse(link.receive_connect(), 16, "the token is nobody's", {"executed": "no", "node": "played"})
    try:
        link.ends("the client to leave a node that has refused it")
    except Failed:
        raise Failed("a refused client neither leaves nor introduces itself again") from None
    # It may give up, or come again after a while.
    start, came = time.monotonic(), 0
    while client.adapter.is_alive() and time.monotonic() < start + 1:
        try:
            again = client.adapter.accept(Clock(0.3))
            again.clock = client.clock
            again.refuse(again.receive_connect(), 16, "the token is nobody's")
            came += 1
        except Failed:
            pass
    expect(came <= 10, f"a client that was refused came {came} times within a second")


@edge("connect.again", "`connect` may be sent again and replaces what it said.", ends=True, level=MINIMAL)
def again_after_the_end(client):
    first = client.link.introduced
    client.link.close()
    second = client.again().introduced
    equal({k: second.get(k) for k in ("name", "instance", "serves")}, {k: first.get(k) for k in ("name", "instance", "serves")},
          "the second time it introduced itself as")
    client.link.quiet()


@edge("connect.reset", AGAIN, ends=True, level=MINIMAL)
def reset(client):
    client.link.quiet()
    client.link.reset()
    client.again().quiet()


@edge("connect.node_restarts", AGAIN, ends=True, level=MINIMAL, seconds=5)
def node_restarts(client):
    client.link.quiet()
    client.adapter.refuse()
    client.link.close()
    # Long enough for it to be refused.
    time.sleep(0.3)
    client.adapter.listen()
    client.again().quiet()


@edge("connect.back_off", AGAIN, ends=True, seconds=20)
def back_off(client):
    client.link.quiet()
    client.link.close()
    came = []
    while len(came) < 5:
        link = client.accept(what="the client to connect again")
        # A client that knows two addresses asks both before it waits.
        if link.port is client.adapter.port:
            came.append(time.monotonic())
        link.close()
    gaps = [later - earlier for earlier, later in zip(came, came[1:])]
    shown = ", ".join(f"{gap:.2f}" for gap in gaps)
    expect(gaps[-1] > 1.5 * gaps[0], f"the pauses between attempts do not grow: {shown} s")
    expect(all(gap > 0.01 for gap in gaps), f"it connects again without a pause: {shown} s")


@edge("connect.works_after_back_off", AGAIN, ends=True, seconds=5)
def works_after_back_off(client):
    client.link.close()
    for _ in range(3):
        client.accept().close()
    client.again()
    equal(client.do("echo", {"value": 1}), 1, "the answer was")


@edge("connect.node_never_answers", AGAIN, ends=True, fresh=True, seconds=60)
def node_never_answers(client):
    link = client.accept()
    link.answers_heartbeats = False
    link.receive_connect()
    link.ends("the client to give up a node that does not answer connect")
    client.again().quiet()


@edge("heartbeats.of_the_client", ALSO, ends=True, fresh=True)
def of_the_client(client):
    link = client.again(heartbeat_ms=INTERVAL_MS)
    link.answers_heartbeats = False
    message = link.next(lambda m: isinstance(m, dict) and m.get("method") == "heartbeat",
                        f"a heartbeat of the client, which knows an interval of {INTERVAL_MS} ms")
    expect("id" in message, f"expected a request, got {short(message)}")
    link.reply(message, "ok")
    message = link.incoming("heartbeat")
    link.reply(message, "ok")


@edge("heartbeats.interval_of_the_answer", BOTH_KEEP, ends=True, fresh=True)
def interval_of_the_answer(client):
    link = client.again(heartbeat_ms=INTERVAL_MS)
    start = time.monotonic()
    for _ in range(3):
        link.next_sign_of_life()
    took = time.monotonic() - start
    expect(took < 12 * INTERVAL_MS / 1000, f"three signs of life took {took:.2f} s with an interval of {INTERVAL_MS} ms")


@edge("heartbeats.silent_node", SILENCE, ends=True, fresh=True)
def silent_node(client):
    link = client.again(heartbeat_ms=INTERVAL_MS)
    link.answers_heartbeats = False
    start = time.monotonic()
    link.ends("the client to close the connection to a node that has been silent for three intervals")
    took = time.monotonic() - start
    expect(took > 2 * INTERVAL_MS / 1000, f"it closed the connection after {took * 1000:.0f} ms, before three intervals of "
           f"{INTERVAL_MS} ms were over")
    client.again().quiet()


@edge("heartbeats.any_bytes", "Any bytes count as life.", ends=True, fresh=True)
def any_bytes(client):
    link = client.again(heartbeat_ms=INTERVAL_MS)
    link.answers_heartbeats = False
    until = time.monotonic() + 6 * INTERVAL_MS / 1000
    while time.monotonic() < until:
        # Nothing but notifications that it does not know: no answer to its heartbeats.
        link.notify("no.such")
        time.sleep(INTERVAL_MS / 4000)
    link.passes()


@edge("heartbeats.answered_node_is_kept", ALSO, ends=True, fresh=True)
def answered_node_is_kept(client):
    link = client.again(heartbeat_ms=INTERVAL_MS)
    until = time.monotonic() + 6 * INTERVAL_MS / 1000
    while time.monotonic() < until:
        if link.readable(INTERVAL_MS / 4000):
            link.passes()
    link.quiet()


@edge("heartbeats.while_methods_run", "One task that reads frames and never waits for anything else, so that answers and calls "
      "get through while it works.")
def while_methods_run(client):
    waiting = [client.control("wait", {}) for _ in range(5)]
    for _ in range(10):
        client.link.passes()
    for id in waiting:
        client.link.notify("$/cancelRequest", {"id": id})
        client.link.error(id, -32800)


@edge("heartbeats.ids", "a sign of life, from either side", level=MINIMAL)
def ids(client):
    for id in 0, 1, "heartbeat", "heartbeat-1", None:
        client.link.send(request(id, "heartbeat"))
        equal(client.link.result(id), "ok", "the answer was")


@edge("connect.ended_while_methods_run", "Closing the connection cancels all its calls.", ends=True)
def ended_while_methods_run(client):
    while (state := client.state())["waiting"] > 0:
        pass
    before = state["cleaned"]
    client.control("wait", {})
    client.control("hold", {}, stream={"credit": 5})
    while client.state()["waiting"] < 2:
        pass
    client.link.close()
    client.again()
    while (state := client.state())["waiting"] > 0:
        pass
    equal(state["cleaned"] - before, 2, "of the methods that waited there ended")
