"""Medians, ratios within a round, and what is marked."""

import unittest

from figures import case_named, latencies, memory, rates, results


class Rows(unittest.TestCase):
    def rows(self, case, **rounds):
        found = results(**{case.replace(".", "_"): rounds})
        return {row["row"]: row for row in found.rows(case_named(case))}

    def test_ratios_are_taken_within_a_round(self):
        # The machine was half as fast in the second round: the ratio of medians would be 80 / 100.
        rows = self.rows("S2", limit=rates(100, 50, 110), weft=rates(90, 40, 80))
        weft = rows["weft"]
        self.assertEqual(weft["requests_per_second"], 80)
        self.assertAlmostEqual(weft["to_limit"]["median"], 0.8)
        self.assertAlmostEqual(weft["to_limit"]["lowest"], 80 / 110)
        self.assertAlmostEqual(weft["to_limit"]["highest"], 0.9)
        self.assertEqual(weft["to_weft"], {"median": 1, "lowest": 1, "highest": 1})

    def test_latency_cases_compare_latencies(self):
        rows = self.rows("S1.same", limit=latencies(20, 20, 20), weft=latencies(23, 24, 30))
        self.assertAlmostEqual(rows["weft"]["to_limit"]["median"], 1.2)
        self.assertAlmostEqual(rows["limit"]["to_weft"]["highest"], 20 / 23)

    def test_without_a_limit_there_is_no_ratio_to_it(self):
        row = self.rows("S2", weft=rates(1, 2, 3))["weft"]
        self.assertIsNone(row["to_limit"])
        self.assertEqual(row["requests_per_second"], 2)

    def test_memory_that_shrank_has_no_ratio(self):
        rows = self.rows("S6.plain", limit=[memory(-4)] * 3, weft=[memory(900)] * 3)
        self.assertIsNone(rows["weft"]["to_limit"])
        self.assertAlmostEqual(rows["limit"]["to_weft"]["median"], -4 / 900)

    def test_a_client_without_cpu_is_marked_where_it_has_a_core_of_its_own(self):
        for case, marked in (("S2", True), ("S1.two", True), ("S1.same", False)):
            rows = self.rows(case, limit=rates(1, 1, 1, client_cpu=96), weft=rates(1, 1, 1, client_cpu=94))
            self.assertEqual(rows["limit"]["client_saturated"], marked, case)
            self.assertFalse(rows["weft"]["client_saturated"])

    def test_a_shared_core_is_no_saturated_client(self):
        rows = self.rows("S10", **{"weft 2 reactors": rates(1, 1, 1, client_cpu=99)})
        self.assertFalse(rows["weft 2 reactors"]["client_saturated"])

    def test_most_rounds_decide_whether_a_program_was_disturbed(self):
        for disturbed, marked in ((0, False), (1, False), (2, True), (3, True)):
            entries = rates(*[1] * disturbed, disturbed=True) + rates(*[1] * (3 - disturbed))
            found = results(S2={"weft": entries, "limit": rates(1, 1, 1)})
            self.assertEqual(found.disturbed("S2"), marked, disturbed)
            rows = {row["row"]: row["disturbed"] for row in found.rows(case_named("S2"))}
            self.assertEqual(rows, {"weft": marked, "limit": False})


class Ahead(unittest.TestCase):
    def test_more_requests_less_latency_less_memory(self):
        rate = results(S2={"limit": rates(9, 9, 9), "weft": rates(5, 5, 5), "go": rates(6, 6, 6), "caf": rates(4, 4, 4)})
        self.assertEqual(rate.ahead_of_weft(case_named("S2")), ["go"])
        latency = results(S5={"weft": latencies(5, 5, 5, p99=7), "go": latencies(6, 6, 6, p99=6),
                              "nats": latencies(4, 4, 4, p99=8)})
        self.assertEqual(latency.ahead_of_weft(case_named("S5")), ["nats"])
        self.assertEqual(latency.ahead_of_weft(case_named("S5"), "latency_p99_us"), ["go"])
        size = results(S6_plain={"limit": [memory(1)], "weft": [memory(800)], "go": [memory(700)]})
        self.assertEqual(size.ahead_of_weft(case_named("S6.plain")), ["go"])

    def test_neither_equals_nor_other_arrangements_of_weft_are_ahead(self):
        same = results(S2={"weft": rates(5, 5, 5), "go": rates(5, 5, 5)})
        self.assertEqual(same.ahead_of_weft(case_named("S2")), [])
        two = results(S10={"weft": rates(5, 5, 5), "weft 2 reactors": rates(9, 9, 9)})
        self.assertEqual(two.ahead_of_weft(case_named("S10")), [])


if __name__ == "__main__":
    unittest.main()
