"""The README's two commands on a bare Debian 12: each of them first, as root and as a user with sudo; and what they
say where they cannot work."""

import argparse
import os
import pathlib
import re
import shutil
import sys
import time
import unittest

import machine

PROJECT = pathlib.Path(__file__).resolve().parents[2]
work = PROJECT / "build/bare"
# Five minutes on two quiet cores without a compiler cache; twice that where others use the machine, too.
FIRST_RESULT_S = 600


def demonstration(test: unittest.TestCase, output: str) -> None:
    test.assertIn("orders.create", output)
    test.assertRegex(output, r"rpc_server_call_duration_seconds_count\{.*orders\.create")
    test.assertRegex(output, r"http://127\.0\.0\.1:\d+/readyz\?verbose")
    test.assertIn("the nodes and services have stopped", output)


def small_tests(test: unittest.TestCase, output: str) -> None:
    test.assertRegex(output, r"100% tests passed, 0 tests failed out of [1-9]\d*")
    test.assertIn("all phases passed", output)


class Commands(unittest.TestCase):
    def make(self, name: str, **how) -> machine.Machine:
        made = machine.Machine(name, work, PROJECT, **how)
        self.addCleanup(made.remove)
        return made

    def timed(self, where: machine.Machine, script: str, **how) -> tuple[str, float]:
        began = time.monotonic()
        code, output = where.attempt(script, **how)
        took = time.monotonic() - began
        print(f"  {where.user}: {script}: {took:.0f} s", flush=True)
        self.assertEqual(code, 0, output[-6000:])
        return output, took

    def test_the_demonstration_first_as_root(self):
        bare = self.make("root")
        output, took = self.timed(bare, "cd /srv/weft && ./deploy/run.sh --once")
        demonstration(self, output)
        self.assertRegex(output, r"installing \d+ packages .* to fetch, .* on the disk")
        output, again = self.timed(bare, "cd /srv/weft && ./deploy/run.sh --once")
        demonstration(self, output)
        self.assertLess(again, 30)
        code, output = bare.attempt(
            "mkdir /small && mount -t tmpfs -o size=100m tmpfs /small && git clone -q /project /small/weft && cd /small/weft"
            " && ./deploy/run.sh --once")
        self.one_sentence(code, output, r"the disk is full: the build needs \d+ MB here, there are \d+ MB left")
        output, _ = self.timed(bare, "cd /srv/weft && ./tests/run.sh --tests '^node[.]units'")
        small_tests(self, output)
        self.assertLess(took, FIRST_RESULT_S)

    def test_the_tests_first_as_a_user_with_sudo(self):
        bare = self.make("user", user="someone")
        output, _ = self.timed(bare, "cd /srv/weft && ./tests/run.sh --tests '^node[.]units'")
        small_tests(self, output)
        output, _ = self.timed(bare, "cd /srv/weft && ./deploy/run.sh --once")
        demonstration(self, output)

    def test_what_stands_in_the_way_is_one_sentence(self):
        bare = self.make("obstacles", user="someone", sudo=False)
        code, output = bare.attempt("cd /srv/weft && ./deploy/run.sh --once")
        self.one_sentence(code, output, r"there is no sudo: run 'deploy/setup.sh build example' as root once")
        bare.user, bare.home = "root", "/home/someone"
        for name, script, expected, how in (
                ("no network", "", r"cannot fetch Debian's list of packages; check the network", {"network": False}),
                ("a proxy that is not there", "", r"cannot fetch Debian's list of packages.*http_proxy",
                 {"environment": {"http_proxy": "http://127.0.0.1:9"}}),
                ("an older Debian", "sed 's/^VERSION_ID=.*/VERSION_ID=\"11\"/' -i /usr/lib/os-release &&",
                 r"needs Debian 12 or newer .* this is Debian 11", {}),
                ("another system", "sed 's/^ID=.*/ID=ubuntu/' -i /usr/lib/os-release &&",
                 r"installs Debian's packages only, this is 'ubuntu'", {})):
            with self.subTest(name):
                code, output = bare.attempt(f"{script} cd /srv/weft && ./deploy/run.sh --once", **how)
                self.one_sentence(code, output, expected)

    def one_sentence(self, code: int, output: str, expected: str) -> None:
        self.assertNotEqual(code, 0, output)
        self.assertRegex(output, re.compile(expected, re.DOTALL))
        self.assertNotIn("Traceback", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, default=work)
    arguments, rest = parser.parse_known_args()
    work = arguments.work
    missing = [name for name in ("debootstrap", "unshare", "git") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        sys.exit(f"the bare suite needs root and debootstrap, unshare and git (deploy/setup.sh bare); "
                 f"user id {os.geteuid()}, missing: {', '.join(missing) or 'nothing'}")
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
