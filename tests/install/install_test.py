"""Installs weft, builds a user's project against what was installed, runs it and calls its service.

    install_test.py BUILD_DIRECTORY WORK_DIRECTORY COMPILER BUILD_TYPE SANITIZERS"""

import json
import pathlib
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from mesh import eventually  # noqa: E402
from node_process import NodeProcess, _die_with_parent  # noqa: E402
from wire import Wire  # noqa: E402

build, work, compiler, build_type, sanitizers = (None,) * 5


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        text = " ".join(map(str, command))
        raise AssertionError(f"{text} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # What an earlier installation left behind must not help this one.
        shutil.rmtree(work, ignore_errors=True)
        cls.prefix, cls.project = work / "prefix", work / "project"
        run("cmake", "--install", build, "--prefix", cls.prefix)
        flags = [f"-DCMAKE_CXX_FLAGS=-fsanitize={sanitizers}"] if sanitizers else []
        cls.configuration = ["cmake", "-S", HERE / "project", "-G", "Ninja",
                             f"-DCMAKE_PREFIX_PATH={cls.prefix}", f"-DCMAKE_BUILD_TYPE={build_type}", *flags]
        run(*cls.configuration, "-B", cls.project, f"-DCMAKE_CXX_COMPILER={compiler}")
        run("cmake", "--build", cls.project)

    def start_greeter(self, peer):
        greeter = subprocess.Popen([str(self.project / "greeter"), str(peer.address[1])],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   preexec_fn=_die_with_parent)
        self.addCleanup(greeter.stdout.close)
        self.addCleanup(greeter.wait)
        self.addCleanup(greeter.kill)
        line = greeter.stdout.readline()
        self.assertRegex(line, rb"^\d+\n$", "the greeter prints its port")
        return greeter, ("127.0.0.1", int(line))

    def test_a_users_service_is_called_and_calls_others(self):
        peer = NodeProcess("--id", "installed-node", binary=str(self.prefix / "bin" / "weft"))
        self.addCleanup(peer.kill)
        greeter, address = self.start_greeter(peer)
        with Wire(address) as wire:
            greet = {"name": "world"}
            # Its node may still be about to connect to the peer.
            answer = eventually(lambda: "result" in (got := wire.call("greeter.greet", greet)) and got,
                                "a greeting")
            self.assertEqual(answer["result"],
                             {"greeting": "hello world", "from": "greeter", "other": "installed-node"})
            self.assertEqual(wire.call("greeter.greet", [])["error"]["code"], -32602)
            methods = wire.call("rpc.discover")["result"]["methods"]
            self.assertIn("greeter.greet", [method["name"] for method in methods])
        called = run(self.prefix / "bin" / "weft", "call", "%s:%d" % address, "greeter.greet",
                     '{"name":"tool"}')
        self.assertEqual(json.loads(called)["greeting"], "hello tool")
        greeter.terminate()
        self.assertEqual(greeter.wait(30), 0)
        peer.stop()

    def test_nothing_installed_names_the_build_or_source_tree(self):
        trees = [str(build), str(HERE.parents[1])]
        for path in (self.prefix / "lib").rglob("*.cmake"):
            text = path.read_text()
            for tree in trees:
                self.assertNotIn(tree + "/", text.replace(str(self.prefix), ""), path)

    def test_a_compiler_that_miscompiles_coroutines_is_refused_with_the_reason(self):
        gcc = shutil.which("g++-12")
        if gcc is None:
            self.skipTest("there is no g++-12 here")
        command = [*self.configuration, "-B", work / "gcc", f"-DCMAKE_CXX_COMPILER={gcc}"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("miscompiles coroutines", done.stderr)


if __name__ == "__main__":
    build, work = map(pathlib.Path, sys.argv[1:3])
    compiler, build_type, sanitizers = sys.argv[3:6]
    unittest.main(argv=sys.argv[:1], verbosity=2)
