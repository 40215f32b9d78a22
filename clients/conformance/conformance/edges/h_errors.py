"""Errors: whether a call has run, and whether waiting helps."""

import time

from ..client import equal, expect
from ..registry import CALLS, edge
from ..wire import Failed, Skipped, short

SAFE = '`"no"`: the method certainly did not run, a retry is safe.'
UNSAFE = '`"unknown"`: it may have run; retry only what is idempotent.'
WAIT = "`retry_after_ms` is there when waiting helps."
DATA = "Those, and -32800 for a call that its caller took back, carry `data`"


def attempts(client, method, code, data, most=1000):
    """The requests that one call of the client becomes when each is answered so; and the error that it ends with."""
    link = client.link
    control = client.control("call", {"method": method, "params": [], "timeout_ms": 2000})
    came = []

    def wanted(message):
        return isinstance(message, dict) and (message.get("method") == method or message.get("id") == control)
    while "method" in (message := link.next(wanted, "another attempt or the end of the call")):
        came.append(time.monotonic())
        expect(len(came) <= most, f"with the error {code} and the data {short(data)} the call was sent {len(came)} times")
        link.refuse(message, code, "as the edge wants it", data)
    if "error" in message:
        raise Skipped(message["error"]["message"])
    error = message["result"].get("error")
    if not isinstance(error, dict):
        raise Failed(f"expected an error, the client got {short(message)}")
    return came, error


@edge("errors.executed_no", SAFE, role=CALLS)
def executed_no(client):
    for code in 8, 14:
        _, error = attempts(client, "demo.refused", code, {"executed": "no", "node": "played"})
        equal(error.get("code"), code, "the code was")
        equal((error.get("data") or {}).get("executed"), "no", f"of {short(error)} executed was")


@edge("errors.executed_unknown", UNSAFE, role=CALLS)
def executed_unknown(client):
    for code in 4, 14:
        _, error = attempts(client, "demo.maybe", code, {"executed": "unknown", "node": "played"}, most=1)
        equal(error.get("code"), code, "the code was")
        equal((error.get("data") or {}).get("executed"), "unknown", f"of {short(error)} executed was")


@edge("errors.retry_after", WAIT, role=CALLS)
def retry_after(client):
    came, error = attempts(client, "demo.later", 8, {"executed": "no", "node": "played", "retry_after_ms": 150})
    for earlier, later in zip(came, came[1:]):
        expect(later - earlier >= 0.14, f"tried again after {(later - earlier) * 1000:.0f} ms, although told to wait for 150")
    equal(error.get("code"), 8, "the code was")
    equal((error.get("data") or {}).get("retry_after_ms"), 150, f"of {short(error)} retry_after_ms was")


@edge("errors.application", "every other error is the application's own", role=CALLS)
def application(client):
    for code, data in (404, None), (-32000, {"executed": "no"}), (-32603, None), (-32602, [1]), (-32601, None), (7, {"executed": "no"}), \
            (16, {"executed": "no"}):
        _, error = attempts(client, "demo.app", code, data, most=1)
        equal(error.get("code"), code, "the code was")


@edge("errors.data", DATA, role=CALLS)
def data(client):
    for value in "text", 0, [], [1, {"a": None}], {"executed": 7}, {"executed": "perhaps"}, {"retry_after_ms": "soon"}, \
            {"retry_after_ms": -1}, {}:
        _, error = attempts(client, "demo.odd", 404, value)
        equal(error.get("data"), value, "the data were")


@edge("errors.no_message", "Positive codes are the node's own, numbered as gRPC's status codes", role=CALLS)
def no_message(client):
    call = client.calls("demo.empty", [])
    call.refuse(404, "")
    equal(call.error(404).get("message"), "", "the message was")


@edge("errors.many_under_way", 'A connection that ends without an answer means `"unknown"` for every call that was written to '
      "it.", role=CALLS, ends=True)
def many_under_way(client):
    for n in range(10):
        client.do("begin", {"key": f"k{n}", "method": f"demo.lost{n}", "params": [], "timeout_ms": 20_000})
    for n in range(10):
        client.link.incoming(f"demo.lost{n}")
    client.link.reset()
    client.again()
    for n in range(10):
        outcome = client.do("outcome", {"key": f"k{n}"})
        equal((outcome.get("error") or {}).get("code"), 14, f"of {short(outcome)} the code was")
        equal((outcome["error"].get("data") or {}).get("executed"), "unknown", f"of {short(outcome)} executed was")
