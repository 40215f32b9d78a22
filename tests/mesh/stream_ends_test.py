"""Every way that a stream can end: taken back in each of its states, by the death of anyone on its way, by what breaks
its rules. Whoever works on it cleans up, and each end is counted once, as what it is."""

import json
import threading

from setup import eventually, main, notification, request
from stream_case import StreamCase, count

from stream import Cancelled, Reader


def waits(emitter):
    """Sends what it is told to, then waits for the end."""
    for number in range((emitter.got.params or [0])[0]):
        emitter.emit(number)
    while emitter.take()[0] != "$/cancelRequest":
        pass
    raise Cancelled


def endless(emitter):
    number = 0
    while True:
        emitter.emit(number)
        number += 1


class EndsCase(StreamCase):
    def ended(self, node="a"):
        return {reason: self.mesh[node].metric("weft_streams_ended_total", reason=reason)
                for reason in ("completed", "failed", "cancelled")}

    def assert_ended(self, before, **more):
        self.assertEqual(self.ended(), {reason: number + more.get(reason, 0) for reason, number in before.items()})

    def sync(self, wire):
        """What was sent before on this connection has come."""
        self.assert_ok(self.ask(wire, request("sync", "foo")), "ok", "sync")


class Cancel(EndsCase):
    options = (*StreamCase.options, "--limits-queue-interval", "30s")

    def assert_cancelled(self, reader):
        reader.cancel()
        self.assert_error(reader.until_answer(), -32800, id=reader.id)

    def test_before_it_has_begun(self):
        for method, service, wire in self.each_way(waits, max_in_flight=1):
            first = Reader(wire, method, [], id="first", credit=1)
            service.emitter()
            waiting = Reader(self.caller(service), method, [], credit=1)
            self.sync(waiting.wire)
            self.assert_cancelled(waiting)
            self.assert_cancelled(first)
            self.assertTrue(service.emitters.empty())
        self.assert_over()

    def test_before_anything_is_granted(self):
        for method, service, wire in self.each_way(endless):
            reader = Reader(wire, method, credit=0)
            service.emitter()
            self.assert_cancelled(reader)
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_when_all_that_was_granted_has_come(self):
        for method, service, wire in self.each_way(endless):
            reader = Reader(wire, method, credit=5)
            reader.until_items(5)
            self.assert_cancelled(reader)
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_while_items_come(self):
        for method, service, wire in self.each_way(endless):
            reader = Reader(wire, method, credit=1_000_000)
            reader.until_items(50)
            self.assert_cancelled(reader)
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_while_its_items_are_not_read(self):
        for method, service, _ in self.each_way(lambda emitter: emitter.emit_many([b'"%s"' % (b"x" * 1000)] * 20_000)):
            reader = Reader(self.caller(service, receive_buffer=4096), method, credit=20_000)
            eventually(service.emitter().exhausted, "the callee waits")
            self.assert_cancelled(reader)
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_while_values_are_sent_and_after_the_end_of_them(self):
        def produce(emitter):
            emitter.accept(1000)
            waits(emitter)

        for method, service, wire in self.each_way(produce):
            for end in False, True:
                reader = Reader(wire, method, id=f"end{end}", credit=1)
                while reader.accepted == 0:
                    reader.step()
                for seq in range(5):
                    reader.tell("send", seq=seq, value=seq)
                if end:
                    reader.tell("end")
                self.assert_cancelled(reader)
        self.assert_over()

    def test_twice_and_when_it_is_over(self):
        for method, service, wire in self.each_way(waits):
            reader = Reader(wire, method, [1], credit=1)
            reader.until_items(1)
            reader.cancel()
            self.assert_cancelled(reader)
            reader.cancel()
            reader.grant(5)
            self.sync(wire)
        self.assert_over()

    def test_while_it_is_gathered(self):
        for method, service, wire in self.each_way(waits):
            wire.send(request("g", method, [5]))
            service.emitter()
            wire.send(notification("$/cancelRequest", {"id": "g"}))
            self.assert_error(wire.receive(), -32800, id="g")
        self.assert_over()


class Deaths(EndsCase):
    """In the middle of a stream: one end is killed, or one of the nodes."""

    def test_of_the_caller(self):
        for method, service, wire in self.each_way(endless):
            Reader(wire, method, credit=3).until_items(3)
            wire.reset()
            self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_of_the_callee(self):
        for method, service, wire in self.each_way(endless):
            reader = Reader(wire, method, credit=3)
            reader.until_items(3)
            service.close()
            error = self.assert_error(reader.until_answer(), 14, id="s")
            self.assertEqual(error["data"]["executed"], "unknown")
        self.assert_over()

    def begun(self):
        service = self.serve("b", ["far.s"], endless)
        reader = Reader(self.caller(service), "far.s", credit=3)
        reader.until_items(3)
        return reader, service

    def test_of_the_node_of_the_callee(self):
        reader, _ = self.begun()
        self.mesh["b"].kill()
        error = self.assert_error(reader.until_answer(), 14, id="s")
        self.assertEqual(error["data"], {"executed": "unknown", "node": "node-a"})
        eventually(lambda: self.mesh["a"].metric("weft_streams_open") == 0, "a has forgotten it")

    def test_of_the_node_of_the_caller(self):
        _, service = self.begun()
        self.mesh["a"].kill()
        self.assertTrue(service.cleaned_up.wait(30))
        eventually(lambda: self.mesh["b"].metric("weft_streams_open") == 0, "b has forgotten it")

    def test_of_the_node_of_a_callee_that_another_takes_over(self):
        def log(emitter):
            number = 0 if emitter.after is None else emitter.after + 1
            while number < 200:
                emitter.emit(number, cursor=number)
                number += 1

        declared = [{"method": "log.s", "stream": True, "resumable": True}]
        first = self.serve("b", declared, log)
        reader = Reader(self.caller(first), "log.s", credit=10)
        reader.until_items(10)
        second = self.serve("a", declared, log)
        second.reachable_from(reader.wire)
        self.mesh["b"].kill()
        reader.grant(1000)
        self.assertIn("result", reader.until_answer())
        self.assertEqual(reader.items, list(range(200)))
        self.assertEqual(second.emitter().after, 9)


class Cleanup(EndsCase):
    STREAMS = 50

    def test_of_generators_that_are_abandoned_is_counted(self):
        """Each of them runs its own, once."""
        lock = threading.Lock()
        cleaned = []

        def produce(emitter):
            try:
                endless(emitter)
            finally:
                with lock:
                    cleaned.append(emitter.id)

        for method, service, wire in self.each_way(produce):
            del cleaned[:]
            wire.send(*(request(id, method, stream={"credit": 2}) for id in range(self.STREAMS)))
            for _ in range(2 * self.STREAMS):
                wire.receive()
            wire.close()
            eventually(lambda: len(cleaned) >= self.STREAMS, "all have cleaned up")
            self.assertEqual(len(cleaned), len(set(cleaned)))
        self.assert_over()

    def test_of_generators_of_the_node(self):
        coroutines = lambda: self.mesh["a"].metric("weft_coroutines_running")  # noqa: E731
        before = coroutines()
        wire = self.connect(self.mesh["a"])
        wire.send(*(request(id, "demo.count", {"to": 10**9}, stream={"credit": 2}) for id in range(self.STREAMS)))
        for _ in range(2 * self.STREAMS):
            wire.receive()
        self.assertEqual(coroutines(), before + self.STREAMS)
        wire.close()
        eventually(lambda: coroutines() == before, "their frames are gone")
        self.assert_over()


class Counted(EndsCase):
    options = (*StreamCase.options, "--log-format", "json", "--log-calls", "all", "--log-calls-per-second", "0")

    def codes(self, method):
        lines = [json.loads(line) for line in self.mesh["a"].log().splitlines()]
        return [line["code"] for line in lines if line["logger"] == "call" and line.get("method") == method]

    def test_each_end_once(self):
        def produce(emitter):
            if emitter.got.params == ["fail"]:
                emitter.got.fail(77, "failed")
                raise OSError
            return count(emitter)

        for method, service, wire in self.each_way(produce):
            before = self.ended()
            Reader(wire, method, [3], credit=4).until_answer()
            self.assert_ended(before, completed=1)
            Reader(wire, method, ["fail"], credit=4).until_answer()
            self.assert_ended(before, completed=1, failed=1)
            reader = Reader(wire, method, [3], credit=1)
            reader.until_items(1)
            reader.cancel()
            reader.until_answer()
            self.assert_ended(before, completed=1, failed=1, cancelled=1)
        self.assert_over()

    def test_a_caller_that_hangs_up_has_cancelled(self):
        # It has never said `connect`: for all that the node knows at first it might still read.
        for credit, items in (3, 3), (100, 3):
            for method, service, wire in self.each_way(waits):
                before = self.ended()
                reader = Reader(wire, method, [items], credit=credit)
                reader.until_items(items)
                wire.close()
                eventually(lambda: self.ended() != before, "it has ended")
                self.assert_ended(before, cancelled=1)
                eventually(lambda: self.codes(method), "it has a line")
                self.assertEqual(self.codes(method), [-32800])
        self.assert_over()

    def test_a_resumed_one_has_all_its_attempts(self):
        def log(emitter):
            number = 0 if emitter.after is None else emitter.after + 1
            while number < 100:
                emitter.emit(number, cursor=number)
                number += 1

        declared = [{"method": "log.s", "stream": True, "resumable": True}]
        first = self.serve("a", declared, log)
        reader = Reader(self.caller(first), "log.s", credit=10)
        reader.until_items(10)
        second = self.serve("b", declared, log)
        second.reachable_from(reader.wire)
        first.close()
        reader.grant(1000)
        reader.until_answer()
        lines = eventually(lambda: [json.loads(line) for line in self.mesh["a"].log().splitlines() if '"log.s"' in line],
                           "it has a line")
        self.assertEqual([line["attempts"] for line in lines], [2])


class Broken(EndsCase):
    """What breaks the rules of a stream ends that one, says what was wrong, and is no mark against the instance."""

    def instance(self, method):
        route = next(route for route in self.mesh["a"].page("/routes") if route["method"] == method)
        return route["instances"][0]

    def assert_blameless(self, method):
        instance = self.instance(method)
        self.assertEqual((instance["failures"], instance["state"]), (0, "healthy"), instance)

    def test_a_member_twice(self):
        def produce(emitter):
            emitter.got._wire.send(b'{"jsonrpc":"2.0","method":"$/stream/item","params":{"id":%d,"seq":0,"value":1,"value":2}}'
                                   % emitter.id)
            waits(emitter)

        for method, service, wire in self.each_way(produce):
            reader = Reader(wire, method, [0], credit=3)
            error = self.assert_error(reader.until_answer(), -32603, id="s")
            self.assertIn("$/stream/item has the member 'value' twice", error["message"])
            self.assertEqual(reader.items, [])
            self.assertTrue(service.cleaned_up.wait(30))
            for raw in (b'credit","params":{"id":"t","credit":1,"credit":1}', b'send","params":{"id":"t","seq":0,"seq":0}'):
                other = Reader(wire, "demo.total", credit=0, id="t")
                wire.send(b'{"jsonrpc":"2.0","method":"$/stream/' + raw + b"}")
                error = self.assert_error(other.until_answer(), -32603, id="t")
                self.assertIn("twice", error["message"])
        self.assert_over()

    def test_a_request_with_a_member_twice(self):
        wire = self.connect(self.mesh["a"])
        for stream, what in (b'{"credit":1,"credit":2}', "'credit' twice"), (b'{"credit":1,"after":"%s"}' % (b"c" * 1023), "1024"):
            wire.send(b'{"jsonrpc":"2.0","id":1,"method":"demo.count","params":{"to":3},"stream":' + stream + b"}")
            self.assertIn(what, self.assert_error(wire.receive(), -32600)["message"])

    def test_a_cursor_that_names_no_item(self):
        wire = self.connect(self.mesh["a"])
        for after in "1e99", "1.5", '"7"', "18446744073709551615", "4", "-1":
            wire.send(b'{"jsonrpc":"2.0","id":1,"method":"demo.count","params":{"to":3},"stream":{"credit":1,"after":%s}}'
                      % after.encode())
            message = self.assert_error(wire.receive(), -32602)["message"]
            self.assertIn("an integer from 0 to 3", message)
            self.assertIn(after, message)
        reader = Reader(wire, "demo.count", {"to": 3}, stream={"credit": 9, "after": 3})
        self.assertIn("result", reader.until_answer())
        self.assertEqual(reader.items, [])

    def accepts(self, **accepted):
        def produce(emitter):
            emitter.accept(**accepted)
            waits(emitter)
        return produce

    def assert_over_credit(self, reader):
        error = self.assert_error(reader.until_answer(), 8, id=reader.id)
        self.assertIn("the caller has sent more", error["message"])

    def test_a_caller_that_sends_without_a_grant(self):
        for method, service, wire in self.each_way(waits):
            for number in range(10):
                reader = Reader(wire, method, id=f"c{number}", credit=1)
                reader.tell("send", seq=0, value=1)
                self.assert_over_credit(reader)
            self.assert_blameless(method)
        self.assert_over()

    def test_a_caller_that_sends_more_values_or_bytes_than_it_was_granted(self):
        for accepted in {"credit": 2}, {"credit": 100, "bytes": 10}:
            for method, service, wire in self.each_way(self.accepts(**accepted)):
                for number in range(10):
                    reader = Reader(wire, method, id=f"c{number}", credit=1)
                    while reader.accepted == 0:
                        reader.step()
                    for seq in range(3):
                        reader.tell("send", seq=seq, value="x" * 6)
                    self.assert_over_credit(reader)
                self.assert_blameless(method)
        self.assert_over()

    def test_a_value_that_is_too_large_for_the_service(self):
        def produce(emitter):
            emitter.accept(2)
            waits(emitter)

        for number, node in enumerate(self.ways):
            method = f"narrow{number}.s"
            service = self.serve(node, [method], produce, limits={"frame_bytes": 2000})
            wire = self.caller(service)
            with self.subTest(node=node, number=number):
                reader = Reader(wire, method, credit=1)
                while reader.accepted == 0:
                    reader.step()
                reader.tell("send", seq=0, value="x" * 3000)
                error = self.assert_error(reader.until_answer(), 8, id="s")
                self.assertIn("2000", error["message"])
                self.assertTrue(service.cleaned_up.wait(30))
                if node == "a":
                    self.assert_blameless(method)
        self.assert_over()


if __name__ == "__main__":
    main()
