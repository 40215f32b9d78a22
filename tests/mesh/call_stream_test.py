"""`weft call --stream`: the items of a stream on standard output, through the real program."""

import json
import os
import queue
import signal
import subprocess

from setup import MeshCase, eventually, main

from node_process import _environment
from stream import StreamService

USAGE = 64


class Calls(MeshCase):
    def setUp(self):
        self.mesh = self.start_mesh("ab")

    def start(self, method, params=None, *options, node="a"):
        command = [os.environ["WEFT_BIN"], "call", self.mesh[node].listen, method, "--stream", *options]
        if params is not None:
            command.append(json.dumps(params))
        # Unbuffered, so that `communicate` gets all that `readline` has not returned.
        call = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                bufsize=0, env=_environment())
        self.addCleanup(call.wait)
        self.addCleanup(call.kill)
        self.addCleanup(call.stderr.close)
        self.addCleanup(call.stdout.close)
        return call

    def end(self, call):
        """Exit code, lines of standard output, standard error."""
        output, errors = call.communicate(timeout=60)
        return call.returncode, output.decode().splitlines(), errors.decode()

    def run_to_end(self, *arguments, **more):
        return self.end(self.start(*arguments, **more))

    def serve(self, produce, method="own.s", **declared):
        """At node b; a call at node a finds it."""
        service = StreamService(self.mesh["b"], [{"method": method, "stream": True, **declared}], produce)
        self.addCleanup(service.close)
        service.reachable_from(self.connect(self.mesh["a"]))
        return service

    def assert_over(self):
        for node in "ab":
            eventually(lambda: self.mesh[node].metric("weft_streams_open") == 0, f"no stream is open at {node}")


def endless(emitter):
    number = 0
    while True:
        emitter.emit(number, cursor=f"c{number}")
        number += 1


class Items(Calls):
    def test_of_generators_of_the_node(self):
        self.assertEqual(self.run_to_end("demo.count", {"from": 3, "to": 5}), (0, ["3", "4", "5"], ""))
        self.assertEqual(self.run_to_end("demo.count", {"to": -1}), (0, [], ""))
        self.assertEqual(self.run_to_end("demo.count", {"to": 9}, "--after", "7"), (0, ["8", "9"], ""))
        self.assertEqual(self.run_to_end("demo.total"), (0, ["0"], ""))
        code, lines, errors = self.run_to_end("demo.total", None, "--after", "7")
        self.assertEqual((code, lines), (USAGE, []))
        self.assertIn("--after: 'demo.total' is not resumable", errors)
        self.assertEqual(self.run_to_end("demo.sum", {"values": [1, 2]}), (0, ["3"], ""))

    def test_come_in_order_with_any_credit(self):
        for credit, count in ("1", 500), ("2", 500), ("3", 500), ("1000000", 100_000):
            with self.subTest(credit=credit):
                code, lines, errors = self.run_to_end("demo.count", {"to": count}, "--credit", credit)
                self.assertEqual((code, errors), (0, ""))
                self.assertEqual(lines, [str(number) for number in range(count + 1)])

    def test_come_when_they_are_sent_over_two_nodes(self):
        values = queue.Queue()

        def produce(emitter):
            for value in iter(values.get, None):
                emitter.emit(value)
            return "done"

        self.serve(produce)
        call = self.start("own.s", [])
        for value in "one", {"two": [2]}, 3:
            values.put(value)
            self.assertEqual(json.loads(call.stdout.readline()), value)
        values.put(None)
        self.assertEqual(self.end(call), (0, [], ""))
        self.assert_over()

    def test_are_granted_as_far_as_they_are_read(self):
        service = self.serve(endless)
        call = self.start("own.s", [], "--credit", "10")
        emitter = service.emitter()
        self.assertEqual(emitter.asked["credit"], 10)
        seen = []
        # As many as the pipe holds, and then no more.
        eventually(lambda: emitter.exhausted() and (seen.append(emitter.seq) or len(seen) > 9)
                   and len(set(seen[-9:])) == 1, "the service waits for credit")
        for number in range(seen[-1] + 1):
            self.assertEqual(call.stdout.readline(), b"%d\n" % number)
        call.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(call)[0], 128 + signal.SIGTERM)


class Ends(Calls):
    def test_errors_decide_the_exit_code(self):
        code, lines, errors = self.run_to_end("demo.count", {"to": "x"})
        self.assertEqual((code, lines, json.loads(errors)["code"]), (1, [], -32602))

        def produce(emitter):
            emitter.emit("first")
            emitter.got.fail(77, "broken")
            raise OSError

        self.serve(produce)
        code, lines, errors = self.run_to_end("own.s", [])
        self.assertEqual((code, lines, json.loads(errors)["code"]), (1, ['"first"'], 77))

    def test_interrupted_the_service_cleans_up(self):
        service = self.serve(endless)
        for number in signal.SIGINT, signal.SIGTERM:
            call = self.start("own.s", [])
            for item in range(1000):
                self.assertEqual(call.stdout.readline(), b"%d\n" % item)
            call.send_signal(number)
            code, lines, errors = self.end(call)
            self.assertEqual(code, 128 + number)
            # What has come is printed, and the cursor is that of the last line.
            last = int(lines[-1]) if lines else 999
            self.assertEqual(lines, [str(item) for item in range(1000, last + 1)])
            self.assertEqual(errors, f'the last item printed has the cursor "c{last}": --after goes on behind it\n')
            self.assertTrue(service.cleaned_up.wait(30))
            service.cleaned_up.clear()
        self.assert_over()

    def test_interrupted_while_nothing_comes(self):
        call = self.start("demo.count", {"to": 9, "ms": 3_600_000})
        self.assertEqual(call.stdout.readline(), b"0\n")
        call.send_signal(signal.SIGINT)
        self.assertEqual(self.end(call)[0], 130)
        self.assert_over()

    def test_a_service_that_does_not_react_is_not_awaited(self):
        def produce(emitter):
            emitter.emit("one")
            while emitter.take()[0] != "$/cancelRequest":
                pass
            return emitter.take()

        self.serve(produce)
        call = self.start("own.s", [])
        self.assertEqual(call.stdout.readline(), b'"one"\n')
        call.send_signal(signal.SIGINT)
        self.assertEqual(self.end(call), (130, [], ""))

    def test_a_second_interruption_ends_it_at_once(self):
        frozen = self.mesh["a"]
        call = self.start("demo.count", {"to": 9, "ms": 3_600_000})
        self.assertEqual(call.stdout.readline(), b"0\n")
        frozen.stop_running()
        self.addCleanup(frozen.process.send_signal, signal.SIGCONT)
        call.send_signal(signal.SIGINT)
        call.send_signal(signal.SIGTERM)
        # The first one would have waited for an answer, and ended with its own number.
        self.assertEqual(call.wait(60), 128 + signal.SIGTERM)
        frozen.process.send_signal(signal.SIGCONT)
        self.assert_over()

    def test_a_reader_that_goes_cancels_it_quietly(self):
        service = self.serve(endless)
        for method, params in ("own.s", []), ("demo.count", {"to": 9, "ms": 3_600_000}):
            with self.subTest(method):
                call = self.start(method, params)
                self.assertEqual(call.stdout.readline(), b"0\n")
                call.stdout.close()
                self.assertEqual(call.stderr.read(), b"")
                self.assertEqual(call.wait(60), 128 + signal.SIGPIPE)
        self.assertTrue(service.cleaned_up.wait(30))
        self.assert_over()

    def test_a_time_limit_only_counts_when_it_is_given(self):
        service = self.serve(lambda emitter: "done")
        self.assertEqual(self.run_to_end("own.s", [])[0], 0)
        self.assertNotIn("deadline_ms", service.emitter().got.message)
        call = self.start("demo.count", {"to": 9, "ms": 3_600_000}, "--timeout", "200ms")
        code, lines, errors = self.end(call)
        self.assertEqual((code, lines), (2, ["0"]))
        self.assertIn("did not end within 200ms", errors)
        self.assertIn("--after", errors)
        self.assert_over()

    def test_the_node_goes(self):
        call = self.start("demo.count", {"to": 9, "ms": 3_600_000}, node="b")
        self.assertEqual(call.stdout.readline(), b"0\n")
        self.mesh["b"].kill()
        code, lines, errors = self.end(call)
        self.assertEqual((code, lines), (2, []))
        self.assertIn("closed the connection", errors.splitlines()[0])
        self.assertEqual(errors.splitlines()[1], "the last item printed has the cursor 0: --after goes on behind it")

    def test_what_is_wrong_with_the_command_line(self):
        for options, complaint in ((["--after", "x"], "--after is not JSON"), (["--credit", "0"], "--credit"),
                                   (["--notify"], "--notify excludes --stream")):
            with self.subTest(options):
                code, _, errors = self.run_to_end("demo.count", {"to": 1}, *options)
                self.assertEqual(code, USAGE)
                self.assertIn(complaint, errors)


if __name__ == "__main__":
    main()
