"""Hedging: a call that takes longer than most gets a second attempt elsewhere; the first answer counts."""

from setup import eventually, main, request
from service_case import ServiceCase

CANCELLED = -32800
QUICK = ["quick"]
# A deadline that passes in the test, and never before both attempts have arrived.
SHORT_MS = 1000
HEDGED = ("--hedge", "*=90", "--hedge-minimum-delay", "20ms")


class HedgingCase(ServiceCase):
    def hedges(self, won=False):
        return self.mesh["a"].metric("weft_hedges_won_total" if won else "weft_hedges_total")

    def pair(self, nodes="aa", idempotent=True):
        """Two instances that answer calls with QUICK at once, and keep all others."""
        self.kept = [[], []]
        services = []
        for node, kept in zip(nodes, self.kept):
            def handler(got, kept=kept):
                if got.params == QUICK:
                    got.answer("quick")
                else:
                    kept.append(got)
            services.append(self.serve(node, {"method": "get", "idempotent": idempotent}, handler=handler))
        wire = self.client("a", *services)
        eventually(lambda: len(self.instances()) == len(set(nodes)) + (nodes[0] == nodes[1]), "both are known")
        # So that it is known how long a call takes: alone, for many at once wait for each other.
        for _ in range(100):
            self.assert_ok(self.call(wire, "get", QUICK), "quick")
        return services, wire

    def instances(self):
        return next((route["instances"] for route in self.mesh["a"].page("/routes")
                     if route["method"] == self.name("get")), [])

    def both_attempts(self):
        """What the two instances were sent, the one that was asked first at first."""
        eventually(lambda: all(self.kept), "both attempts have come")
        # However late each of them came: the second attempt has less time left.
        first = 0 if self.time_left(0) > self.time_left(1) else 1
        return self.kept[first][0], self.kept[1 - first][0], first

    def time_left(self, at):
        return self.kept[at][0].message["deadline_ms"]

    def cancelled(self, service, got):
        """Waits until the service is told; a quick call that was hedged may have been cancelled before."""
        while (cancel := service.take()).params != {"id": got.id}:
            self.assertEqual(cancel.method, "$/cancelRequest")
        self.assertEqual(cancel.method, "$/cancelRequest")


class Hedging(HedgingCase):
    options = (*HEDGED, "--retry-budget-percent", "100", "--retry-budget-floor-per-second", "1000")

    def test_the_second_attempt_answers_and_the_first_is_cancelled(self):
        for nodes in "aa", "ab", "bc":
            with self.subTest(nodes=nodes):
                self.prefix += "x"
                services, wire = self.pair(nodes)
                hedges, won = self.hedges(), self.hedges(won=True)
                wire.send(request("slow", self.name("get"), {"of": "two"}))
                first, second, at = self.both_attempts()
                self.assertEqual(first.params, second.params)
                second.answer("second")
                self.assert_ok(wire.receive(), "second", id="slow")
                self.cancelled(services[at], first)
                first.answer("too late")
                self.assertIn("result", wire.call("foo"))
                self.assertEqual((self.hedges(), self.hedges(won=True)), (hedges + 1, won + 1))

    def test_the_first_attempt_answers_and_the_second_is_cancelled(self):
        services, wire = self.pair()
        won = self.hedges(won=True)
        wire.send(request("slow", self.name("get")))
        first, second, at = self.both_attempts()
        first.answer("first")
        self.assert_ok(wire.receive(), "first", id="slow")
        self.cancelled(services[1 - at], second)
        self.assertEqual(self.hedges(won=True), won)

    def test_one_that_fails_leaves_the_answer_to_the_other(self):
        for failing in 0, 1:
            with self.subTest(failing=failing):
                self.prefix += "x"
                _, wire = self.pair()
                wire.send(request("slow", self.name("get")))
                attempts = self.both_attempts()
                attempts[failing].fail(-32603, "broken")
                attempts[1 - failing].answer("well")
                self.assert_ok(wire.receive(), "well", id="slow")

    def test_both_fail(self):
        _, wire = self.pair()
        wire.send(request("slow", self.name("get")))
        first, second, _ = self.both_attempts()
        first.fail(-32603, "broken")
        second.fail(-32603, "broken too")
        self.assert_error(wire.receive(), -32603, id="slow")

    def test_an_error_of_the_application_is_an_answer(self):
        _, wire = self.pair()
        wire.send(request("slow", self.name("get")))
        _, second, _ = self.both_attempts()
        second.fail(404, "no such user")
        self.assertEqual(self.assert_error(wire.receive(), 404, id="slow")["message"], "no such user")

    def test_cancelling_and_hanging_up_reach_both(self):
        for way in "cancel", "hang up":
            with self.subTest(way=way):
                self.prefix += "x"
                services, wire = self.pair()
                wire.send(request("slow", self.name("get")))
                first, second, at = self.both_attempts()
                if way == "cancel":
                    wire.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "slow"}})
                    self.cancelled(services[at], first)
                    first.fail(CANCELLED, "cancelled")
                    self.assert_error(wire.receive(), CANCELLED, id="slow")
                else:
                    wire.close()
                    self.cancelled(services[at], first)
                self.cancelled(services[1 - at], second)
                eventually(lambda: self.mesh["a"].in_flight() == 0 == self.mesh["a"].in_flight("outbound"),
                           "nothing is under way")

    def test_a_deadline_ends_both(self):
        services, wire = self.pair()
        wire.send(request("slow", self.name("get"), deadline_ms=SHORT_MS))
        first, second, at = self.both_attempts()
        self.assert_mesh_error(wire.receive(), 4, "unknown", self.mesh["a"], id="slow")
        self.cancelled(services[at], first)
        self.cancelled(services[1 - at], second)

    def test_losing_the_first_instance_leaves_the_second(self):
        services, wire = self.pair()
        wire.send(request("slow", self.name("get")))
        _, second, at = self.both_attempts()
        services[at].close()
        eventually(lambda: len(self.instances()) == 1, "it is gone")
        second.answer("second")
        self.assert_ok(wire.receive(), "second", id="slow")

    def test_what_is_not_idempotent_is_never_hedged(self):
        _, wire = self.pair(idempotent=False)
        hedges = self.hedges()
        wire.send(request("slow", self.name("get"), deadline_ms=SHORT_MS))
        self.assert_mesh_error(wire.receive(), 4, "unknown", self.mesh["a"], id="slow")
        self.assertEqual(sum(map(len, self.kept)), 1)
        self.assertEqual(self.hedges(), hedges)


class WithoutBudget(HedgingCase):
    options = (*HEDGED, "--retry-budget-percent", "0", "--retry-budget-floor-per-second", "0")

    def test_there_is_no_second_attempt(self):
        _, wire = self.pair()
        # The budget begins with one retry, whatever it is filled by.
        for _ in range(2):
            wire.send(request("slow", self.name("get"), deadline_ms=SHORT_MS))
            self.assert_mesh_error(wire.receive(), 4, "unknown", self.mesh["a"], id="slow")
        self.assertLessEqual(self.hedges(), 1)
        self.assertGreaterEqual(self.mesh["a"].metric("weft_retry_limit_exceeded_total"), 1)


if __name__ == "__main__":
    main()
