"""`weft bench --stream` on real nodes: figures that agree with those of the nodes, and failures that show."""

import json
import os
import subprocess
import threading

from setup import MeshCase, eventually, main

from node_process import _environment
from stream import StreamService

FAILED, UNREACHABLE, USAGE = 1, 2, 64


class Bench(MeshCase):
    def setUp(self):
        self.mesh = self.start_mesh("ab")

    def bench(self, *options, node="a", duration="100ms"):
        """Exit code, report, standard error."""
        done = subprocess.run([os.environ["WEFT_BIN"], "bench", self.mesh[node].listen, "--stream", "--json",
                               "--warmup", "0ms", "--duration", duration, *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=_environment(), timeout=60)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def serve(self, produce, method="own.s"):
        """At node b; a call at node a finds it."""
        service = StreamService(self.mesh["b"], [{"method": method, "stream": True}], produce)
        self.addCleanup(service.close)
        service.reachable_from(self.connect(self.mesh["a"]))
        return service

    def assert_over(self):
        for node in "ab":
            eventually(lambda: self.mesh[node].metric("weft_streams_open") == 0, f"no stream is open at {node}")

    def test_streams_of_a_node(self):
        code, report, errors = self.bench("--method", "demo.count", "--params", '{"to": 99}', "--connections", "3",
                                          "--pipeline", "4", "--credit", "10", duration="1s")
        self.assertEqual(code, 0, errors)
        self.assertGreater(report["streams_ended"], 12)
        self.assertLessEqual(100 * report["streams_ended"], report["items"])
        self.assertLessEqual(report["items"], 100 * (report["streams_ended"] + 12))
        self.assertEqual(report["failed"], 0)
        self.assertGreater(report["first_items"], 12)
        self.assertGreater(report["first_item_p50_us"], 0)
        self.assertGreater(report["between_items_max_us"], 0)
        self.assertAlmostEqual(report["items_per_second"] * report["elapsed_s"], report["items"], delta=1)
        self.assertGreater(report["item_bytes"], 100 * report["items"])
        self.assert_over()
        # Those that were under way at the end have been seen by the node only.
        sent = self.mesh["a"].metric("weft_stream_items_total")
        self.assertLessEqual(report["items"], sent)
        self.assertLessEqual(sent, report["items"] + 12 * 10)

    def test_a_stream_that_never_ends(self):
        code, report, _ = self.bench("--method", "demo.count", "--params", '{"to": 9007199254740991}')
        self.assertEqual((code, report["streams_ended"], report["first_items"]), (0, 0, 1))
        self.assertGreater(report["items"], 1_000)
        self.assert_over()

    def test_streams_over_two_nodes(self):
        def produce(emitter):
            for number in range(20):
                emitter.emit("x" * 100 + str(number))

        self.serve(produce)
        code, report, errors = self.bench("--method", "own.s", "--connections", "2", "--credit", "3", duration="2s")
        self.assertEqual(code, 0, errors)
        self.assertGreater(report["streams_ended"], 0)
        self.assertGreater(report["item_bytes"], 100 * report["items"])
        self.assertEqual(report["failed"], 0)
        self.assert_over()

    def test_a_method_that_takes_values_is_told_that_none_come(self):
        code, report, _ = self.bench("--method", "demo.total", duration="1s")
        self.assertEqual(code, 0)
        self.assertGreater(report["streams_ended"], 0)
        self.assert_over()

    def test_failures(self):
        code, report, errors = self.bench("--method", "demo.count", "--params", '{"to": "many"}')
        self.assertEqual((code, report["items"], list(report["errors_by_code"])), (FAILED, 0, ["-32602"]))
        self.assertIn('the first error -32602: takes {"to": integer', errors)
        self.assertIn("--params", errors)
        code, report, _ = self.bench("--method", "foo")
        self.assertEqual((code, report["items"], report["failed"]), (FAILED, 0, 0))
        self.assertEqual(report["streams_ended_without_item"], report["streams_ended"])
        code, report, errors = self.bench("--method", "no.such")
        self.assertEqual((code, list(report["errors_by_code"])), (FAILED, ["-32601"]))
        self.assertIn("--method", errors)
        admin = "%s:%d" % self.mesh["a"].admin_address
        for more in (), ("--stream", "--method", "demo.count"):
            done = subprocess.run([os.environ["WEFT_BIN"], "bench", admin, "--warmup", "0ms", "--duration", "10s", *more],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment(), timeout=60)
            self.assertEqual((done.returncode, done.stdout), (UNREACHABLE, ""))
            self.assertEqual(done.stderr, f"no answer from {admin}: the server speaks HTTP; is this the admin port of a node?\n")
        code, report, errors = self.bench("--method", "demo.count", "--params", "[")
        self.assertEqual((code, report), (USAGE, None))
        self.assertIn("PARAMS is not JSON", errors)

    def test_a_node_that_goes(self):
        begun, over = threading.Event(), threading.Event()

        def produce(emitter):
            emitter.emit(1)
            begun.set()
            over.wait()

        self.addCleanup(over.set)
        self.serve(produce)

        def kill():
            begun.wait()
            # Before its item has passed, the bench may not have begun to measure.
            eventually(lambda: self.mesh["a"].metric("weft_stream_items_total") > 0, "an item has come")
            self.mesh["a"].kill()
        killer = threading.Thread(target=kill)
        killer.start()
        code, report, errors = self.bench("--method", "own.s", duration="60s")
        killer.join()
        self.assertIsNotNone(report, errors)
        self.assertEqual((code, report["lost_streams"], report["failed"]), (FAILED, 1, 1))
        self.assertEqual(len(report["transport_errors"]), 1)


if __name__ == "__main__":
    main()
