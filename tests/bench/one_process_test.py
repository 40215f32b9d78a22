"""The comparisons of the packages run, and print their table."""

import os
import subprocess
import unittest

from figures import ROOT


class Comparisons(unittest.TestCase):
    def test_node_alone(self):
        done = subprocess.run([ROOT / "bench/node/compare.py", "--alone", "--rounds", "1", "--seconds", "0.2", "--weft", os.environ["WEFT_BIN"]],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        head, _, row = done.stdout.splitlines()
        self.assertEqual(head, "| | calls/s | per s of processor | items/s | per s of processor |")
        # Items are counted by whole streams, of which a busy machine may end none in this time.
        self.assertRegex(row, r"^\| weft, through a node \| [1-9][\d,]* \| [1-9][\d,]* \| [\d,]+ \| [\d,]+ \|$")

    def test_wrong_usage_of_a_worker(self):
        done = subprocess.run(["node", ROOT / "bench/node/worker.mjs", "smoke"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("usage: worker.mjs", done.stderr)


if __name__ == "__main__":
    unittest.main()
