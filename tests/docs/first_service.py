"""A page that is a service from the first command to the last: what it shows is run, in its order, in an empty home."""

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
TIMEOUT = 120
NODE = '"$HOME/weft/bin/weft" node '


class FirstService:
    """`page`; where its programs run, in `folder` of the home, and the ports of its node; `service` is what the command
    begins with that serves; `environment` what its language needs."""

    page = folder = service = None
    listen = admin = None
    environment = {}

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.variables = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")}
        self.variables |= {"HOME": str(self.home), **self.environment}

    def check_printed(self, text, done):
        """What else a command is to say."""

    def check_at_the_end(self, serving):
        """What else holds, while the service still runs."""

    def start(self, folder, text, stream):
        """A program that goes on beside the commands behind it, and its first line on the stream, which says that it is ready."""
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: subprocess.PIPE}
        process = subprocess.Popen(["bash", "-c", "exec " + text], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                   env=self.variables, start_new_session=True, **streams)
        self.addCleanup(process.communicate)
        self.addCleanup(self.end_all_of, process)
        return process, getattr(process, stream).readline()

    @staticmethod
    def end_all_of(process):
        """With what it has started, should that be left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def test_its_commands_do_what_it_says(self):
        blocks = parse(self.page, (ROOT / self.page).read_text(encoding="utf-8")).blocks
        folder, address, shown, serving = ROOT, self.listen, 0, None
        for block, after in zip(blocks, [*blocks[1:], None]):
            if block.language != "sh":
                continue
            text = block.text.replace("build/release", BUILD).replace(self.listen, address)
            with self.subTest(line=block.line):
                if text.startswith(NODE):
                    text = text.replace(address, "127.0.0.1:0").replace(self.admin, "127.0.0.1:0")
                    address = self.start(folder, text, "stdout")[1].split(" listen=")[1].split()[0]
                elif text.startswith(self.service):
                    serving, first = self.start(folder, text, "stderr")
                    self.assertIn("serving weather.now, weather.follow at node", first)
                else:
                    shown += self.run_block(folder, text, after)
            folder = self.home / self.folder
        self.assertEqual(shown, 2)
        self.check_at_the_end(serving)

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
