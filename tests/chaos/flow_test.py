"""Programs that do not read: memory stays bounded, and the others do not notice."""

import threading
import time

from cluster import ChaosCase, Wire, main

from wire import request

MIB = 1 << 20
# What a node may hold for one connection that does not read, and what it may take for that: a buffer that grows is
# there twice for a moment, in twice the size.
BUDGET = 8 * MIB
MEMORY = 3 * BUDGET + 16 * MIB
NOISE_MS = 20
METERS_SECONDS = 4


class Flow(ChaosCase):
    def assert_others_go_on(self, fault, node, disturb, limit):
        # Only there: all that one caller may have under way is more than that, and must not cut a link of nodes.
        self.start(own_options={node: ("--limits-output-hard-bytes", f"{BUDGET // MIB}MiB")})
        load = self.load()
        self.let_run(1)
        calm = time.monotonic()
        self.let_run(METERS_SECONDS)
        before = self.mesh[node].resident_bytes()
        began = time.monotonic()
        disturb()
        most = 0
        for _ in range(10):
            self.let_run(METERS_SECONDS / 10)
            most = max(most, self.mesh[node].resident_bytes() - before)
        ledger = self.compare(load)
        normal = ledger.usual_p99_ms(calm, began)
        disturbed = ledger.usual_p99_ms(began + 1, began + METERS_SECONDS)
        self.report(fault, ledger, **{"p99 ms before": round(normal, 1), "p99 ms during": round(disturbed, 1),
                                      "memory MiB": round(most / MIB, 1)})
        self.assertGreater(self.mesh[node].metric("weft_limit_hits_total", limit=limit), 0, "nobody was in the way")
        self.assert_nothing_false(ledger)
        self.assertLess(most, MEMORY)
        self.assertLess(disturbed, 2 * normal + NOISE_MS)
        return ledger

    def ask_and_never_read(self):
        wire = Wire(self.mesh["a"].address, receive_buffer=4096)
        self.addCleanup(wire.close)

        def ask():
            try:
                for id in range(1_000_000):
                    wire.send(request(id, "chaos.blob", [-1]))
            except OSError:
                # It was cut, or the test is over.
                return

        threading.Thread(target=ask, daemon=True).start()

    def test_a_caller_that_never_reads(self):
        ledger = self.assert_others_go_on("a caller that never reads", "a", self.ask_and_never_read,
                                           "output_hard_bytes")
        self.assertEqual(ledger.failed(), [], ledger.reasons())

    def test_a_service_that_never_reads(self):
        self.assert_others_go_on("a service that never reads", "a", lambda: self.instances["one"].tell("deaf"),
                                  "heartbeat")


if __name__ == "__main__":
    main()
