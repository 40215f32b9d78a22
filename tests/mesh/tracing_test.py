"""Traces over hops: what is passed on, which spans are made, and what becomes of them."""

import itertools
import socket

from setup import MeshCase, eventually, main, relay
from service_case import ServiceCase

from collector import CLIENT, ERROR, SERVER, Collector, chain
from mesh import free_addresses
from stream import Reader, StreamService
from wire import Wire, notification, request

_traces = itertools.count(1)
SPAN = "b7ad6b7169203331"
QUICK = ("--tracing-export-interval", "20ms")


def new_trace():
    return f"{next(_traces):032x}"


def traceparent(trace, flags="01"):
    return f"00-{trace}-{SPAN}-{flags}"


def parts(traceparent):
    version, trace, span, flags = traceparent.split("-")
    return trace, span, int(flags, 16)


class TracedMesh(ServiceCase):
    """Three nodes with tracing; each test has traces of its own."""

    ratio = "0"

    @classmethod
    def setUpClass(cls):
        cls.collector = Collector()
        cls.addClassCleanup(cls.collector.close)
        cls.options = ("--tracing-endpoint", cls.collector.url, "--tracing-sample-ratio", cls.ratio, *QUICK)
        super().setUpClass()

    def no_more_spans(self, wire):
        """Waits until everything that this connection's node made before now has been exported."""
        trace = new_trace()
        self.assert_ok(wire.call("foo", id="marker", traceparent=traceparent(trace)), "ok", "marker")
        self.collector.wait_for(1, trace)


class Hops(TracedMesh):
    def test_a_forwarded_call_has_a_span_at_each_node_and_the_service_continues_it(self):
        service = self.serve("b", "get", name="users", instance="x")
        client = self.client("a", service)
        self.assertIn("result", client.call("connect", {"name": "shop", "instance": "7"}))
        trace = new_trace()
        client.send(request(1, self.name("get"), traceparent=traceparent(trace), tracestate="v=1"))
        got = service.take_call()
        got.answer("found")
        self.assert_ok(client.receive(), "found")
        at_a, at_b = chain(self, self.collector.wait_for(2, trace), SPAN)
        self.assertEqual((at_a.node, at_b.node), ("node-a", "node-b"))
        self.assertEqual(parts(got.message["traceparent"]), (trace, at_b.id, 1))
        self.assertEqual(got.message["tracestate"], "v=1")
        for span in (at_a, at_b):
            self.assertEqual((span.kind, span.name, span.status), (SERVER, self.name("get"), {}))
            self.assertEqual(span.raw["traceState"], "v=1")
            self.assertEqual(span.raw["flags"] & 0x300, 0x300, "the parent is elsewhere")
            self.assertEqual(span.attributes["rpc.system.name"], "jsonrpc")
            self.assertEqual(span.attributes["rpc.method"], self.name("get"))
            self.assertEqual(span.attributes["weft.attempts"], 1)
            self.assertNotIn("rpc.response.status_code", span.attributes)
        host, port = client.socket.getsockname()
        self.assertEqual((at_a.attributes["network.peer.address"], at_a.attributes["network.peer.port"]),
                         (host, port))
        self.assertEqual((at_a.attributes["weft.caller"], at_a.attributes["weft.callee.node"]),
                         ("shop/7", "node-b"))
        self.assertEqual((at_b.attributes["weft.caller"], at_b.attributes["weft.callee"]),
                         ("node-a", "users/x"))
        self.assertGreaterEqual(at_b.start, at_a.start)
        self.assertLessEqual(at_b.end, at_a.end)

    def test_descendants_of_a_relayed_call_are_one_chain(self):
        client = self.connect(self.mesh["a"])
        trace = new_trace()
        answer = self.ask(client, relay(1, "b", "c", traceparent=traceparent(trace)))
        self.assertEqual(answer["result"]["node"], "node-c")
        spans = chain(self, self.collector.wait_for(5, trace), SPAN)
        self.assertEqual([(span.node, span.kind, span.name) for span in spans],
                         [("node-a", SERVER, "demo.relay"), ("node-a", CLIENT, "demo.relay"),
                          ("node-b", SERVER, "demo.relay"), ("node-b", CLIENT, "demo.whoami"),
                          ("node-c", SERVER, "demo.whoami")])
        self.assertEqual([span.attributes.get("weft.callee") for span in spans], [None, "b", None, "c", None])

    def test_a_later_version_of_the_member_is_continued_as_version_00(self):
        service = self.serve("a", "get")
        client = self.client("a", service)
        trace = new_trace()
        client.send(request(1, self.name("get"), traceparent=f"cc-{trace}-{SPAN}-01-more"))
        got = service.take_call()
        got.answer(1)
        (span,) = chain(self, self.collector.wait_for(1, trace), SPAN)
        self.assertEqual(got.message["traceparent"], f"00-{trace}-{span.id}-01")

    def test_all_other_bytes_pass_untouched(self):
        service = self.serve("a", "get")
        client = self.client("a", service)
        trace = new_trace()
        before = (b'{ "params" : {"n":18446744073709551616, "e":1e400},  "id":"x\\u0041",\t"jsonrpc":"2.0",'
                  b'"traceparent" : "')
        after = b'" ,"method":"%s", "later":[ ] }' % self.name("get").encode()
        client.send(before + traceparent(trace).encode() + after)
        got = service.take_call()
        got.answer(1)
        (span,) = chain(self, self.collector.wait_for(1, trace), SPAN)
        sent = before.replace(b'"x\\u0041"', b"ID") + f"00-{trace}-{span.id}-01".encode() + after
        self.assertEqual(got.without_hop(), sent)

    def test_the_calls_of_a_batch_have_spans_of_their_own(self):
        client = self.connect(self.mesh["a"])
        traces = [new_trace(), new_trace()]
        client.send([request(i, "foo", traceparent=traceparent(trace)) for i, trace in enumerate(traces)])
        self.assertEqual(len(client.receive()), 2)
        for trace in traces:
            chain(self, self.collector.wait_for(1, trace), SPAN)

    def test_a_notification_that_is_sent_on_is_a_hop_too(self):
        service = self.serve("b", "tell")
        client = self.client("a", service)
        trace = new_trace()
        client.send(notification(self.name("tell"), traceparent=traceparent(trace)))
        got = service.take()
        at_a, at_b = chain(self, self.collector.wait_for(2, trace), SPAN)
        self.assertEqual((at_a.node, at_b.node), ("node-a", "node-b"))
        self.assertEqual(parts(got.message["traceparent"]), (trace, at_b.id, 1))

    def test_an_attempt_at_another_instance_belongs_to_the_same_span(self):
        first = self.serve("a", {"method": "get", "idempotent": True}, instance="1")
        client = self.client("a", first)
        trace = new_trace()
        client.send(request(1, self.name("get"), traceparent=traceparent(trace)))
        lost = first.take_call()
        second = self.serve("a", {"method": "get", "idempotent": True}, instance="2", name="s")
        second.reachable_from(self.connect(self.mesh["a"]))
        first.close()
        again = second.take_call()
        again.answer("done")
        self.assert_ok(client.receive(), "done")
        (span,) = chain(self, self.collector.wait_for(1, trace), SPAN)
        self.assertEqual((span.attributes["weft.attempts"], span.attributes["weft.callee"]), (2, "s/2"))
        self.assertEqual(lost.message["traceparent"], again.message["traceparent"])


    def test_a_stream_is_one_span_and_that_it_is_resumed_an_event(self):
        def log(emitter):
            for number in range(0 if emitter.after is None else emitter.after + 1, 100):
                emitter.emit(number, cursor=number)

        declared = [{"method": self.name("log"), "stream": True, "resumable": True}]
        first = StreamService(self.mesh["a"], declared, log)
        self.addCleanup(first.close)
        client = self.client("a", first)
        trace = new_trace()
        reader = Reader(client, self.name("log"), id=1, credit=10, traceparent=traceparent(trace))
        reader.until_items(10)
        second = StreamService(self.mesh["a"], declared, log)
        self.addCleanup(second.close)
        second.reachable_from(self.connect(self.mesh["a"]))
        first.close()
        reader.grant(1000)
        self.assertEqual(len(reader.until_answer() and reader.items), 100)
        (span,) = chain(self, self.collector.wait_for(1, trace), SPAN)
        self.assertEqual((span.attributes["weft.attempts"], span.status), (2, {}))
        self.assertEqual([(event.name, event.attributes) for event in span.events],
                         [("weft.stream.resumed", {"weft.stream.items": 10})])
        self.assertTrue(span.start < span.events[0].at < span.end)
        self.assertEqual(second.emitter().got.message["traceparent"], first.emitter().got.message["traceparent"])


class Failures(TracedMesh):
    def test_an_error_is_the_status_of_the_span(self):
        service = self.serve("b", "get")
        client = self.client("a", service)
        trace = new_trace()
        client.send(request(1, self.name("get"), traceparent=traceparent(trace)))
        service.take_call().fail(-32050)
        self.assert_error(client.receive(), -32050)
        for span in chain(self, self.collector.wait_for(2, trace), SPAN):
            self.assertEqual(span.status, {"code": ERROR, "message": "OTHER"})
            self.assertEqual((span.attributes["rpc.response.status_code"], span.attributes["error.type"]),
                             ("-32050", "-32050"))

    def test_an_unknown_method_names_no_span(self):
        client = self.connect(self.mesh["a"])
        trace = new_trace()
        self.assert_error(client.call("no.such", traceparent=traceparent(trace)), -32601)
        (span,) = chain(self, self.collector.wait_for(1, trace), SPAN)
        self.assertEqual(span.name, "jsonrpc")
        self.assertEqual((span.attributes["rpc.method"], span.attributes["rpc.method_original"]),
                         ("_OTHER", "no.such"))

    def test_a_deadline_ends_the_span(self):
        client = self.connect(self.mesh["a"])
        trace = new_trace()
        answer = self.ask(client, relay(1, "b", method="demo.sleep", params={"ms": 25_000}, deadline_ms=500,
                                        traceparent=traceparent(trace)))
        self.assert_error(answer, 4)
        served, made, there = chain(self, self.collector.wait_for(3, trace), SPAN)
        self.assertEqual((served.attributes["error.type"], made.attributes["error.type"]), ("4", "4"))
        # Over there the cancellation may come before the deadline does.
        self.assertIn(there.attributes["error.type"], ("4", "-32800"))

    def test_a_caller_that_leaves_ends_the_span(self):
        service = self.serve("a", "get")
        client = self.client("a", service)
        trace = new_trace()
        client.send(request(1, self.name("get"), traceparent=traceparent(trace)))
        service.take_call()
        client.close()
        (span,) = chain(self, self.collector.wait_for(1, trace), SPAN)
        self.assertEqual(span.attributes["error.type"], "-32800")


class Sampling(TracedMesh):
    def test_what_is_not_sampled_is_passed_on_untouched_and_not_exported(self):
        service = self.serve("b", "get")
        client = self.client("a", service)
        trace = new_trace()
        client.send(request(1, self.name("get"), traceparent=traceparent(trace, "00"), tracestate="v=1"))
        got = service.take_call()
        got.answer(1)
        self.assert_ok(client.receive(), 1)
        self.assertEqual(got.message["traceparent"], traceparent(trace, "00"))
        self.assertEqual(got.message["tracestate"], "v=1")
        for node in ("a", "b"):
            self.no_more_spans(self.connect(self.mesh[node]))
        self.assertEqual(self.collector.spans(trace), [])

    def test_a_ratio_of_0_begins_no_trace(self):
        service = self.serve("b", "get")
        client = self.client("a", service)
        client.send(request(1, self.name("get")))
        got = service.take_call()
        got.answer(1)
        self.assert_ok(client.receive(), 1)
        self.assertNotIn("traceparent", got.message)


class BeginningTraces(TracedMesh):
    ratio = "1"

    def test_a_request_without_a_trace_begins_one(self):
        service = self.serve("b", "get")
        client = self.client("a", service)
        client.send(request(1, self.name("get")))
        got = service.take_call()
        got.answer(1)
        self.assert_ok(client.receive(), 1)
        trace, parent, flags = parts(got.message["traceparent"])
        self.assertEqual(flags, 0x03, "sampled, and the id is random")
        first, second = chain(self, self.collector.wait_for(2, trace), None)
        self.assertEqual((first.node, second.node, second.id), ("node-a", "node-b", parent))
        self.assertEqual(first.raw["flags"] & 0x300, 0x100, "it has no parent elsewhere")

    def test_a_member_that_is_no_traceparent_is_replaced_and_its_state_dropped(self):
        service = self.serve("a", "get")
        client = self.client("a", service)
        for wrong in ("00-nonsense", 7, traceparent("0" * 32)):
            client.send(request(1, self.name("get"), traceparent=wrong, tracestate="v=1"))
            got = service.take_call()
            got.answer(1)
            client.receive()
            trace, parent, _ = parts(got.message["traceparent"])
            (span,) = chain(self, self.collector.wait_for(1, trace), None)
            self.assertEqual(span.id, parent)
            self.assertEqual(got.message["tracestate"], "")

    def test_a_request_that_fills_its_frame_is_passed_on_without_the_member(self):
        service = self.serve("a", "get")
        client = self.client("a", service)
        message = request(1, self.name("get"), deadline_ms=9999, params="")
        room = (1 << 20) - len(str(message).replace(" ", ""))
        client.send({**message, "params": ["x" * (room - 40)]})
        got = service.take_call()
        got.answer(1)
        self.assert_ok(client.receive(), 1)
        self.assertNotIn("traceparent", got.message)


class SomeTraces(TracedMesh):
    ratio = "0.5"

    def test_the_first_node_decides_for_all(self):
        service = self.serve("b", "get", handler=lambda got: got.answer(got.message["traceparent"]))
        client = self.client("a", service)
        answers = [parts(self.call(client, "get", id=i)["result"]) for i in range(60)]
        sampled = {trace for trace, _, flags in answers if flags & 1}
        others = {trace for trace, _, flags in answers if not flags & 1}
        self.assertTrue(sampled and others, "sixty of one kind come once in 2^59")
        for trace in sampled:
            chain(self, self.collector.wait_for(2, trace), None)
        for trace in others:
            self.assertEqual(self.collector.spans(trace), [])


class Off(ServiceCase):
    def test_the_members_pass_as_the_bytes_they_came_as(self):
        service = self.serve("b", "get")
        client = self.client("a", service)
        for members in (b'"traceparent" : "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"a=b"',
                        b'"traceparent":"no\\u0020such","tracestate" :7', b'"traceparent":{}'):
            raw = b'{"jsonrpc":"2.0","id":1, %s ,"method":"%s"}' % (members, self.name("get").encode())
            client.send(raw)
            got = service.take_call()
            got.answer(1)
            self.assert_ok(client.receive(), 1)
            self.assertEqual(got.without_hop(), raw.replace(b'"id":1', b'"id":ID'))
        self.assertEqual(self.mesh["a"].metric("weft_spans_exported_total"), 0)


class Exporter(MeshCase):
    def start(self, *options, collector=None, url=None):
        if collector:
            self.addCleanup(collector.close)
        return self.start_node("--tracing-endpoint", url or collector.url, *options)

    def call(self, node, count=1):
        with Wire(node.address) as wire:
            for i in range(count):
                self.assert_ok(wire.call("foo", id=i), "ok", i)

    def dropped(self, node, reason):
        return node.metric("weft_spans_dropped_total", reason=reason)

    def test_full_batches_do_not_wait_for_the_interval(self):
        collector = Collector()
        node = self.start("--tracing-batch-spans", "64", "--tracing-export-interval", "1h", collector=collector)
        self.call(node, 64 * 2)
        # A span may have been made on another reactor, so one batch is certain and the second is not.
        collector.wait_for(64)
        eventually(lambda: node.metric("weft_spans_exported_total") >= 64, "the spans are counted")

    def test_a_collector_that_is_down_harms_no_call_and_is_counted(self):
        (nowhere,) = free_addresses(1)
        node = self.start("--tracing-export-timeout", "50ms", *QUICK, url=f"http://{nowhere}/v1/traces")
        self.call(node, 10)
        eventually(lambda: self.dropped(node, "export_failed") == 10, "the spans are dropped and counted")
        self.assertGreaterEqual(node.metric("weft_span_export_failures_total"), 1)
        self.assertEqual(node.metric("weft_spans_exported_total"), 0)
        eventually(lambda: node.log().count("tracing:") == 1, "one line says so")
        self.assert_alive(node)

    def test_what_does_not_fit_into_the_queue_is_dropped_and_counted(self):
        collector = Collector()
        collector.hold()
        node = self.start("--reactors", "1", "--tracing-queue-spans", "100", "--tracing-batch-spans", "50", *QUICK,
                          collector=collector)
        self.call(node, 64)
        eventually(lambda: collector.requests == 1, "the first batch is on its way, and stays there")
        self.call(node, 64 * 4)
        eventually(lambda: self.dropped(node, "queue_full") >= 64 * 5 - 50 - 100, "the rest is dropped")
        self.assert_alive(node)
        collector.let_go()
        eventually(lambda: node.metric("weft_spans_exported_total") + self.dropped(node, "queue_full")
                   >= 64 * 5, "every span is accounted for")

    def test_a_busy_collector_is_asked_again_when_it_says(self):
        collector = Collector()
        for status in (503, 429):
            collector.answers.put((status, {"Retry-After": "1"}, b"{}"))
        node = self.start(*QUICK, collector=collector)
        self.call(node)
        collector.wait_for(1)
        self.assertEqual(collector.requests, 3)
        eventually(lambda: node.metric("weft_spans_exported_total") == 1, "the span is counted")
        self.assertEqual(node.metric("weft_span_export_failures_total"), 2)
        eventually(lambda: "takes spans again" in node.log(), "the log says so")

    def test_a_collector_that_refuses_is_not_asked_again(self):
        collector = Collector()
        collector.answers.put((400, {}, b"{}"))
        node = self.start(*QUICK, collector=collector)
        self.call(node)
        eventually(lambda: self.dropped(node, "export_failed") == 1, "the span is dropped")
        self.call(node)
        collector.wait_for(1)
        self.assertEqual(collector.requests, 2)

    def test_rejected_spans_are_counted_as_such(self):
        collector = Collector()
        collector.answers.put((200, {}, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}'))
        node = self.start(*QUICK, collector=collector)
        self.call(node)
        eventually(lambda: self.dropped(node, "rejected") == 1, "the rejected span is counted")
        self.assertEqual(node.metric("weft_spans_exported_total"), 0)
        eventually(lambda: "too old" in node.log(), "the log says why")

    def test_the_last_spans_are_sent_before_the_node_ends(self):
        collector = Collector()
        node = self.start("--tracing-export-interval", "1h", collector=collector)
        self.call(node, 3)
        node.terminate()
        node.wait()
        self.assertEqual(len(collector.spans()), 3)

    def test_a_collector_that_hangs_does_not_keep_the_node_from_ending(self):
        collector = Collector()
        collector.hold()
        node = self.start("--drain-timeout", "500ms", "--tracing-request-timeout", "1h",
                          "--tracing-export-timeout", "1h", *QUICK, collector=collector)
        self.call(node)
        eventually(lambda: collector.requests == 1, "the request is on its way, and stays there")
        node.terminate()
        node.wait()

    def test_a_collector_that_ends_connections_is_asked_again(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(30)
            node = self.start(*QUICK, url="http://127.0.0.1:%d/v1/traces" % server.getsockname()[1])
            self.call(node)
            for _ in range(2):
                server.accept()[0].close()
            eventually(lambda: node.metric("weft_span_export_failures_total") >= 1, "the failure is counted")


if __name__ == "__main__":
    main()
