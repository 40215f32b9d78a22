#!/usr/bin/env python3
"""The commands on the pages, run as they stand there: they exit 0 and print what the page shows.

The pages write addresses as a user has them; here the nodes' real ones take their place.
"""

import os
import re
import subprocess
import sys
import time
import unittest

from commands import runs
from markdown import ROOT, pages

sys.path.insert(0, str(ROOT / "tests/support"))
from node_process import NodeProcess  # noqa: E402

TIMEOUT = 60


def await_peer(node, name):
    """Every look is a request that waits for its answer, so this does not spin."""
    deadline = time.monotonic() + TIMEOUT
    while f'"name": "{name}"' not in (peers := node.admin("/peers")[1]) or '"state": "up"' not in peers:
        if time.monotonic() > deadline:
            raise AssertionError(f"node {node.id} did not reach its peer {name}: {peers}")


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.b = cls.enterClassContext(NodeProcess("--id", "b"))
        cls.a = cls.enterClassContext(NodeProcess("--id", "a", "--peer", f"b={cls.b.listen}"))
        await_peer(cls.a, "b")
        admin = "%s:%d" % cls.a.admin_address
        cls.real = {"build/release/weft": os.environ["WEFT_BIN"],
                    "127.0.0.1:7400": cls.a.listen, "127.0.0.1:9464": admin,
                    "127.0.0.1:7401": cls.a.listen, "127.0.0.1:9461": admin}
        # Every WEFT_… variable is a setting of the node: those of the test runner are none.
        cls.environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}

    def run_block(self, text):
        used = {shown: real for shown, real in self.real.items() if shown in text}
        for shown, real in used.items():
            text = text.replace(shown, real)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=ROOT, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=TIMEOUT, check=False)
        output = done.stdout
        for shown, real in used.items():
            output = output.replace(real, shown)
        return done.returncode, output

    def test_the_blocks_do_what_the_page_says(self):
        count = 0
        for page in pages():
            for block, expected in runs(page):
                count += 1
                with self.subTest(f"{page.name}:{block.line}"):
                    status, output = self.run_block(block.text)
                    self.assertEqual(status, 0, f"\n{block.text}printed:\n{output}")
                    if expected is not None:
                        self.assertTrue(expected.matches(output), f"\n{block.text}printed:\n{output}")
        self.assertGreater(count, 0, "no page has a block that begins with `# run`")

    def documented(self, heading):
        """The names in the first column of the table below this heading of docs/reliability.md."""
        text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
        section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)

    def test_every_readiness_check_is_documented(self):
        checks = re.findall(r"^\[[+-]\](\w+) ", self.a.admin("/readyz?verbose")[1], re.MULTILINE)
        self.assertEqual(self.documented("Readiness"), checks)

    def test_every_state_of_a_peer_is_documented(self):
        states = re.findall(r'^weft_peers\{state="(\w+)"\}', self.a.admin("/metrics")[1], re.MULTILINE)
        self.assertIn("up", states)
        self.assertEqual(self.documented("States of a peer"), states)


if __name__ == "__main__":
    unittest.main()
