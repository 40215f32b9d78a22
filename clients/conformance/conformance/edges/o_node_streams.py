"""The other side, of streams: what a node passes on, gathers and refuses."""

from ..client import equal, expect
from ..wire import request, short
from .n_node import await_either, forwarded, node_edge

RESUMED = "and the caller sees one stream, each item once and in order."


def streaming(node, *, credit=2, **more):
    """A stream on its way: its caller, the service, and the request that this one got."""
    service = node.service({"method": "s", "stream": True, **more})
    caller = node.connect()
    caller.send(request("s", node.name("s"), [], stream={"credit": credit}))
    return caller, service, service.incoming(node.name("s"))


def item(link, call, seq, value, **more):
    link.notify("$/stream/item", {"id": call["id"], "seq": seq, "value": value, **more})


def values(caller, *expected, first=0):
    for seq, value in enumerate(expected, first):
        params = caller.of_stream("item", "s")
        equal([params["seq"], params["value"]], [seq, value], "seq and value were")


@node_edge("stream", "A node passes `credit` on unchanged.")
def stream(node):
    caller, service, call = streaming(node)
    equal(call["stream"]["credit"], 2, "the credit was")
    item(service, call, 0, "a")
    item(service, call, 1, {"b": None})
    values(caller, "a", {"b": None})
    caller.notify("$/stream/credit", {"id": "s", "credit": 7})
    while (params := service.of_stream("credit", call["id"]))["credit"] == 0:
        pass
    equal(params["credit"], 7, "the credit was")
    item(service, call, 2, 3)
    service.reply(call, {"end": 1})
    values(caller, 3, first=2)
    equal(caller.result("s"), {"end": 1}, "the result was")
    caller.quiet()


@node_edge("stream_input", "a value into the generator")
def stream_input(node):
    caller, service, call = streaming(node, input={"type": "integer"})
    service.notify("$/stream/accept", {"id": call["id"], "credit": 3})
    equal(caller.of_stream("accept", "s")["credit"], 3, "the credit was")
    caller.notify("$/stream/send", {"id": "s", "seq": 0, "value": 5})
    equal(service.of_stream("send", call["id"])["value"], 5, "the value was")
    caller.notify("$/stream/throw", {"id": "s", "error": {"code": 1, "message": "x"}})
    equal(service.of_stream("throw", call["id"])["error"]["code"], 1, "the code was")
    caller.notify("$/stream/end", {"id": "s"})
    service.of_stream("end", call["id"])
    service.reply(call)
    caller.result("s")


@node_edge("stream_gathered", "Without `stream` in the request the node gathers the items and answers with an array of them")
def stream_gathered(node):
    service = node.service({"method": "s", "stream": True})
    caller = node.connect()
    id = caller.request(node.name("s"), [])
    call = service.incoming(node.name("s"))
    expect(call["stream"]["credit"] >= 2, f"expected credit, got {short(call)}")
    item(service, call, 0, 1)
    item(service, call, 1, "two")
    service.reply(call)
    equal(caller.result(id), [1, "two"], "the result was")


@node_edge("stream_cancelled", "its cleanup runs, then the response comes")
def stream_cancelled(node):
    caller, service, call = streaming(node)
    caller.notify("$/cancelRequest", {"id": "s"})
    equal(service.incoming("$/cancelRequest")["params"]["id"], call["id"], "the id was")
    service.refuse(call, -32800, "cancelled")
    caller.error("s", -32800)
    caller.quiet()


@node_edge("stream_beyond_its_credit", "Whoever sends more than it was granted ends its own stream with 8; an item or value that is not "
           "the next one, by its `seq`, ends it with -32603. No other stream or call notices.")
def stream_beyond_its_credit(node):
    for seqs, code in ((0, 1, 2), 8), ((0, 2), -32603), ((1,), -32603):
        caller, service, call = streaming(node)
        for seq in seqs:
            item(service, call, seq, seq)
        caller.error("s", code)
        node.close()


@node_edge("stream_malformed", "One that is malformed is refused with -32600.")
def stream_malformed(node):
    node.service({"method": "s", "stream": True})
    caller = node.connect()
    for member in 7, [], {}, {"credit": -1}, {"credit": "1"}:
        caller.call_fails(node.name("s"), [], -32600, stream=member)


@node_edge("stream_of_a_plain_method", "A method that does not stream ignores the member.")
def stream_of_a_plain_method(node):
    caller, service, call = forwarded(node, members=',"stream":{"credit":5}')
    service.reply(call, {"plain": 1})
    equal(caller.result("caller"), {"plain": 1}, "the result was")


@node_edge("stream_resumed", RESUMED)
def stream_resumed(node):
    entry = {"method": "s", "stream": True, "resumable": True}
    links = node.service(entry), node.service(entry, instance="b")
    caller = node.connect()
    caller.send(request("s", node.name("s"), [], stream={"credit": 10}))
    first, second = await_either(node, *links)
    call = first.incoming(node.name("s"))
    item(first, call, 0, "a", cursor=["c", 0])
    item(first, call, 1, "b", cursor=["c", 1])
    values(caller, "a", "b")
    first.close()
    again = second.incoming(node.name("s"))
    equal(again["stream"].get("after"), ["c", 1], "after was")
    item(second, again, 0, "c", cursor=["c", 2])
    second.reply(again)
    values(caller, "c", first=2)
    equal(caller.result("s"), None, "the result was")


@node_edge("stream_messages_of_nothing", "Messages of a stream that has ended, or never was, are dropped and counted.")
def stream_messages_of_nothing(node):
    link = node.connect()
    for what in "item", "credit", "accept", "send", "end", "throw":
        for params in None, {}, {"id": "none"}, {"id": {}}:
            link.notify(f"$/stream/{what}", params)
    link.quiet()
