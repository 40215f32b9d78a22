"""Processes that die or stop under load: what callers were told must be true, and idempotent calls must not fail."""

import signal
import time

from cluster import READ, WRITE, ChaosCase, main, percentile

# Three silent intervals of 300 ms, and the time until the next of them is looked at.
ROTATION_SECONDS = 1.5
# A busy machine delays the nodes and the instances by so much; by how much the load, it tells itself.
NOISE_MS = 80
# Shorter than the silence that ends a connection, so that it is the deadline that ends calls to what has stopped.
SHORT_DEADLINE_MS = 400
# So long an instance takes for a call, so that calls are under way when it dies.
UNDER_WAY_MS = 20


class Crash(ChaosCase):
    def assert_killed_well(self, fault, kill):
        self.start()
        for each in self.instances.values():
            each.tell(f"delay {UNDER_WAY_MS}")
        load = self.load()
        self.let_run(2)
        killed = time.monotonic()
        kill()
        self.let_run(3)
        ledger = self.compare(load)
        noise = NOISE_MS + load.latest_ms
        last = max((call.ended - killed for call in ledger.failed() if call.ended > killed), default=0) * 1000
        self.report(fault, ledger, **{"last failure after ms": round(last, 1),
                                      "load late by ms": round(load.latest_ms)})
        self.assert_nothing_false(ledger)
        self.assertEqual(len(ledger.failed(READ)), 0, ledger.reasons())
        # Otherwise nothing was under way, and nothing was tested.
        self.assertGreater(ledger.by_outcome[WRITE, "unknown"], 0)
        self.assertLess(last, 100 + noise, f"failures long after the connection dropped: {ledger.reasons()}")

    def test_killing_an_instance(self):
        self.assert_killed_well("kill -9 of an instance", lambda: self.instances["one"].kill())

    def test_killing_a_node(self):
        self.assert_killed_well("kill -9 of a node", lambda: self.mesh["b"].kill())

    def assert_left_alone(self, fault, stopped, load):
        """What stopped was out of rotation in time, and nobody waited beyond the deadline."""
        ledger = self.compare(load)
        late = [call for call in ledger.failed() if call.due > stopped + ROTATION_SECONDS]
        # Those that the other instance was given were not sent to what stopped: the machine was late for them.
        lost = [call for call in late if not ledger.executions[call.id]]
        expired = [call for call in ledger.calls if call.by.startswith("4 ")]
        overrun = percentile([(call.ended - call.due) * 1000 - SHORT_DEADLINE_MS for call in expired], 0.999)
        self.report(fault, ledger, **{"failed after 1.5 s": len(late), "of these lost": len(lost),
                                      "expired": len(expired),
                                      "deadline overrun p99.9 ms": round(overrun, 1),
                                      "load late by ms": round(load.latest_ms)})
        self.assert_nothing_false(ledger)
        self.assertEqual(len(lost), 0, f"still in rotation {ROTATION_SECONDS} s after it stopped: {ledger.reasons()}")
        # Otherwise no deadline was put to the test.
        self.assertGreater(len(expired), 0)
        self.assertLess(overrun, 20 + NOISE_MS + load.latest_ms)

    def test_stopping_an_instance(self):
        self.start()
        load = self.load(deadline_ms=SHORT_DEADLINE_MS)
        self.let_run(2)
        stopped = time.monotonic()
        self.instances["one"].signal(signal.SIGSTOP)
        self.let_run(5)
        self.assert_left_alone("SIGSTOP of an instance", stopped, load)

    def test_stopping_a_node(self):
        # Callers at the other two: those at the stopped one can only wait.
        self.start(instances=(("one", "ba"), ("two", "ca")))
        load = self.load("ac", deadline_ms=SHORT_DEADLINE_MS)
        self.let_run(2)
        stopped = time.monotonic()
        self.mesh["b"].process.send_signal(signal.SIGSTOP)
        self.let_run(5)
        self.assert_left_alone("SIGSTOP of a node", stopped, load)


if __name__ == "__main__":
    main()
