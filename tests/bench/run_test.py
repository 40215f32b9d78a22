"""The runner: the order of rounds, programs that fail or are missing, and what it refuses."""

import argparse
import contextlib
import io
import subprocess
import sys
import unittest
from unittest import mock

from figures import ROOT, case_named, load

import run


def quiet(function, *arguments):
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*arguments)


class Rounds(unittest.TestCase):
    def setUp(self):
        self.measured = []
        self.failing = {}
        cores = mock.patch.object(run, "choose_cores", lambda: ("0", "1"))
        cores.start()
        self.addCleanup(cores.stop)
        measure = mock.patch.object(run.Bench, "_measure", self.measure)
        measure.start()
        self.addCleanup(measure.stop)

    def measure(self, case, row):
        self.measured.append(row)
        if self.measured.count(row) in self.failing.get(row, ()):
            raise RuntimeError(f"{row} fell over")
        return load(rate=len(self.measured))

    def bench(self, unavailable=None):
        return run.Bench(argparse.Namespace(rounds=3, attempts=1, quick=True), unavailable or {})

    def test_rounds_are_interleaved(self):
        rounds = quiet(self.bench().run, case_named("S7.64x1"))
        self.assertEqual(self.measured, ["limit", "weft", "haproxy"] * 3)
        self.assertEqual([entry["requests_per_second"] for entry in rounds["weft"]], [2, 5, 8])

    def test_a_peer_that_fails_twice_is_left_out_and_reported(self):
        self.failing = {"haproxy": (2, 3)}
        bench = self.bench()
        rounds = quiet(bench.run, case_named("S7.64x1"))
        self.assertEqual(sorted(rounds), ["limit", "weft"])
        self.assertEqual(self.measured.count("haproxy"), 3)
        self.assertEqual(bench.skipped,
                         ["S7.64x1, haproxy: failed once, and was measured again: haproxy fell over",
                          "S7.64x1, haproxy: failed again, and is left out: haproxy fell over"])

    def test_a_single_failure_costs_nothing_but_is_reported(self):
        self.failing = {"weft": (2,)}
        bench = self.bench()
        self.assertEqual(len(quiet(bench.run, case_named("S7.64x1"))["weft"]), 3)
        self.assertEqual(len(bench.skipped), 1)

    def test_weft_and_the_limit_may_not_fail(self):
        for row in ("limit", "weft"):
            self.failing = {row: (1, 2)}
            self.measured.clear()
            with self.assertRaisesRegex(RuntimeError, f"{row} fell over"):
                quiet(self.bench().run, case_named("S7.64x1"))

    def test_what_is_missing_is_not_measured(self):
        bench = self.bench({"haproxy": "there is no haproxy"})
        self.assertEqual(sorted(quiet(bench.run, case_named("S7.64x1"))), ["limit", "weft"])
        self.assertEqual(bench.skipped, ["haproxy: there is no haproxy"])


class CommandLine(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([sys.executable, "-B", str(ROOT / "bench" / "run.py"), *arguments], cwd=ROOT,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2, done)
        return done.stderr

    def test_what_it_refuses(self):
        self.assertIn("use 3 or more", self.refused("--rounds", "2"))
        self.assertIn("use 1 or more", self.refused("--attempts", "0"))
        self.assertIn("leave --scenario and --peer out", self.refused("--publish", "--scenario", "S1"))
        self.assertIn("'S1', 'S2'", self.refused("--scenario", "S12"))
        self.assertIn("'go', 'nodejs'", self.refused("--peer", "java"))

    def choose(self, *arguments):
        with mock.patch.object(sys, "argv", ["run.py", *arguments]):
            return run.choose_cases(run.parse_arguments())

    def test_scenarios_and_peers_are_chosen(self):
        self.assertEqual([case.name for case in self.choose("--scenario", "S4")], ["S4.strings", "S4.objects"])
        case, = self.choose("--scenario", "S3", "--peer", "asio", "--peer", "go", "--peer", "go")
        self.assertEqual(list(case.rows), ["limit", "weft", "asio", "go"])
        case, = self.choose("--scenario", "S3", "--peer", "none")
        self.assertEqual(list(case.rows), ["limit", "weft"])

    def test_only_the_programs_of_the_chosen_cases_are_needed(self):
        self.assertEqual(run.programs_of(self.choose("--scenario", "S8")), ["limit chain", "weft service", "haproxy"])

    def test_what_a_program_lacks_is_named(self):
        with mock.patch.object(run.shutil, "which", lambda name: None):
            missing = run.missing_from("nats")
        self.assertEqual([name.rpartition("/")[2] for name in missing],
                         ["nats-server", "peer_nats_responder", "peer_nats_client"])


if __name__ == "__main__":
    unittest.main()
