"""Every target of the table, met and missed at its bound."""

import unittest

from figures import items, latencies, memory, rates, results, whole_run

from targets import DISTURBED, MET, MISSED, TARGETS, verdicts


def statuses(found):
    return {(verdict.target.case, verdict.target.text): verdict.status for verdict in verdicts(found)}


class Targets(unittest.TestCase):
    def verdict(self, found, case, text):
        return next(verdict for verdict in verdicts(found)
                    if verdict.target.case == case and text in verdict.target.text)

    def assert_bound(self, case, text, at_bound, beyond):
        for found, status in ((at_bound, MET), (beyond, MISSED)):
            verdict = self.verdict(results(**found), case, text)
            self.assertEqual(verdict.status, status, verdict.sentence())

    def test_relative_to_the_limit(self):
        for case, bound in (("S2", 90), ("S3", 55), ("S4.strings", 50), ("S4.objects", 50)):
            name = case.replace(".", "_")
            self.assert_bound(case, "to the limit",
                              {name: {"limit": rates(100, 100, 100), "weft": rates(bound, bound, bound)}},
                              {name: {"limit": rates(100, 100, 100), "weft": rates(bound - 1, bound - 1, bound)}})

    def test_latencies(self):
        self.assert_bound("S1.same", "p50", {"S1_same": {"limit": latencies(10, 10, 10), "weft": latencies(12, 12, 12)}},
                          {"S1_same": {"limit": latencies(10, 10, 10), "weft": latencies(12.1, 12.1, 1)}})
        limit = latencies(100, 100, 100, p99=200)
        self.assert_bound("S5", "p50", {"S5": {"limit": limit, "weft": latencies(125, 125, 125)}},
                          {"S5": {"limit": limit, "weft": latencies(126, 126, 126)}})
        self.assert_bound("S5", "p99", {"S5": {"limit": limit, "weft": latencies(1, 1, 1, p99=300)}},
                          {"S5": {"limit": limit, "weft": latencies(1, 1, 1, p99=301)}})

    def test_the_best_peer_decides_and_is_named(self):
        for go, status in ((90, MET), (91, MISSED)):
            found = results(S2={"weft": rates(90, 90, 90), "go": rates(go, go, go), "haproxy": rates(50, 50, 50)})
            verdict = self.verdict(found, "S2", "best peer")
            self.assertEqual(verdict.status, status)
            self.assertIn("Go", verdict.measured)

    def test_three_times_the_best_server(self):
        found = results(S3={"weft": rates(300, 300, 300), "nodejs": rates(100, 100, 100), "nats": rates(90, 90, 90),
                            "caf": rates(250, 250, 250), "haproxy": rates(299, 299, 299)})
        verdict = self.verdict(found, "S3", "best server")
        self.assertEqual((verdict.status, verdict.value), (MET, 3))
        self.assertIn("Node.js", verdict.measured)
        self.assertEqual(self.verdict(found, "S3", "HAProxy").status, MET)

    def test_objects_against_strings(self):
        strings = {"weft": rates(100, 100, 100)}
        self.assert_bound("S4.objects", "string", {"S4_strings": strings, "S4_objects": {"weft": rates(60, 60, 60)}},
                          {"S4_strings": strings, "S4_objects": {"weft": rates(59, 59, 59)}})

    def test_streams(self):
        weft = {"weft": items(300, 300, 300, per_core=2_500_000)}
        slow = {"weft": items(299, 299, 299, per_core=2_499_999)}
        self.assert_bound("S11.local", "core of the node", {"S11_local": weft}, {"S11_local": slow})
        for peer, rate, text in (("grpc", 30, "gRPC"), ("nats", 100, "NATS")):
            others = {peer: items(rate, rate, rate)}
            self.assert_bound("S11.local", text, {"S11_local": weft | others}, {"S11_local": slow | others})
        hop = {"haproxy": items(600, 600, 600)}
        self.assert_bound("S11.forwarded", "bytes/s", {"S11_forwarded": weft | hop}, {"S11_forwarded": slow | hop})

    def test_memory(self):
        for case, bound in (("S6_plain", 2048), ("S6_introduced", 4096)):
            self.assert_bound(case.replace("_", "."), "resident", {case: {"weft": [memory(bound)] * 3}},
                              {case: {"weft": [memory(bound + 1)] * 3}})
            self.assert_bound(case.replace("_", "."), "closed", {case: {"weft": [memory(1)] * 3}},
                              {case: {"weft": [memory(1), memory(1), memory(1, closed=1)]}})

    def test_hops(self):
        for case, bound in (("S7_64x1", 100), ("S8_64x1", 100), ("S7_64x32", 40), ("S8_64x32", 40)):
            haproxy = rates(100, 100, 100)
            self.assert_bound(case.replace("_", "."), "HAProxy",
                              {case: {"haproxy": haproxy, "weft": rates(bound, bound, bound)}},
                              {case: {"haproxy": haproxy, "weft": rates(bound - 1, bound - 1, bound - 1)}})

    def test_batches(self):
        deep = {"weft 64 x 32": rates(100, 100, 100)}
        self.assert_bound("S9", "S3", {"S9": {**deep, "weft": rates(50, 50, 50)}},
                          {"S9": {**deep, "weft": rates(49, 49, 49)}})

    def test_a_whole_run_judges_every_target(self):
        self.assertEqual(len(verdicts(whole_run())), len(TARGETS))

    def test_nothing_is_judged_that_was_not_measured(self):
        self.assertEqual(verdicts(results(S2={"weft": rates(1, 1, 1)})), [])
        self.assertEqual(list(statuses(results(S2={"limit": rates(1, 1, 1), "weft": rates(1, 1, 1)}))),
                         [("S2", "rate relative to the limit")])

    def test_there_is_no_verdict_on_a_disturbed_case(self):
        found = results(S2={"limit": rates(1, 1, 1, disturbed=True), "weft": rates(9, 9, 9)},
                        S3={"limit": rates(1, 1, 1), "weft": rates(1, 1, 1)})
        self.assertEqual(statuses(found), {("S2", "rate relative to the limit"): DISTURBED,
                                           ("S3", "rate relative to the limit"): MET})

    def test_sentences_name_figure_and_bound(self):
        sentence = self.verdict(results(S3={"limit": rates(4, 4, 4), "weft": rates(1, 1, 1)}), "S3", "limit").sentence()
        self.assertEqual(sentence, "S3: rate relative to the limit: 0.25 x, wanted ≥ 0.55 x: missed")
        sentence = self.verdict(results(S6_plain={"weft": [memory(891)] * 3}), "S6.plain", "resident").sentence()
        self.assertEqual(sentence, "S6.plain: resident bytes per connection: 891 bytes, wanted ≤ 2,048 bytes: met")


if __name__ == "__main__":
    unittest.main()
