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
PUBLIC = [f"weft/{name}.hpp" for name in ("addresses", "caf", "call_context", "client", "coro", "coroutines", "error", "fields",
                                          "generated", "node", "pending", "service", "stream", "testing", "weft")]


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

    def test_a_users_service_is_called_and_calls_others(self):
        node = NodeProcess("--id", "installed-node", binary=str(self.prefix / "bin" / "weft"))
        self.addCleanup(node.kill)
        address = "%s:%d" % node.address
        greeter = subprocess.Popen([str(self.project / "greeter"), address], stdin=subprocess.DEVNULL,
                                   preexec_fn=_die_with_parent)
        self.addCleanup(greeter.wait)
        self.addCleanup(greeter.kill)
        with Wire(node.address) as wire:
            greet = {"name": "world"}
            answer = eventually(lambda: "result" in (got := wire.call("greeter.greet", greet)) and got,
                                "a greeting")
            self.assertEqual(answer["result"],
                             {"greeting": "hello world", "from": "greeter", "other": "installed-node"})
            refused = wire.call("greeter.greet", {"name": 5})["error"]
            self.assertEqual((refused["code"], refused["message"]),
                             (-32602, "greeter.greet: 'name' is a string, not 5"))
            methods = wire.call("rpc.discover")["result"]["methods"]
            self.assertIn("greeter.greet", [method["name"] for method in methods])
        called = run(self.prefix / "bin" / "weft", "call", address, "greeter.greet", '{"name":"tool"}')
        self.assertEqual(json.loads(called)["greeting"], "hello tool")
        greeter.terminate()
        self.assertEqual(greeter.wait(30), 0)
        node.stop()

    def test_only_public_headers_and_what_they_need_are_installed(self):
        include = self.prefix / "include"
        installed = sorted(str(path.relative_to(include)) for path in include.rglob("*") if path.is_file())
        public = [name for name in installed if not name.startswith("weft/detail/")]
        self.assertEqual(public, PUBLIC)
        inner = {name.removeprefix("weft/detail/").rpartition("/")[0] for name in installed if name not in public}
        self.assertLessEqual(inner, {"", "actors/coro", "proto"})

    def test_a_service_needs_neither_http_nor_command_line_libraries(self):
        needed = run("ldd", self.project / "greeter")
        for library in ("curl", "microhttpd", "civetweb", "CLI11"):
            self.assertNotIn(library, needed)
        libraries = (self.project / "build.ninja").read_text()
        for library in ("libweft_node", "curl", "microhttpd"):
            self.assertNotIn(library, libraries)

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
