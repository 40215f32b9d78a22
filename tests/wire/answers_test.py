"""What services answer: the older form, what cannot be understood, nothing at all after a cancellation; and in which
order a service hears of a call and of its cancellation."""

import json
import time

from suite import WireCase, eventually, frame, main, notification, request

from service import Service

LONG_MS = 25_000
SOON_S = 5


class Answers(WireCase):
    # Both on one reactor, and on two.
    options = ("--reactors", "2")

    def serve(self, method, template):
        """A service whose every answer is this text, with ID for the id."""
        service = Service(self.node, [method], lambda got: got.answer_raw(template), name=f"svc-{method}")
        self.addCleanup(service.close)
        return service

    def ask_all(self, method):
        """The answers to callers on every reactor."""
        answers = []
        for _ in range(2):
            began = time.monotonic()
            answers.append(self.connect().call(method, deadline_ms=LONG_MS))
            self.assertLess(time.monotonic() - began, SOON_S, "the caller was left waiting")
        return answers

    def test_the_form_of_json_rpc_1_is_what_it_means(self):
        self.serve("old.result", b'{"jsonrpc":"2.0","id":ID,"error":null,"result":{"a":[1,2.50]}}')
        self.serve("old.nothing", b'{"jsonrpc":"2.0","id":ID,"error":null,"result":null}')
        self.serve("old.error", b'{"jsonrpc":"2.0","result":null,"id":ID,"error":{"code":7001,"message":"x","data":1}}')
        for answer in self.ask_all("old.result"):
            self.assertEqual(answer, {"jsonrpc": "2.0", "id": 1, "result": {"a": [1, 2.5]}})
        for answer in self.ask_all("old.nothing"):
            self.assertEqual(answer, {"jsonrpc": "2.0", "id": 1, "result": None})
        for answer in self.ask_all("old.error"):
            self.assertEqual(answer, {"jsonrpc": "2.0", "id": 1, "error": {"code": 7001, "message": "x", "data": 1}})

    def test_what_cannot_be_understood_ends_its_call(self):
        malformed = (b'{"jsonrpc":"2.0","id":ID,"result":1,"error":{"code":1,"message":"x"}}',
                     b'{"jsonrpc":"2.0","id":ID}',
                     b'{"jsonrpc":"2.0","id":ID,"error":{"code":"x","message":1}}',
                     b'{"jsonrpc":"2.0","id":ID,"error":"boom"}',
                     b'{"jsonrpc":"2.0","id":ID,"error":null}',
                     b'{"id":ID,"result":1}',
                     b'{"jsonrpc":"1.0","id":ID,"result":1}',
                     b'{"jsonrpc":"2.0","id":ID,"result":NaN}',
                     b'[{"jsonrpc":"2.0","id":ID,"result":1,"error":2}]')
        before = self.node.metric("weft_responses_malformed_total")
        for number, template in enumerate(malformed):
            with self.subTest(template):
                self.serve(f"odd.m{number}", template)
                for answer in self.ask_all(f"odd.m{number}"):
                    error = self.assert_mesh_error(answer, 14, "unknown")
                    self.assertIn(f"svc-odd.m{number}", error["message"])
        self.assertEqual(self.node.metric("weft_responses_malformed_total") - before, 2 * len(malformed))
        self.assertEqual(self.node.metric("weft_responses_malformed_total", service="svc-odd.m0"), 2)
        self.assertIn("svc-odd.m0", self.node.log())

    def test_the_log_names_the_method_also_of_a_caller_on_another_reactor(self):
        self.serve("named.m", b'{"jsonrpc":"2.0","id":ID}')
        callers = {f"caller {i}": self.connect() for i in range(4)}
        for name, wire in callers.items():
            wire.call("connect", {"name": name})
        reactors = {each["name"]: each["reactor"] for each in json.loads(self.node.admin("/connections")[1])}
        far = next(wire for name, wire in callers.items() if reactors[name] != reactors["svc-named.m"])

        def told():
            # One such line a second: others may have been first.
            far.call("named.m", deadline_ms=LONG_MS)
            return "svc-named.m answers a call" in self.node.log()

        eventually(told, "there is a line")
        self.assertIn("svc-named.m answers a call of 'named.m' with what is no response", self.node.log())

    def test_a_batch_of_answers_that_is_larger_than_the_caller_takes(self):
        wire = self.connect()
        wire.call("connect", {"limits": {"frame_bytes": 1024}})
        fits = [request(id, "demo.echo", ["x" * 300]) for id in range(4)]
        for size, kept in ((2, 2), (4, 2)):
            wire.send(fits[:size])
            payload = wire.receive_payload()
            self.assertLessEqual(len(payload), 1024)
            answers = json.loads(payload)
            self.assertEqual([answer["id"] for answer in answers], list(range(size)))
            self.assertEqual(["result" in answer for answer in answers], [True] * kept + [False] * (size - kept))
        self.assertEqual(answers[-1]["error"]["code"], 8)
        self.assertEqual(wire.call("foo")["result"], "ok")

    def test_answers_in_a_batch_are_answers(self):
        service = Service(self.node, ["batched.m"])
        self.addCleanup(service.close)
        wire = self.connect()
        wire.send(request(1, "batched.m"), request(2, "batched.m"))
        taken = [service.take(), service.take()]
        service.wire.send([{"jsonrpc": "2.0", "id": got.id, "result": "ok"} for got in taken])
        self.assertEqual([wire.receive()["result"], wire.receive()["result"]], ["ok", "ok"])


class NoVersion(WireCase):
    options = ("--protocol-require-version=false",)

    def test_answers_without_a_version(self):
        service = Service(self.node, ["plain.m"], lambda got: got.answer_raw(b'{"id":ID,"result":1,"error":null}'))
        self.addCleanup(service.close)
        self.assertEqual(self.connect().call("plain.m")["result"], 1)


class Cancellation(WireCase):
    options = ("--reactors", "2", "--protocol-cancel-grace", "200ms")

    def serve(self, *methods, **connect):
        service = Service(self.node, methods, **connect)
        self.addCleanup(service.close)
        return service

    def test_a_service_that_does_not_react(self):
        service = self.serve({"method": "deaf.m", "max_in_flight": 1})
        for _ in range(2):
            wire = self.connect()
            wire.send(request(1, "deaf.m", deadline_ms=LONG_MS))
            got = service.take_call()
            began = time.monotonic()
            wire.send(notification("$/cancelRequest", {"id": 1}))
            self.assert_mesh_error(wire.receive(), -32800, "unknown")
            self.assertLess(time.monotonic() - began, SOON_S)
            # It still works, as everybody sees, and takes no other call.
            self.assertEqual(self.node.metric("weft_calls_left_behind"), 1)
            self.assertIn('"in_flight": 1', self.node.admin("/routes")[1])
            got.answer("too late")
            self.assertEqual(wire.call("foo")["result"], "ok", "nothing else came")
            eventually(lambda: not self.node.metric("weft_calls_left_behind"), "nothing is left behind")
        self.assertEqual(self.node.metric("weft_calls_in_flight"), 0)

    def test_what_is_left_behind_ends_with_its_connection(self):
        service = self.serve("leaving.m")
        wire = self.connect()
        wire.send(request(1, "leaving.m", deadline_ms=LONG_MS))
        service.take_call()
        wire.send(notification("$/cancelRequest", {"id": 1}))
        self.assert_mesh_error(wire.receive(), -32800, "unknown")
        service.close()
        eventually(lambda: not self.node.metric("weft_calls_left_behind") and not self.node.metric("weft_calls_in_flight"),
                   "nothing is left behind")

    def test_what_is_left_behind_ends_with_its_deadline(self):
        service = self.serve("late.m")
        wire = self.connect()
        wire.send(request(1, "late.m", deadline_ms=600), notification("$/cancelRequest", {"id": 1}))
        self.assert_mesh_error(wire.receive(), -32800, "unknown")
        service.take_call()
        eventually(lambda: not self.node.metric("weft_calls_left_behind") and not self.node.metric("weft_calls_in_flight"),
                   "nothing is left behind")

    def test_never_comes_before_its_request(self):
        service = self.serve("ordered.m")
        for _ in range(2):
            wire = self.connect()
            # In one write.
            wire.send_bytes(b"".join(
                frame(request(id, "ordered.m")) + frame(notification("$/cancelRequest", {"id": id})) for id in range(20)))
            running = set()
            for _ in range(40):
                got = service.take()
                if got.method == "ordered.m":
                    running.add(got.id)
                else:
                    self.assertIn(got.params["id"], running, "the cancellation came before its request")
            for id in running:
                service.wire.send({"jsonrpc": "2.0", "id": id, "error": {"code": -32800, "message": "stopped"}})
            self.assertEqual({wire.receive()["error"]["code"] for _ in range(20)}, {-32800})


class Deadlines(WireCase):
    options = ("--protocol-max-deadline", "300ms")

    def test_have_microseconds(self):
        for left in (b"0.5", b"1e-400", b"0.0000000001", b"5e-324"):
            wire = self.connect()
            text = b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":[1],"deadline_ms":' + left + b"}"
            wire.send(text)
            self.assertEqual(wire.receive()["result"], [1], left)

    def test_that_have_passed(self):
        for left in (b"0", b"-1", b"-1e-400", b"0e5", b"-1e400"):
            wire = self.connect()
            wire.send(b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","deadline_ms":' + left + b"}")
            self.assert_mesh_error(wire.receive(), 4, "no")

    def test_are_at_most_the_longest_allowed(self):
        for left in (b"1e400", b"1e12", b"1000", b"301"):
            wire = self.connect()
            began = time.monotonic()
            wire.send(b'{"jsonrpc":"2.0","id":1,"method":"demo.sleep","params":{"ms":20000},"deadline_ms":' + left + b"}")
            self.assert_mesh_error(wire.receive(), 4, "unknown")
            self.assertGreaterEqual(time.monotonic() - began, 0.29)
            self.assertLess(time.monotonic() - began, SOON_S)


if __name__ == "__main__":
    main()
