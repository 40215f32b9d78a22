#!/usr/bin/env python3
"""weft as a library: examples/cpp, built against an installed tree and called.

    library_test.py BUILD_DIRECTORY COMPILER
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from markdown import ROOT

sys.path.insert(0, str(ROOT / "tests/support"))
from node_process import NodeProcess  # noqa: E402

BUILD, COMPILER = sys.argv[1:3]
TIMEOUT = 300


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")


def call(address, method, params):
    command = [os.environ["WEFT_BIN"], "call", address, method, params]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        run("cmake", "--install", BUILD, "--prefix", folder / "prefix")
        # A copy: the project must not find anything beside itself.
        run("cp", "-r", ROOT / "examples/cpp", folder / "project")
        run("cmake", "-S", folder / "project", "-B", folder / "build", "-G", "Ninja",
            f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}", f"-DCMAKE_CXX_COMPILER={COMPILER}")
        run("cmake", "--build", folder / "build")
        cls.installed = folder / "prefix/bin/weft"
        cls.program = folder / "build/greeter"
        cls.peer = cls.enterClassContext(NodeProcess("--id", "other"))

    def setUp(self):
        self.greeter = subprocess.Popen([self.program, "127.0.0.1:0", f"b={self.peer.listen}"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.reap)
        self.address = self.greeter.stdout.readline().split()[-1]
        if not any("peer b" in line and "is up" in line for line in self.greeter.stderr):
            self.fail("greeter ended before it had reached its peer")

    def reap(self):
        self.greeter.kill()
        self.greeter.communicate()

    def test_the_installed_program_runs(self):
        run(self.installed, "--version")

    def test_the_handler_calls_its_peer(self):
        done = call(self.address, "greet", '{"peer": "b"}')
        self.assertEqual((done.returncode, done.stdout), (0, '{"from":"greeter","hello":"other"}\n'), done.stderr)

    def test_an_unknown_peer_is_an_error_that_names_the_known_ones(self):
        done = call(self.address, "greet", '{"peer": "c"}')
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r'"code":14.*the peers are: b.*"executed":"no"')

    def test_wrong_params_are_refused(self):
        self.assertRegex(call(self.address, "greet", "[]").stderr, r'"code":-32602')

    def test_wrong_usage_is_told(self):
        done = subprocess.run([self.program], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("usage: greeter LISTEN NAME=HOST:PORT", done.stderr)

    def test_sigterm_drains(self):
        self.greeter.send_signal(signal.SIGTERM)
        self.assertEqual(self.greeter.wait(TIMEOUT), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
