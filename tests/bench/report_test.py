"""The tables on the terminal, on the results page and in the README."""

import json
import os
import pathlib
import tempfile
import unittest

from figures import ROOT, case_named, items, latencies, memory, rates, results, whole_run

import output
import report
from targets import verdicts

SETTINGS = {"machine": {"processor": "Abacus 9000", "cores": 2, "kernel": "6.1"}, "rounds": 3, "duration_ms": 2000,
            "warmup_ms": 500}


def cells(markdown):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.strip().splitlines()]


class Tables(unittest.TestCase):
    def test_marks(self):
        found = results(S2={"limit": rates(1, 1, 1, client_cpu=99), "weft": rates(1, 1, 1, disturbed=True)})
        limit, weft = found.rows(case_named("S2"))
        self.assertEqual(report.marks(limit), "client had no CPU left")
        self.assertEqual(report.marks(weft), "disturbed")
        closed, = results(S6_plain={"weft": [memory(1, closed=1_234)]}).rows(case_named("S6.plain"))
        self.assertEqual(report.marks(closed), "closed 1,234 connections")

    def test_the_terminal_has_every_row_and_target(self):
        found = results(S2={"limit": rates(100_000, 100_000, 100_000), "weft": rates(90_000, 95_000, 80_000)})
        text = report.plain_text(found, verdicts(found))
        self.assertIn("S2: 64 connections x 1 in flight (ratios of requests/s)", text)
        self.assertRegex(text, r"weft +90,000 +0\.90 \(0\.80–0\.95\) +1\.00 \(1\.00–1\.00\)")
        self.assertIn("S2: rate relative to the limit: 0.90 x, wanted ≥ 0.90 x: met", text)

    def test_the_page_is_a_table_per_case_with_as_many_cells_as_titles(self):
        found = whole_run()
        page = report.markdown_page(found, verdicts(found), "Measured here.", ["caf: there is no peer_caf"])
        for case in found.cases:
            section = page.partition(f"\n## {case.name}\n")[2].partition("\n## ")[0]
            table = cells("\n".join(line for line in section.splitlines() if line.startswith("|")))
            self.assertEqual({len(line) for line in table}, {len(table[0])}, case.name)
            self.assertEqual(len(table), 2 + len(case.rows), case.name)
        self.assertIn("- caf: there is no peer_caf", page)
        self.assertEqual(page.count("| met |") + page.count("| missed |"), len(verdicts(found)))

    def test_rows_that_are_no_program_keep_their_name(self):
        names = [line[0] for line in report.table(whole_run(), case_named("S9"))]
        self.assertEqual(names, ["", "limit: bare epoll loop, fixed reply", "weft", "weft 64 x 32"])


class Overview(unittest.TestCase):
    def test_it_has_multiples_of_the_limit_and_kib(self):
        found = results(S1_same={"limit": latencies(10, 10, 10), "weft": latencies(11, 11, 11)},
                        S2={"limit": rates(100, 100, 100), "weft": rates(90, 90, 90), "go": rates(95, 95, 95),
                            "caf": rates(40, 40, 40)},
                        S6_plain={"limit": [memory(100)], "weft": [memory(2048)], "caf": [memory(1024)]})
        table = {line[0]: line[1:] for line in cells(report.overview_table(found))}
        self.assertEqual(table[""], ["1 × 1, p50", "64 × 1", "idle, KiB"])
        self.assertEqual(table["weft"], ["1.10", "0.90", "2.0"])
        self.assertEqual(table["Go, net + encoding/json"], ["–", "**0.95**", "–"])
        self.assertEqual(table["CAF brokers + nlohmann_json"], ["–", "0.40", "**1.0**"])
        self.assertEqual(report.ahead_sentence(found),
                         "Ahead of weft were: S2 (requests/s): Go, net + encoding/json; S6.plain (bytes per "
                         "connection): CAF brokers + nlohmann_json.")

    def test_streams_have_their_own_columns(self):
        found = results(S11_local={"limit": items(4e6, 4e6, 4e6), "weft": items(3e6, 3e6, 3e6, per_core=3_100_000)})
        header, *rows = cells(report.markdown_table(report.table(found, found.cases[0])))
        weft = dict(zip(header, rows[-1]))
        self.assertEqual((weft["items/s"], weft["MB/s"], weft["items/s per core"]), ("3,000,000", "300", "3,100,000"))
        self.assertEqual(weft["x limit"], "0.75 (0.75–0.75)")
        self.assertIn("S11.local", report.plain_text(found, []))

    def test_p99_has_its_own_verdict(self):
        found = results(S5={"weft": latencies(5, 5, 5, p99=9), "nats": latencies(6, 6, 6, p99=8)})
        self.assertEqual(report.ahead_sentence(found), "Ahead of weft were: S5 (p99): NATS request/reply.")

    def test_it_says_when_nobody_is_ahead(self):
        found = whole_run(weft=0.8, peer=0.3)
        self.assertNotIn("**", report.overview_table(found))
        self.assertIn("No peer was ahead", report.ahead_sentence(found))

    def test_it_says_which_cases_were_disturbed(self):
        found = results(S2={"weft": rates(1, 1, 1, disturbed=True)}, S3={"weft": rates(1, 1, 1)},
                        S5={"weft": latencies(1, 1, 1, disturbed=True)})
        self.assertIn("disturbed S2, S5:", report.readme_section(found, "Measured."))
        self.assertEqual(report.disturbed_sentence(whole_run()), "")

    def test_paragraphs_of_the_readme_are_wrapped(self):
        section = report.readme_section(whole_run(weft=0.2, peer=0.5), output.conditions(SETTINGS))
        self.assertIn("Ahead of weft were: S1.same (p50):", section)
        for line in section.splitlines():
            self.assertTrue(len(line) <= report.WIDTH or line.startswith("|"), line)

    def test_hops_are_multiples_of_the_limits_hop(self):
        found = results(S7_64x1={"limit": rates(100, 100, 100), "weft": rates(80, 80, 80), "haproxy": rates(60, 60, 60)},
                        S8_64x32={"limit": rates(100, 100, 100), "weft": rates(30, 30, 30)})
        self.assertEqual([line[1:] for line in cells(report.hops_table(found))[2:]],
                         [["0.80", "–"], ["–", "0.30"], ["0.60", "–"]])


class Output(unittest.TestCase):
    def test_a_section_is_replaced_between_its_markers(self):
        text = f"before\n{output.BEGIN}\nold\nold\n{output.END}\nafter\n"
        once = output.replace_section(text, "\nnew\n")
        self.assertEqual(once, f"before\n{output.BEGIN}\nnew\n{output.END}\nafter\n")
        self.assertEqual(output.replace_section(once, "\nnew\n"), once)

    def test_missing_markers_are_an_error(self):
        for text in ("", output.BEGIN, f"{output.END}\n{output.BEGIN}", f"{output.BEGIN}{output.END}" * 2):
            with self.assertRaisesRegex(RuntimeError, "bench table"):
                output.replace_section(text, "new")

    def test_the_readme_can_be_published_into(self):
        readme = (ROOT / output.README).read_text(encoding="utf-8")
        section = report.readme_section(whole_run(), output.conditions(SETTINGS))
        self.assertIn(section.strip("\n"), output.replace_section(readme, section))
        self.assertIn("Abacus 9000", section)

    def test_everything_is_written(self):
        found = whole_run()
        with tempfile.TemporaryDirectory() as folder:
            output.write_all(folder, found, verdicts(found), SETTINGS, [])
            self.assertEqual(sorted(os.listdir(folder)), ["results.json", "results.md", "results.svg"])
            written = json.loads(pathlib.Path(folder, "results.json").read_text(encoding="utf-8"))
        self.assertEqual(written["cases"]["S3"]["loads"]["weft"]["in_flight"], 32)
        self.assertEqual(written["cases"]["S4.strings"]["loads"]["go"]["params_bytes"], 4_100)
        weft = next(row for row in written["rows"] if row["case"] == "S3" and row["row"] == "weft")
        self.assertAlmostEqual(weft["to_limit"]["median"], 0.8)
        target = next(entry for entry in written["targets"] if entry["case"] == "S2")
        self.assertEqual((target["wanted"], target["status"]), ("≥ 0.90 x", "missed"))


if __name__ == "__main__":
    unittest.main()
