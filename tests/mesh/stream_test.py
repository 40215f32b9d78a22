"""Streams: items as far as the caller grants them, over every way that a call can go."""

from setup import eventually, main, notification, request
from stream_case import WINDOW, StreamCase, count

from stream import Cancelled, Reader


class Items(StreamCase):
    def test_come_as_far_as_they_are_granted(self):
        for method, service, wire in self.each_way(count):
            reader = Reader(wire, method, [10], credit=3)
            self.assertEqual(reader.until_items(3), [0, 1, 2])
            emitter = service.emitter()
            eventually(emitter.exhausted, "the callee has used what it was granted")
            self.assertTrue(wire.nothing_pending())
            reader.grant(4)
            self.assertEqual(reader.until_items(7), [0, 1, 2, 3, 4, 5, 6])
            eventually(emitter.exhausted, "the callee has used what it was granted")
            reader.grant(100)
            self.assertEqual(reader.until_answer()["result"], "done")
            self.assertEqual(reader.items, list(range(10)))
        self.assert_over()

    def test_of_a_generator_that_pauses_come_one_by_one(self):
        for node in "ab":
            # Nothing else goes on there, which would take them along.
            wire = self.connect(self.mesh[node])
            reader = Reader(wire, "demo.count", {"to": 3, "ms": 300}, credit=64)
            for last in range(3):
                self.assertEqual(reader.until_items(last + 1), list(range(last + 1)))
                self.assertTrue(wire.nothing_pending(), "the next one has its pause before it")
            self.assertIn("result", reader.until_answer())

    def test_values_pass_byte_for_byte(self):
        raw = b'{"a" : [1e2, "\\u00e9\\u0000", -0.0 ],"b":{ }}'

        def produce(emitter):
            emitter.got._wire.send(b'{"jsonrpc":"2.0","method":"$/stream/item","params":{"cursor": "x\\"" , "value" : '
                                   + raw + b',"seq":0, "id" : %d}}' % emitter.id)
            return None

        for method, _, wire in self.each_way(produce):
            Reader(wire, method, [], credit=1)
            payload = wire.receive_payload()
            self.assertIn(b'"value":' + raw, payload)
            self.assertIn(b'"cursor":"x\\""', payload)

    def test_a_hundred_thousand_in_order(self):
        for node in "ab":
            service = self.serve(node, [f"many{node}.s"], count)
            wire = self.caller(service)
            reader = Reader(wire, f"many{node}.s", [100_000], credit=1000)
            granted = 1000
            while reader.answer is None:
                reader.step()
                if granted - len(reader.items) < 500:
                    reader.grant(1000)
                    granted += 1000
            self.assertEqual(reader.items, list(range(100_000)))
        self.assert_over()

    def test_a_plain_method_is_answered_plainly(self):
        wire = self.connect(self.mesh["a"])
        wire.send(request(1, "foo", stream={"credit": 1}))
        self.assert_ok(wire.receive(), "ok")

    def test_a_stream_that_is_none_is_refused(self):
        service = self.serve("b", ["bad.s"], count)
        wire = self.caller(service)
        for stream in 5, [], {}, {"credit": -1}, {"credit": 1.5}, {"credit": "1"}, {"credit": 1, "bytes": -1}:
            with self.subTest(stream=stream):
                error = self.assert_error(self.ask(wire, request(1, "bad.s", [1], stream=stream)), -32600)
                self.assertIn("credit", error["message"])


class Gathering(StreamCase):
    def test_a_caller_that_asks_for_no_stream_gets_an_array(self):
        for method, service, wire in self.each_way(count):
            for number in 0, 1, 1000:
                self.assert_ok(self.ask(wire, request(1, method, [number])), list(range(number)))
        self.assert_over()

    def test_has_a_limit_of_bytes(self):
        def produce(emitter):
            for length in emitter.got.params:
                emitter.emit("x" * (length - 2))

        self.mesh = self.start_mesh("ab", *self.options, "--limits-stream-gather-bytes", "1KiB")
        for method, _, wire in self.each_way(produce):
            for lengths, code in ([1022], 0), ([1023], 8), ([500, 521], 0), ([500, 522], 8):
                answer = self.ask(wire, request(1, method, lengths))
                self.assertEqual(answer.get("error", {}).get("code", 0), code, (lengths, answer))
        self.assert_over()

    def test_has_a_limit(self):
        def produce(emitter):
            for _ in range(100):
                emitter.emit("x" * 50_000)

        for method, service, wire in self.each_way(produce):
            error = self.assert_error(self.ask(wire, request(1, method, [])), 8)
            self.assertIn("limits.stream_gather_bytes", error["message"])
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()


class Windows(StreamCase):
    def test_a_caller_that_does_not_read_stops_its_callee(self):
        sent = {}

        def produce(emitter):
            sent[emitter.got.method] = emitter
            for number in range(10_000):
                emitter.emit("x" * 1000)
            return emitter.seq

        for method, service, _ in self.each_way(produce):
            wire = self.caller(service, receive_buffer=4096)
            reader = Reader(wire, method, [], credit=10_000)
            emitter = service.emitter()
# As much as the sockets and windows on the way take, and then no more.
            eventually(emitter.exhausted, "the callee waits for bytes")
            self.assertGreater(emitter.credit, 0)
            self.assertLess(self.mesh["a"].metric("weft_stream_waiting_bytes"), 3 * WINDOW)
            self.assertEqual(reader.until_answer()["result"], 10_000)
            self.assertEqual(len(reader.items), 10_000)
        self.assert_over()

    def test_the_bytes_that_the_caller_grants_hold(self):
        def produce(emitter):
            for _ in range(5):
                emitter.emit("x" * 98)
            return "done"

        for method, service, wire in self.each_way(produce):
            reader = Reader(wire, method, [], stream={"credit": 5, "bytes": 150})
            reader.until_items(2)
            emitter = service.emitter()
            eventually(emitter.exhausted, "the callee waits for bytes")
            self.assertTrue(wire.nothing_pending())
            reader.grant(0, bytes=10_000)
            self.assertEqual(reader.until_answer()["result"], "done")
            self.assertEqual(len(reader.items), 5)

    def test_others_on_the_link_go_on(self):
        stuck = self.serve("b", ["stuck.s"], lambda emitter: [emitter.emit("x" * 1000) for _ in range(5000)] and None)
        echo = self.serve("b", [{"method": "echo.m"}], lambda emitter: emitter.got.params)
        wire = self.caller(stuck, receive_buffer=4096)
        reader = Reader(wire, "stuck.s", [], credit=5000)
        eventually(stuck.emitter().exhausted, "the callee waits for bytes")
        other = self.caller(echo)
        for number in range(500):
            self.assert_ok(self.ask(other, request(1, "echo.m", [number])), [number])
        self.assertEqual(len(reader.items), 0)


class Credit(StreamCase):
    def test_a_callee_beyond_it_ends_its_own_stream(self):
        def produce(emitter):
            for number in range(4):
                emitter.emit(number, obey=emitter.got.method.endswith("fair"))
            return "done"

        for method, service, wire in self.each_way(produce):
            reader = Reader(wire, method, [], credit=2)
            answer = reader.until_answer()
            self.assert_error(answer, 8, id="s")
            self.assertIn("callee", answer["error"]["message"])
            self.assertEqual(reader.items, [0, 1])
            self.assert_ok(self.ask(wire, request(1, "foo")), "ok")
        self.assert_over()

    def test_a_caller_beyond_it_ends_its_own_stream(self):
        def produce(emitter):
            emitter.accept(1)
            while emitter.take()[0] != "$/cancelRequest":
                pass
            raise Cancelled

        for method, service, wire in self.each_way(produce):
            reader = Reader(wire, method, [], credit=2)
            while reader.accepted == 0:
                reader.step()
            reader.tell("send", seq=0, value=1)
            reader.tell("send", seq=1, value=2)
            answer = reader.until_answer()
            self.assert_error(answer, 8, id="s")
            self.assertIn("caller", answer["error"]["message"])
        self.assert_over()


class BothWays(StreamCase):
    def test_values_sent_come_back(self):
        def produce(emitter):
            emitter.accept(2)
            total = 0
            while True:
                name, params = emitter.take()
                if name == "end":
                    return total
                if name == "throw":
                    emitter.emit({"caught": params["error"]["message"]})
                elif name == "send":
                    total += params["value"]
                    emitter.emit(total)
                    emitter.accept(1)

        for method, service, wire in self.each_way(produce):
            reader = Reader(wire, method, [], credit=100)
            for number in range(5):
                while reader.accepted <= number:
                    reader.step()
                reader.tell("send", seq=number, value=number)
                reader.until_items(number + 1)
            reader.tell("throw", error={"code": 1, "message": "now"})
            reader.until_items(6)
            reader.tell("end")
            self.assertEqual(reader.until_answer()["result"], 10)
            self.assertEqual(reader.items, [0, 1, 3, 6, 10, {"caught": "now"}])
        self.assert_over()


class Ends(StreamCase):
    def endless(self, emitter):
        number = 0
        while True:
            emitter.emit(number)
            number += 1

    def test_taken_back_the_callee_cleans_up_and_answers(self):
        for method, service, wire in self.each_way(self.endless):
            reader = Reader(wire, method, [], credit=3)
            reader.until_items(3)
            reader.cancel()
            self.assert_error(reader.until_answer(), -32800, id="s")
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_abandoned_the_callee_cleans_up(self):
        for method, service, wire in self.each_way(self.endless):
            Reader(wire, method, [], credit=3).until_items(3)
            wire.close()
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_the_callee_goes(self):
        for method, service, wire in self.each_way(self.endless):
            reader = Reader(wire, method, [], credit=3)
            reader.until_items(3)
            service.close()
            self.assert_error(reader.until_answer(), 14, id="s")
        self.assert_over()

    def test_the_callee_fails(self):
        def produce(emitter):
            emitter.emit("first")
            emitter.got.fail(77, "broken")
            raise OSError

        for method, service, wire in self.each_way(produce):
            reader = Reader(wire, method, [], credit=3)
            self.assert_error(reader.until_answer(), 77, id="s")
            self.assertEqual(reader.items, ["first"])
        self.assert_over()

    def test_a_deadline_holds_for_the_whole_stream(self):
        for method, service, wire in self.each_way(self.endless):
            reader = Reader(wire, method, [], credit=3, deadline_ms=300)
            self.assert_error(reader.until_answer(), 4, id="s")
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_no_default_deadline(self):
        for method, service, wire in self.each_way(count):
            Reader(wire, method, [1], credit=1).until_answer()
            self.assertNotIn("deadline_ms", service.emitter().got.message)


class Waiting(StreamCase):
    """Streams that wait for a permit are told and granted as any other."""

    options = (*StreamCase.options, "--limits-queue-interval", "30s")

    def test_what_is_granted_meanwhile_counts(self):
        def produce(emitter):
            if emitter.got.params == ["first"]:
                emitter.take()
                return "first"
            return count(emitter)

        for method, service, wire in self.each_way(produce, max_in_flight=1):
            first = Reader(wire, method, ["first"], credit=1, id="first")
            service.emitter()
            second = self.caller(service)
            reader = Reader(second, method, [5], credit=1)
            eventually(lambda: self.mesh[self.place(service)].metric("weft_calls_queued") == 1, "it waits")
            reader.grant(4)
            # What is behind the grant on its connection has come, so the grant has.
            second.send(request("foo", "foo"))
            while not reader.others:
                reader.step()
            first.tell("throw", error={"code": 1, "message": "go"})
            first.until_answer()
            self.assertEqual(reader.until_answer()["result"], "done")
            self.assertEqual(reader.items, [0, 1, 2, 3, 4])

    def place(self, service):
        return next(name for name in "ab" if self.mesh[name].address == service.wire.socket.getpeername())


class Traced(StreamCase):
    options = (*StreamCase.options, "--tracing-endpoint", "http://127.0.0.1:1/v1/traces")

    def test_the_trace_goes_on_with_the_stream(self):
        for method, service, wire in self.each_way(count):
            reader = Reader(wire, method, [3], stream={"credit": 1},
                            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            reader.until_items(1)
            reader.grant(10)
            self.assertEqual(reader.until_answer()["result"], "done")
            self.assertIn("0af7651916cd43dd8448eb211c80319c", service.emitter().got.message["traceparent"])


class HalfClosed(StreamCase):
    def test_gets_what_it_has_granted_and_then_an_error(self):
        for method, service, wire in self.each_way(count):
            reader = Reader(wire, method, [10], credit=3)
            wire.finish()
            self.assert_error(reader.until_answer(), 8, id="s")
            self.assertEqual(reader.items, [0, 1, 2])
            wire.until_closed()
        for method, service, wire in self.each_way(count):
            reader = Reader(wire, method, [3], credit=4)
            wire.finish()
            self.assertEqual(reader.until_answer()["result"], "done")
        self.assert_over()


class Cursors(StreamCase):
    def test_have_a_limit(self):
        def produce(emitter):
            for length in 1022, 1023:
                emitter.emit(length, cursor="c" * length)

        for method, service, wire in self.each_way(produce, resumable=True):
            reader = Reader(wire, method, [], credit=3)
            error = self.assert_error(reader.until_answer(), -32603, id="s")
            self.assertIn("cursor", error["message"])
            self.assertEqual(reader.items, [1022])
        self.assert_over()


class Resumed(StreamCase):
    def test_goes_on_behind_the_last_item_at_another_instance(self):
        for nodes in "aa", "ab", "bb":
            with self.subTest(nodes=nodes):
                method = f"log{nodes}.s"

                def produce(emitter):
                    start = 0 if emitter.after is None else emitter.after + 1
                    for number in range(start, 100):
                        emitter.emit(number, cursor=number)
                    return "done"

                services = [self.serve(node, [{"method": method, "stream": True, "resumable": True}], produce)
                            for node in nodes]
                wire = self.caller(*services)
                reader = Reader(wire, method, [], credit=10)
                reader.until_items(10)
                first = next(service for service in services if not service.emitters.empty())
                other = services[1 - services.index(first)]
                first.close()
                reader.grant(50)
                reader.until_items(60)
                self.assertEqual(other.emitter().after, 9)
                reader.grant(100)
                self.assertEqual(reader.until_answer()["result"], "done")
                self.assertEqual(reader.items, list(range(100)))
        self.assertGreaterEqual(self.mesh["a"].metric("weft_streams_resumed_total"), 2)
        self.assert_over()


class Generators(StreamCase):
    """Methods of the node itself, which are C++ generators."""

    def test_count(self):
        wire = self.connect(self.mesh["a"])
        reader = Reader(wire, "demo.count", {"from": 5, "to": 9}, credit=2)
        self.assertEqual(reader.until_items(2), [5, 6])
        self.assertTrue(wire.nothing_pending())
        reader.grant(10)
        self.assertIn("result", reader.until_answer())
        self.assertEqual(reader.items, [5, 6, 7, 8, 9])
        self.assert_ok(self.ask(wire, request(1, "demo.count", {"to": 3})), [0, 1, 2, 3])
        after = Reader(wire, "demo.count", {"to": 9}, stream={"credit": 9, "after": 7}, id="after")
        self.assertIn("result", after.until_answer())
        self.assertEqual(after.items, [8, 9])
        self.assert_over()

    def test_a_hundred_thousand(self):
        wire = self.connect(self.mesh["a"])
        reader = Reader(wire, "demo.count", {"to": 99_999}, credit=1_000_000)
        self.assertIn("result", reader.until_answer())
        self.assertEqual(reader.items, list(range(100_000)))
        self.assert_over()

    def test_a_caller_that_does_not_read_stops_it(self):
        wire = self.connect(self.mesh["a"], receive_buffer=4096)
        reader = Reader(wire, "demo.count", {"to": 10_000_000}, credit=1_000_000_000)
        items = lambda: self.mesh["a"].metric("weft_stream_items_total")  # noqa: E731
        seen = []
        eventually(lambda: seen.append(items()) or (len(seen) > 5 and len(set(seen[-5:])) == 1), "it waits")
        self.assertLess(items(), 1_000_000)
        self.assert_ok(self.ask(self.connect(self.mesh["a"]), request(1, "foo")), "ok")
        reader.cancel()
        self.assert_error(reader.until_answer(), -32800, id="s")
        self.assert_over()

    def test_total_of_what_is_sent(self):
        wire = self.connect(self.mesh["a"])
        reader = Reader(wire, "demo.total", credit=100)
        reader.until_items(1)
        while reader.accepted < 16:
            reader.step()
        for number in range(100):
            while reader.accepted <= number:
                reader.step()
            reader.tell("send", seq=number, value=1.5)
            if number % 50 == 0:
                reader.grant(50)
        reader.until_items(101)
        self.assertEqual(reader.items[-1], 150)
        reader.tell("end")
        self.assertIn("result", reader.until_answer())
        self.assert_over()

    def test_what_is_thrown_ends_it_unless_it_is_caught(self):
        wire = self.connect(self.mesh["a"])
        for credit in 0, 1, 5:
            reader = Reader(wire, "demo.total", credit=credit, id=f"t{credit}")
            reader.tell("throw", error={"code": 42, "message": "enough", "data": [1]})
            error = self.assert_error(reader.until_answer(), 42, id=f"t{credit}")
            self.assertEqual(error["data"], [1])
        self.assert_over()

    def test_gathered_beyond_the_limit_is_answered(self):
        wire = self.connect(self.mesh["a"])
        self.assert_error(self.ask(wire, request(1, "demo.count", {"to": 200_000})), 8)
        wire.send([request(2, "demo.count", {"to": 200_000}), request(3, "foo")])
        answers = wire.receive()
        self.assert_error(answers[0], 8, id=2)
        self.assert_ok(answers[1], "ok", id=3)
        self.assert_over()

    def test_a_notification_gets_nothing(self):
        wire = self.connect(self.mesh["a"])
        for members in {}, {"stream": {"credit": 2}}:
            wire.send(notification("demo.count", {"to": 5}, **members))
        self.assert_ok(self.ask(wire, request(1, "foo")), "ok")
        self.assert_over()

    def test_gathered_gets_no_values(self):
        wire = self.connect(self.mesh["a"])
        self.assert_ok(self.ask(wire, request(1, "demo.total")), [0])

    def test_gathered_has_the_default_deadline(self):
        self.mesh = self.start_mesh("ab", *self.options, "--protocol-default-deadline", "300ms")
        wire = self.connect(self.mesh["a"])
        self.assert_error(self.ask(wire, request(1, "demo.count", {"to": 9, "ms": 60_000})), 4)
        reader = Reader(wire, "demo.count", {"to": 1, "ms": 400}, credit=9)
        self.assertIn("result", reader.until_answer())

    def test_bad_params(self):
        wire = self.connect(self.mesh["a"])
        for members in {}, {"stream": {"credit": 1}}:
            self.assert_error(self.ask(wire, request(1, "demo.count", {"to": "x"}, **members)), -32602)

    def test_abandoned(self):
        wire = self.connect(self.mesh["a"])
        Reader(wire, "demo.count", {"to": 10_000_000, "ms": 1}, credit=3).until_items(3)
        wire.close()
        self.assert_over()


class Misuse(StreamCase):
    def test_messages_that_name_no_stream_are_dropped_and_counted(self):
        wire = self.connect(self.mesh["a"])
        for name in "item", "accept", "credit", "send", "end", "throw":
            for params in None, [], {}, {"id": 1}, {"id": None}, {"id": {}}, {"id": 7, "credit": -1}:
                wire.send(notification(f"$/stream/{name}", params))
        self.assert_ok(self.ask(wire, request(1, "foo")), "ok")
        self.assertEqual(self.mesh["a"].metric("weft_stream_messages_unmatched_total"), 42)

    def test_as_requests_they_do_not_exist(self):
        wire = self.connect(self.mesh["a"])
        self.assert_error(self.ask(wire, request(1, "$/stream/item", {"id": 1})), -32601)


if __name__ == "__main__":
    main()
