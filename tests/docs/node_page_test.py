#!/usr/bin/env python3
"""docs/first-service-node.md, as it stands there: its commands in their order, in an empty home.

    node_page_test.py BUILD_DIRECTORY
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from commands import OUTPUT, Expected
from markdown import ROOT, parse

BUILD = sys.argv[1]
PAGE = "docs/first-service-node.md"
TIMEOUT = 120


class Page(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")}
        self.environment["HOME"] = str(self.home)

    def start(self, folder, text, stream):
        """A program that goes on beside the commands behind it, and its first line on the stream, which says that it is ready."""
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: subprocess.PIPE}
        process = subprocess.Popen(["bash", "-c", "exec " + text], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                   env=self.environment, start_new_session=True, **streams)
        self.addCleanup(process.communicate)
        self.addCleanup(self.end_all_of, process)
        return process, getattr(process, stream).readline()

    @staticmethod
    def end_all_of(process):
        """With what it has started, should that be left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def test_its_commands_do_what_it_says(self):
        blocks = parse(PAGE, (ROOT / PAGE).read_text(encoding="utf-8")).blocks
        folder, address, shown = ROOT, "127.0.0.1:7412", 0
        for block, after in zip(blocks, [*blocks[1:], None]):
            if block.language != "sh":
                continue
            text = block.text.replace("build/release", BUILD).replace("127.0.0.1:7412", address)
            with self.subTest(line=block.line):
                if text.startswith('"$HOME/weft/bin/weft" node '):
                    text = text.replace(address, "127.0.0.1:0").replace("127.0.0.1:9472", "127.0.0.1:0")
                    address = self.start(folder, text, "stdout")[1].split(" listen=")[1].split()[0]
                elif text.startswith("npm start "):
                    service, first = self.start(folder, text, "stderr")
                    self.assertIn("serving weather.now, weather.follow at node", first)
                else:
                    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=self.environment,
                                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
                    self.assertEqual(done.returncode, 0, f"\n{text}printed:\n{done.stdout}{done.stderr}")
                    if after is not None and after.info == OUTPUT:
                        self.assertTrue(Expected(after.text).matches(done.stdout), f"\n{text}printed:\n{done.stdout}")
                        shown += 1
                    if "'city' is a string" not in done.stderr and '"city": 7' in text:
                        self.fail(f"the wrong call was not refused as the page says: {done.stderr}")
            folder = self.home / "first-node"
        self.assertEqual(shown, 2)
        # The service ends with what the page has started, which is npm: it holds the pipe as long as it runs.
        service.terminate()
        service.communicate(timeout=TIMEOUT)
        unreachable = subprocess.run(["node", "watch.mjs", "127.0.0.1:1", "Oslo"], cwd=folder, env=self.environment,
                                     capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual((unreachable.returncode, unreachable.stderr), (1, ""))
        self.assertRegex(unreachable.stdout, r"\A[^\n]*127\.0\.0\.1:1[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
