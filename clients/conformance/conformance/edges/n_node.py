"""The other side: what a node does. The edge plays its callers and services."""

import json
import socket

from ..client import equal, expect
from ..registry import NODE, edge
from ..wire import HEADER, frame, notification, request, same, short

ID = "echoed byte for byte: `1e2`, `1.0`, 2^64 and `\"\\u0041\"` come back as they were written."
BATCH = "runs concurrently, answered in request order in one frame; only notifications and responses in it: no frame"
OPEN = "Everything else that is wrong with a message leaves it open."
BOUNDARY = ("A length of 0, a negative one (answered with -32600) and one over the limit (answered with 8 "
            "RESOURCE_EXHAUSTED) end the connection: there is no frame boundary to go on from.")
FORWARDED = "A call comes as an ordinary request over the connection that the service opened, as the bytes that the caller sent"
BACK = "The response goes back untouched but for its id."
TRIED = "A call is tried again, on another instance if there is one, when it provably did not run"


def node_edge(name, says, **more):
    return edge(f"node.{name}", says, role=NODE, **more)


def forwarded(node, *, method="m", members="", params='{"a": 1}', id='"caller"', entry=None):
    """A call on its way: the caller, the service, and the request that this one got."""
    service = node.service(entry or method)
    caller = node.connect()
    caller.send(f'{{"jsonrpc":"2.0","id":{id},"method":"{node.name(method)}","params":{params}{members}}}')
    return caller, service, service.incoming(node.name(method))


def raw_answer(link, payload):
    link.send(payload)
    return link.receive_payload("an answer")


def answers(link, payload, *codes, id=None):
    """This is answered with an error of one of these codes, and the connection goes on."""
    link.send(payload)
    message = link.next(lambda m: isinstance(m, dict) and "error" in m, f"the answer to {short(str(payload), 80)}")
    expect(message["error"]["code"] in codes, f"expected {codes}, got {short(message)} for {short(str(payload), 80)}")
    expect(same(message["id"], id), f"expected the id {short(id)}, got {short(message)}")
    link.passes()


@node_edge("connect", "`limits` in the answer are the node's limits for this connection, as numbers")
def connect(node):
    answer = node.connect().call("connect", {"name": "me", "heartbeat_ms": 5000})
    equal(answer.get("heartbeat_ms"), 5000, "heartbeat_ms was")
    expect(isinstance(answer.get("node"), str) and answer["node"], f"expected the node's id, got {short(answer)}")
    for name in "frame_bytes", "depth", "batch_size", "in_flight", "method_name_bytes":
        expect(isinstance(answer["limits"].get(name), int), f"expected the limit {name}, got {short(answer['limits'])}")


@node_edge("heartbeat", "a sign of life, from either side")
def heartbeat(node):
    equal(node.connect().call("heartbeat"), "ok", "the answer was")


@node_edge("silent_client", "A node that has heard nothing for one interval asks with a `heartbeat` request; after three silent "
           "intervals it closes the connection.")
def silent_client(node):
    link = node.introduced(heartbeat_ms=100)
    link.answers_heartbeats = False
    expect("id" in link.incoming("heartbeat"), "expected a request")
    link.ends("the node to close the connection of a silent client")


@node_edge("ids", ID)
def ids(node):
    link = node.connect()
    for id in "1e2", "1.0", "18446744073709551616", '"\\u0041"', "-0", "1E+2", '""', "null", "0":
        payload = raw_answer(link, f'{{"jsonrpc":"2.0","id":{id},"method":"heartbeat"}}')
        expect(f'"id":{id},'.encode() in payload or f'"id":{id}}}'.encode() in payload, f"the id {id} came back in {payload!r}")


@node_edge("ids_that_are_none", "-32600, id null")
def ids_that_are_none(node):
    link = node.connect()
    for id in "{}", "[]", "true":
        answers(link, f'{{"jsonrpc":"2.0","id":{id},"method":"heartbeat"}}', -32600)


@node_edge("id_under_way", "-32600 for the second call; the first is unaffected.")
def id_under_way(node):
    caller, service, call = forwarded(node)
    caller.send(request("caller", node.name("m")))
    caller.error("caller", -32600)
    service.reply(call, "first")
    equal(caller.result("caller"), "first", "the result was")


@node_edge("unknown_method", "A method that nobody ever served is -32601.")
def unknown_method(node):
    link = node.connect()
    for method in node.name("nobody"), "$/no_such", "rpc.no_such", "mesh.no_such":
        link.call_fails(method, [], -32601)


@node_edge("notifications", "never answered, whatever happens to it.")
def notifications(node):
    link = node.connect()
    for method in node.name("nobody"), "$/no_such", "heartbeat", "rpc.discover":
        link.notify(method)
    link.quiet()


@node_edge("batches", BATCH)
def batches(node):
    link = node.connect()
    link.send([request(1, "heartbeat"), notification("no.such"), request("1", node.name("nobody")), 7])
    batch = link.next(lambda m: isinstance(m, list), "a batch of answers")
    expect([m["id"] for m in batch] == [1, "1", None], f"expected the ids 1, \"1\", null, got {short(batch)}")
    link.send([notification("no.such"), {"jsonrpc": "2.0", "id": 1, "result": 1}])
    link.send(b"[]")
    message = link.next(lambda m: True, "one answer")
    expect(isinstance(message, dict) and message["error"]["code"] == -32600, f"expected one -32600, got {short(message)}")
    link.quiet()


@node_edge("not_json", OPEN)
def not_json(node):
    link = node.connect()
    for payload in b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"jsonrpc":"2.0","method":"x"}\0', b"[" * 100_000, b"NaN", \
            b'{"jsonrpc":"2.0","id":1,"method":"heartbeat","params":["\\ud800"]}':
        answers(link, payload, -32700)


@node_edge("no_message", OPEN)
def no_message(node):
    link = node.connect()
    for payload in b"1", b"{}", b'{"jsonrpc":"2.0"}', b'{"jsonrpc":"2.0","method":1}', b'{"method":"heartbeat"}':
        answers(link, payload, -32600)
    for members in '"jsonrpc":"1.0",', '"jsonrpc":2.0,', "", '"jsonrpc":"2.0","params":1,', '"jsonrpc":"2.0","method":"heartbeat",':
        answers(link, f'{{{members}"id":"i","method":"heartbeat"}}', -32600, id="i")
    link.send('{"jsonrpc":"2.0","id":"n","method":"heartbeat","params":null}')
    equal(link.result("n"), "ok", "the answer was")


@node_edge("frames_split", "A signed 32-bit big-endian length, then that many bytes of UTF-8 JSON: one JSON-RPC object or one batch.")
def frames_split(node):
    link = node.connect()
    for byte in frame(request("b", "heartbeat")):
        link.send_bytes(bytes([byte]))
    equal(link.result("b"), "ok", "the answer was")
    link.send(*(request(n, "heartbeat") for n in range(1000)))
    for n in range(1000):
        link.result(n)


@node_edge("frame_lengths", BOUNDARY)
def frame_lengths(node):
    for length, code in (0, None), (-1, -32600), (0x7FFFFFFF, 8):
        link = node.connect()
        link.send_bytes(HEADER.pack(length))
        if code:
            message = link.next(lambda m: True, "an answer")
            equal(message["error"]["code"], code, "the code was")
            equal(message["id"], None, "the id was")
        link.ends("the node to end the connection")


@node_edge("half_closed", "A client that never introduced itself may close its sending direction and still gets all its answers; "
           "then the node closes.")
def half_closed(node):
    link = node.connect()
    link.send(*(request(n, "heartbeat") for n in range(10)))
    link.socket.shutdown(socket.SHUT_WR)
    for n in range(10):
        link.result(n)
    link.ends("the node to close the connection")


@node_edge("response_to_nothing", "dropped and counted")
def response_to_nothing(node):
    link = node.connect()
    link.send({"jsonrpc": "2.0", "id": 1, "result": 1}, {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}},
              {"jsonrpc": "2.0", "id": 1, "error": 7})
    link.quiet()


@node_edge("discover", "an [OpenRPC](https://spec.open-rpc.org) document of the node's methods")
def discover(node):
    service = node.service({"method": "m", "params": {"type": "object"}})
    document = service.call("rpc.discover")
    expect(any(each["name"] == node.name("m") for each in document["methods"]), f"{node.name('m')} is not in rpc.discover")


@node_edge("forwards_bytes", FORWARDED)
def forwards_bytes(node):
    params = '{ "n":1e400, "s":"\\u0041", "a":[1.0,-0,18446744073709551616], "d":1, "d":2 }'
    service = node.service("m")
    caller = node.connect()
    caller.send(f'{{"jsonrpc":"2.0","id":"c","method":"{node.name("m")}","future":[1 ],"params":{params}}}')
    while node.name("m").encode() not in (payload := service.receive_payload("the call")):
        pass
    for part in f'"params":{params}', '"future":[1 ]':
        expect(part.encode() in payload, f"expected the bytes {part}, got {payload!r}")
    expect(b'"deadline_ms":' in payload, f"expected deadline_ms, got {payload!r}")


@node_edge("returns_bytes", BACK)
def returns_bytes(node):
    caller, service, call = forwarded(node, id="1e2")
    result = '{ "n":1e400, "s":"\\u0041" }'
    service.send(f'{{"jsonrpc":"2.0","id":{json.dumps(call["id"])},"result":{result}}}')
    payload = caller.receive_payload("the answer")
    for part in f'"result":{result}', '"id":1e2':
        expect(part.encode() in payload, f"expected the bytes {part}, got {payload!r}")


@node_edge("error_of_a_service", "every other error is the application's own")
def error_of_a_service(node):
    caller, service, call = forwarded(node)
    service.refuse(call, 404, "no user", {"a": [1]})
    equal(caller.error("caller", 404), {"code": 404, "message": "no user", "data": {"a": [1]}}, "the error was")


@node_edge("malformed_response", "If its id, or the first `\"id\": NUMBER` of a text that is no JSON, names a call under way, that "
           "call ends with 14, `executed: \"unknown\"`, and what was wrong")
def malformed_response(node):
    caller, service, call = forwarded(node)
    service.send({"jsonrpc": "2.0", "id": call["id"], "error": 7})
    equal(caller.error("caller", 14)["data"]["executed"], "unknown", "executed was")
    service.quiet()


@node_edge("cancellation", "The cancellation travels on to the calls that the method has under way, always behind the request that it "
           "cancels.")
def cancellation(node):
    caller, service, call = forwarded(node)
    caller.notify("$/cancelRequest", {"id": "caller"})
    equal(service.incoming("$/cancelRequest")["params"]["id"], call["id"], "the id was")
    service.refuse(call, -32800, "cancelled")
    caller.error("caller", -32800)
    caller.quiet()


@node_edge("cancellation_without_reaction", "A service that does not react is given `protocol.cancel_grace` (500 ms); then the node "
           "answers -32800 with `executed: \"unknown\"`.")
def cancellation_without_reaction(node):
    caller, service, call = forwarded(node)
    caller.notify("$/cancelRequest", {"id": "caller"})
    equal(caller.error("caller", -32800)["data"]["executed"], "unknown", "executed was")
    service.reply(call, "too late")
    caller.quiet()


@node_edge("deadline", "`deadline_ms` is what is left (and is there even if the caller gave none)")
def deadline(node):
    caller, service, call = forwarded(node, members=',"deadline_ms":2000')
    expect(0 < float(call["deadline_ms"]) <= 2000, f"expected at most 2000, got {short(call)}")
    service.reply(call)
    caller.result("caller")


@node_edge("deadline_passes", "At 0 or below the call is refused before anything runs; when it passes later, the call is answered "
           "with 4 DEADLINE_EXCEEDED and what runs for it is cancelled.")
def deadline_passes(node):
    caller, service, call = forwarded(node, members=',"deadline_ms":100')
    caller.error("caller", 4)
    equal(service.incoming("$/cancelRequest")["params"]["id"], call["id"], "the id was")
    equal(caller.call_fails(node.name("m"), [], 4, deadline_ms=0)["data"]["executed"], "no", "executed was")


@node_edge("lost_service", "A connection that ends without an answer means `\"unknown\"` for every call that was written to it.")
def lost_service(node):
    caller, service, _ = forwarded(node)
    service.close()
    equal(caller.error("caller", 14)["data"]["executed"], "unknown", "executed was")


@node_edge("retried_when_it_did_not_run", TRIED)
def retried_when_it_did_not_run(node):
    one, two = node.service("m"), node.service("m", instance="b")
    caller = node.connect()
    caller.send(request("c", node.name("m"), []))
    refused, answered = await_either(node, one, two)
    refused.refuse(refused.incoming(node.name("m")), 14, "full", {"executed": "no"})
    answered.reply(answered.incoming(node.name("m")), "elsewhere")
    equal(caller.result("c"), "elsewhere", "the result was")


def await_either(node, *links):
    """The link that something came over, and the other one."""
    while True:
        for link in links:
            if link.readable(0.01):
                return link, next(each for each in links if each is not link)
            node.clock.left("a call")


@node_edge("idempotent_is_retried", "a call may be tried again after a lost connection")
def idempotent_is_retried(node):
    entry = {"method": "m", "idempotent": True}
    links = node.service(entry), node.service(entry, instance="b")
    caller = node.connect()
    caller.send(request("c", node.name("m"), []))
    first, second = await_either(node, *links)
    first.incoming(node.name("m"))
    first.close()
    second.reply(second.incoming(node.name("m")), "again")
    equal(caller.result("c"), "again", "the result was")


@node_edge("mesh_drain", "nothing new is sent to it, what is under way finishes")
def mesh_drain(node):
    caller, service, call = forwarded(node)
    equal(service.call("mesh.drain"), "ok", "the answer was")
    caller.call_fails(node.name("m"), [], 14, 8, -32601)
    service.reply(call, "finished")
    equal(caller.result("caller"), "finished", "the result was")
    service.quiet()


@node_edge("refused_serves", "Any other member is refused, so that a mistyped one is noticed.")
def refused_serves(node):
    link = node.connect()
    for entry in {"method": node.name("m"), "idempotant": True}, {"idempotent": True}, 7:
        link.call_fails("connect", {"name": "x", "serves": [entry]}, -32602)
    for name in "rpc.x", "mesh.x", "$/x", "connect", "heartbeat":
        link.call_fails("connect", {"name": "x", "serves": [name]}, -32602, 7)
    link.call_fails(node.name("m"), [], -32601)


@node_edge("serves_is_replaced", "Sent again, `connect` replaces the set")
def serves_is_replaced(node):
    service, caller = node.service("one"), node.connect()
    service.call("connect", {"name": node.prefix, "serves": [node.name("two")]})
    caller.call_fails(node.name("one"), [], -32601, 14)
    id = caller.request(node.name("two"))
    service.reply(service.incoming(node.name("two")), 2)
    equal(caller.result(id), 2, "the result was")


@node_edge("prefix", "an exact name wins, then the longer prefix")
def prefix(node):
    short_one, long_one = node.service("*"), node.service("a.*", instance="b")
    caller = node.connect()
    for method, link in ("b", short_one), ("a.b", long_one):
        id = caller.request(node.name(method))
        link.reply(link.incoming(node.name(method)), method)
        equal(caller.result(id), method, "the result was")


@node_edge("both_directions", "either side may call the other")
def both_directions(node):
    caller, service, call = forwarded(node)
    equal(service.call("heartbeat"), "ok", "while it is called, the answer was")
    service.reply(call, 1)
    caller.result("caller")


@node_edge("trace", "passed on, the same bytes")
def trace(node):
    value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    _, _, call = forwarded(node, members=f',"traceparent":"{value}","tracestate":"a=b"')
    equal(call.get("traceparent"), value, "traceparent was")
    equal(call.get("tracestate"), "a=b", "tracestate was")


@node_edge("limit_of_a_client", "A client may tell its own: with `\"limits\": {\"frame_bytes\": 65536}` it gets no larger frame, and a "
           "call that would need one fails with 8.")
def limit_of_a_client(node):
    service = node.service("m", limits={"frame_bytes": 65536})
    caller = node.connect()
    caller.call_fails(node.name("m"), ["x" * 70_000], 8)
    service.quiet()
