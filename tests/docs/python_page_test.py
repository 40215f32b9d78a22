#!/usr/bin/env python3
"""docs/first-service-python.md, as it stands there: its commands in their order, in an empty home, without a network.

    python_page_test.py BUILD_DIRECTORY
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from commands import OUTPUT, Expected
from markdown import ROOT, parse

BUILD = sys.argv[1]
PAGE = "docs/first-service-python.md"
TIMEOUT = 120
# Both go on beside the commands behind them, and say when they are ready.
NODE, SERVICE = '"$HOME/weft/bin/weft" node ', "venv/bin/python -m weft serve "


class Page(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        # In front of Debian's Python another one, as pyenv puts it there, in which nothing works.
        other = self.home / "other"
        other.mkdir()
        (other / "python3").symlink_to("/bin/false")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")} | {
            "HOME": str(self.home), "PATH": f"{other}:{os.environ['PATH']}", "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def start(self, folder, text, stream):
        """A program; its first line on the stream."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(["bash", "-c", "exec " + text], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                   env=self.environment, **{**quiet, stream: subprocess.PIPE})
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return getattr(process, stream).readline()

    def test_its_commands_do_what_it_says(self):
        blocks = parse(PAGE, (ROOT / PAGE).read_text(encoding="utf-8")).blocks
        folder, address, shown = ROOT, "127.0.0.1:7411", 0
        for block, after in zip(blocks, [*blocks[1:], None]):
            if block.language != "sh":
                continue
            text = block.text.replace("build/release", BUILD).replace("127.0.0.1:7411", address)
            with self.subTest(line=block.line):
                if text.startswith(NODE):
                    text = text.replace(address, "127.0.0.1:0").replace("127.0.0.1:9471", "127.0.0.1:0")
                    address = self.start(folder, text, "stdout").split(" listen=")[1].split()[0]
                elif text.startswith(SERVICE):
                    self.assertIn("serving weather.now, weather.follow at node", self.start(folder, text, "stderr"))
                else:
                    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=self.environment,
                                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
                    self.assertEqual(done.returncode, 0, f"\n{text}printed:\n{done.stdout}{done.stderr}")
                    if after is not None and after.info == OUTPUT:
                        self.assertTrue(Expected(after.text).matches(done.stdout), f"\n{text}printed:\n{done.stdout}")
                        shown += 1
            folder = self.home / "first-python"
        self.assertEqual(shown, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
