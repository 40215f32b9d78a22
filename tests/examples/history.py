"""A rung of examples/history as a process, and what its tests share."""

import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HISTORY = ROOT / "examples/history"
sys.path.insert(0, str(ROOT / "tests/support"))

from node_process import NodeProcess, _die_with_parent  # noqa: E402
from wire import Wire  # noqa: E402

TIMEOUT = 30


class Program:
    """A rung that runs; its output a line at a time."""

    def __init__(self, name, *arguments):
        self._log = tempfile.TemporaryFile(mode="w+")
        self._lines = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-B", HISTORY / f"{name}.py", *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self._log, text=True, preexec_fn=_die_with_parent)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def line(self):
        """The next line; None behind the last one."""
        try:
            return self._lines.get(timeout=TIMEOUT)
        except queue.Empty:
            raise AssertionError(f"{self.process.args}: no line in {TIMEOUT} s\n{self.log()}") from None

    def address(self):
        return self.line().removeprefix("listening on ")

    def rest(self):
        """The remaining lines and the exit status of a program that ends by itself."""
        lines = list(iter(self.line, None))
        return lines, self.process.wait(TIMEOUT)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self._log.close()


class Case(unittest.TestCase):
    def start(self, name, *arguments):
        program = Program(name, *arguments)
        self.addCleanup(program.stop)
        return program

    def serve(self, name, *arguments):
        """A server and its HOST:PORT."""
        server = self.start(name, "127.0.0.1:0", *arguments)
        return server, server.address()

    def node(self, *options):
        return self.enterContext(NodeProcess(*options))

    def wire(self, at):
        host, _, port = at.rpartition(":")
        wire = Wire((host, int(port)), TIMEOUT)
        self.addCleanup(wire.close)
        return wire

    def join(self, name, *arguments):
        """A service that has registered itself at a node."""
        program = self.start(name, *arguments)
        while not (line := program.line() or "ended").startswith("ready at "):
            self.assertNotEqual(line, "ended", program.log())
        return program
