"""Batches: several messages in a frame."""

from ..client import equal, expect
from ..registry import CALLS, edge
from ..wire import Failed, notification, request, same, short

BATCH = "runs concurrently, answered in request order in one frame; only notifications and responses in it: no frame"


def batch(client, *messages):
    client.link.send(list(messages))
    answer = client.link.next(lambda message: isinstance(message, list), "a batch of answers")
    return answer


@edge("batches.requests", BATCH)
def requests(client):
    answers = batch(client, *(request(f"b{n}", "conformance.echo", {"value": n}) for n in range(5)))
    equal([(a["id"], a.get("result")) for a in answers] == [(f"b{n}", n) for n in range(5)], True, f"{short(answers)}: in order:")


@edge("batches.mixed", BATCH)
def mixed(client):
    before = client.state()["notes"]
    answers = batch(client, request(1, "heartbeat"), notification("conformance.note", {"value": "in a batch"}),
                    request("1", "no.such"), 7, {"jsonrpc": "2.0", "id": "gone", "result": 1})
    expect(len(answers) == 3, f"expected three answers, got {short(answers)}")
    equal(answers[0].get("result"), "ok", "the first answer was")
    equal(answers[1].get("error", {}).get("code"), -32601, "the code of the second answer was")
    equal((answers[2].get("error", {}).get("code"), answers[2]["id"]) == (-32600, None), True,
          f"{short(answers[2])} is -32600 with id null:")
    equal(client.state()["notes"], [*before, "in a batch"], "the notes were")


@edge("batches.concurrent", BATCH)
def concurrent(client):
    client.link.send([request("w", "conformance.wait", {}), request("e", "conformance.echo", {"value": 1})])
    client.link.passes()
    client.link.notify("$/cancelRequest", {"id": "w"})
    answers = client.link.next(lambda message: isinstance(message, list), "a batch of answers")
    equal([a["id"] for a in answers], ["w", "e"], "the ids were")
    equal(answers[0].get("error", {}).get("code"), -32800, "the code of the first was")
    equal(answers[1].get("result"), 1, "the second was")


@edge("batches.no_answer", BATCH)
def no_answer(client):
    client.link.send([notification("no.such"), notification("heartbeat"), {"jsonrpc": "2.0", "id": "gone", "result": 1}])


@edge("batches.empty", "one -32600")
def empty(client):
    client.link.send(b"[]")
    message = client.link.next(lambda _: True, "an answer")
    if not isinstance(message, dict) or not same(message.get("id", 0), None) or message["error"]["code"] != -32600:
        raise Failed(f"expected one -32600 with id null, got {short(message)}")


@edge("batches.of_answers", "A table from id to the call that waits for it. Answers come in any order.", role=CALLS)
def of_answers(client):
    controls = [client.control("call", {"method": f"demo.batched{n}", "params": [n]}) for n in range(3)]
    calls = [client.link.incoming(f"demo.batched{n}") for n in range(3)]
    client.link.send([{"jsonrpc": "2.0", "id": call["id"], "result": call["params"]} for call in reversed(calls)])
    for n, control in enumerate(controls):
        equal(client.link.result(control), {"result": [n]}, f"call {n} got")
