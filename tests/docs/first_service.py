"""A page that is a service from the first command to the last: what it shows is run, in its order, in an empty home."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from commands import OUTPUT, Expected
from markdown import ROOT, parse

BUILD = sys.argv[1]
TIMEOUT = 120
NODE = '"$HOME/weft/bin/weft" node '


class FirstService:
    """`page`; `service` is what the command begins with that serves; `environment` what its language needs."""

    page = service = None
    environment = {}

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.variables = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")}
        self.variables |= {"HOME": str(self.home), **self.environment}

    def as_run(self, text):
        """The command that serves, so that it says nothing before its own first line."""
        return text

    def check_printed(self, text, done):
        """What else a command is to say."""

    def start(self, folder, text, stream):
        """A program that goes on beside the commands behind it; its first line on the stream, which says that it is ready."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(["bash", "-c", "exec " + text], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                   env=self.variables, **{**quiet, stream: subprocess.PIPE})
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return getattr(process, stream).readline()

    def test_its_commands_do_what_it_says(self):
        blocks = parse(self.page, (ROOT / self.page).read_text(encoding="utf-8")).blocks
        folder, address, shown = ROOT, "127.0.0.1:7400", 0
        for block, after in zip(blocks, [*blocks[1:], None]):
            if block.language != "sh":
                continue
            text = block.text.replace("build/release", BUILD).replace("127.0.0.1:7400", address)
            with self.subTest(line=block.line):
                if text.startswith(NODE):
                    text = text.replace(address, "127.0.0.1:0").rstrip() + " --admin 127.0.0.1:0"
                    address = self.start(folder, text, "stdout").split(" listen=")[1].split()[0]
                elif text.startswith(self.service):
                    self.assertIn("serving weather.now, weather.follow at node", self.start(folder, self.as_run(text), "stderr"))
                else:
                    shown += self.run_block(folder, text, after)
            folder = self.home / "first"
        self.assertEqual(shown, 2)

    def run_block(self, folder, text, after):
        """Whether what it printed was compared with the block behind it."""
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=self.variables,
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, f"\n{text}printed:\n{done.stdout}{done.stderr}")
        self.check_printed(text, done)
        if after is None or after.info != OUTPUT:
            return False
        self.assertTrue(Expected(after.text).matches(done.stdout), f"\n{text}printed:\n{done.stdout}")
        return True


def main():
    unittest.main(argv=sys.argv[:1])
