#!/usr/bin/env python3
"""weft as a library: examples/cpp, built against an installed tree and called; docs/first-service.md, as it stands there.

    library_test.py BUILD_DIRECTORY COMPILER
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from commands import OUTPUT, Expected
from markdown import ROOT, parse

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
        cls.home = folder / "home"
        cls.home.mkdir()
        cls.installed = folder / "prefix/bin/weft"
        cls.programs = folder / "build"

    def start(self, name, *arguments, **options):
        """A program of the examples, ended with the test."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")}
        process = subprocess.Popen([self.programs / name, *arguments], stdin=subprocess.DEVNULL, text=True,
                                   env=environment, **options)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def start_node(self, name, *options):
        """One that is a node: the process and its address."""
        process = self.start(name, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *options,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ready = process.stdout.readline()
        self.assertRegex(ready, "^ready node=")
        return process, ready.split(" listen=")[1].split()[0]

    def ask(self, *arguments):
        return subprocess.run([self.programs / "ask", *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                              check=False)

    def test_the_installed_program_runs(self):
        run(self.installed, "--version")

    def test_a_service_in_a_node_and_its_client(self):
        users, address = self.start_node("users", "--id", "users-1")
        done = call(address, "users.get", '{"id": 1}')
        self.assertEqual((done.returncode, done.stdout), (0, '{"id":1,"name":"Ada"}\n'), done.stderr)
        self.assertEqual(call(address, "users.list", "[1]").stdout, '[{"id":1,"name":"Ada"}]\n')
        self.assertIn("users.get: 'id' is an integer of 32 bits, not \\\"x\\\"", call(address, "users.get", '["x"]').stderr)
        self.assertEqual(self.ask(address).stdout, "1 is Ada\n")
        failed = self.ask(address, "2")
        self.assertEqual((failed.returncode, failed.stdout), (1, "no user 2 (code 404) (retry is not safe)\n"))
        users.send_signal(signal.SIGTERM)
        self.assertEqual(users.wait(TIMEOUT), 0)

    def test_the_page_of_the_first_service(self):
        """Its commands in their order, the one that runs the service beside those behind it."""
        blocks = parse("docs/first-service.md", (ROOT / "docs/first-service.md").read_text(encoding="utf-8")).blocks
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")}
        environment["HOME"] = str(self.home)
        folder, address = ROOT, None
        shown = 0
        for block, after in zip(blocks, [*blocks[1:], None]):
            if block.language != "sh":
                continue
            text = block.text.replace("build/release", BUILD).replace("=clang++-19", f"={COMPILER}")
            with self.subTest(line=block.line):
                if text.startswith("build/weather "):
                    options = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", text).split()[1:]
                    node = subprocess.Popen([folder / "build/weather", *options],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True, env=environment)
                    self.addCleanup(node.communicate)
                    self.addCleanup(node.kill)
                    address = node.stdout.readline().split(" listen=")[1].split()[0]
                    continue
                if address is not None:
                    text = text.replace("127.0.0.1:7410", address)
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment,
                                      capture_output=True, text=True, timeout=TIMEOUT, check=False)
                self.assertEqual(done.returncode, 0, f"\n{text}printed:\n{done.stdout}{done.stderr}")
                if after is not None and after.info == OUTPUT:
                    self.assertTrue(Expected(after.text).matches(done.stdout), f"\n{text}printed:\n{done.stdout}")
                    shown += 1
            folder = self.home / "first-cpp"
        self.assertEqual(shown, 2)

    def test_its_program_has_the_options_and_subcommands_of_weft(self):
        done = subprocess.run([self.programs / "users", "--lisen", "x"], capture_output=True, text=True,
                              timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--lisen", done.stderr)
        _, address = self.start_node("users")
        health = subprocess.run([self.programs / "users", "call", address, "mesh.health"], capture_output=True,
                                text=True, timeout=TIMEOUT, check=False)
        self.assertIn("SERVING", health.stdout)

    def test_they_say_what_they_take(self):
        at = "127.0.0.1:1"
        for name, *arguments in (("ask", at, "one"), ("ask", at, "1", "x"), ("watch",), ("watch", at), ("watch", at, "a", "0"),
                                 ("watch", at, "a", "1", "x"), ("teams", at, "x"), ("words", at, "x")):
            done = subprocess.run([self.programs / name, *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (64, ""), (name, arguments))
            self.assertRegex(done.stderr, rf"\Ausage: {name} .*\n\Z")
        for name, *arguments in ("ask", "localhost"), ("watch", "localhost", "news"), ("teams", "localhost"):
            done = subprocess.run([self.programs / name, *arguments], capture_output=True, text=True, timeout=TIMEOUT,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (64, ""), (name, arguments))
            self.assertRegex(done.stderr, r"\A.*HOST:PORT.*\n\Z")

    def test_a_client_without_a_node_is_told(self):
        done = self.ask("127.0.0.1:1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot connect to 127.0.0.1:1", done.stderr)

    def test_a_service_calls_its_clients(self):
        _, address = self.start_node("topics")
        watch = self.start("watch", address, "news", "2", stdout=subprocess.PIPE)
        self.assertEqual(watch.stdout.readline(), "watching news\n")
        for text in ("one", "two"):
            self.assertEqual(call(address, "topics.publish", json.dumps(["news", text])).stdout, "1\n")
        self.assertEqual(watch.communicate(timeout=TIMEOUT)[0], "news: one\nnews: two\n")
        self.assertEqual(watch.returncode, 0)
        # Its connection is gone, whenever the node hears of that.
        while call(address, "topics.publish", '["news", "three"]').stdout != "0\n":
            pass
        clock = self.start("watch", address, "time", stdout=subprocess.PIPE)
        self.assertRegex(clock.communicate(timeout=TIMEOUT)[0], r"watching time\ntime: \d+\n")

    def test_a_blocking_method_shares_its_state_with_others(self):
        _, address = self.start_node("users")
        words = self.start("words", address, stderr=subprocess.PIPE)
        self.assertTrue(any("connected to node" in line for line in words.stderr))
        text = self.home / "text"
        text.write_text("to be or not to be\n")
        counted = call(address, "words.count", json.dumps([str(text)]))
        self.assertEqual(counted.stdout, '{"be":2,"not":1,"or":1,"to":2}\n', counted.stderr)
        self.assertEqual(call(address, "words.known", '["be"]').stdout, "2\n")
        self.assertEqual(call(address, "words.count", json.dumps({"least": 2, "file": str(text)})).stdout, '{"be":2,"to":2}\n')
        self.assertRegex(call(address, "words.count", '["/no/such/file"]').stderr, r'"code":404')

    def test_a_service_at_a_node_calls_many_at_once_and_follows_its_node(self):
        node, address = self.start_node("users")
        teams = self.start("teams", address, stderr=subprocess.PIPE)
        self.assertTrue(any("connected to node" in line for line in teams.stderr))
        members = '[{"id":1,"name":"Ada"},{"id":1,"name":"Ada"}]\n'
        self.assertEqual(call(address, "teams.members", '{"ids": [1, 1]}').stdout, members)
        failed = call(address, "teams.members", '{"ids": [1, 2]}')
        self.assertRegex(failed.stderr, r'"code":404.*no user 2')
        node.kill()
        node.wait(TIMEOUT)
        again = self.start("users", "--listen", address, "--admin", "127.0.0.1:0", stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
        self.assertRegex(again.stdout.readline(), "^ready")
        self.assertTrue(any("connected to node" in line for line in teams.stderr))
        self.assertEqual(call(address, "teams.members", '{"ids": [1, 1]}').stdout, members)
        teams.send_signal(signal.SIGTERM)
        self.assertEqual(teams.wait(TIMEOUT), 0)
        self.assertRegex(call(address, "teams.members", '{"ids": []}').stderr, r'"code":(14|-32601)')


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
