"""Instances that answer badly: slowly, with errors, or not at all."""

import time

from cluster import RATE, READ, ChaosCase, main

SETTLE_SECONDS = 2
MEASURE_SECONDS = 3
SHARE = 0.05
COME_BACK_SECONDS = 40
# Both instances are one hop from the callers, so that nearness does not decide.
FAR = (("one", "a"), ("two", "b"))
RETRY_SHARE = 0.2
# Retries that all reactors of all nodes may make a second whatever the calls; each saves up for one second.
FLOOR_PER_SECOND = 10 * 2 * 3
SAVED_SECONDS = 1


class Degraded(ChaosCase):
    def assert_avoided(self, fault, command):
        self.start(instances=FAR)
        load = self.load("cc")
        before = time.monotonic()
        self.let_run(2)
        bad = self.instances["one"]
        began = time.monotonic()
        bad.tell(command)
        self.let_run(SETTLE_SECONDS + MEASURE_SECONDS)
        healed = time.monotonic()
        bad.tell("well")
        # It gets calls as others do once it has been tried and found well.
        enough = len(bad.executed()) + RATE // 2
        while len(bad.executed()) < enough:
            self.assertLess(time.monotonic() - healed, COME_BACK_SECONDS, "well again, but not called again")
            self.let_run(0.5)
        ledger = self.compare(load)
        share = ledger.share("one", began + SETTLE_SECONDS, healed)
        self.report(fault, ledger, **{"share before": f"{ledger.share('one', before, began):.1%}",
                                      "share after 2 s": f"{share:.1%}",
                                      "back after s": ledger.back_after("one", healed)})
        self.assert_nothing_false(ledger)
        self.assertLess(share, SHARE)

    def test_an_instance_that_fails_30_percent(self):
        self.assert_avoided("30 % errors", "errors 30")

    def test_an_instance_that_is_200_ms_slower(self):
        self.assert_avoided("+200 ms", "delay 200")

    def test_retries_do_not_multiply_the_load_of_a_backend_that_is_down(self):
        self.start(instances=FAR)
        for each in self.instances.values():
            each.tell("unavailable")
        load = self.load("abc", methods=(READ,))
        self.let_run(5)
        began = time.monotonic() - 4
        ledger = self.compare(load)
        attempts = ledger.attempts_per_call(began)
        calls = sum(call.due >= began for call in ledger.calls)
        # The last attempts may come late on a busy machine.
        seconds = max(at for times in ledger.given.values() for at in times) - began
        most = 1 + RETRY_SHARE + FLOOR_PER_SECOND * (seconds + SAVED_SECONDS) / calls
        self.report("backend failing 100 %", ledger, **{"attempts per call": round(attempts, 3),
                                                        "most": round(most, 3)})
        self.assertLessEqual(attempts, most)


if __name__ == "__main__":
    main()
