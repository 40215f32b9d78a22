"""What the example clients say of themselves to a real node that asks for tokens: who they are and what they serve."""

import asyncio
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "clients/python/src")]

import weft  # noqa: E402
from auth import Secrets, token_of  # noqa: E402
from mesh import eventually  # noqa: E402
from node_process import NodeProcess  # noqa: E402
from service import Service  # noqa: E402

TIMEOUT = 60
UNAUTHENTICATED = 16
SERVES = [{"method": "users.get", "idempotent": True, "max_in_flight": 3}]

# Serves until its standard input ends; a token that is refused is the end, too.
NODE_PACKAGE = f"{ROOT}/clients/node/src/index.mjs"
NODE_SERVICE = """
import { connect, Service } from "%s";
const { serves, ...options } = JSON.parse(process.argv[2]);
const service = new Service(options.name);
const { method, idempotent, max_in_flight: maxInFlight } = serves?.[0] ?? { method: "users.get" };
service.method(method, { params: ["id"], idempotent, maxInFlight }, ({ id }) => ({ id }));
try {
  const node = await connect(process.argv[1], { ...options, service });
  process.stdin.on("end", () => node.close()).resume();
} catch (error) {
  console.log(error.code);
}
""" % NODE_PACKAGE


class PythonService:
    """A service made with the Python package, that serves while `check` runs; `run` returns why it was refused."""

    def __init__(self, address, serves=({},), **options):
        self.address, self.options = address, options
        self.service = weft.Service("users")
        more = {name: value for name, value in serves[0].items() if name != "method"}
        self.service.method("users.get", **more)(lambda id: {"id": id})

    def run(self, check):
        async def body():
            async with asyncio.timeout(TIMEOUT):
                async with weft.connect(self.address, services=[self.service], **self.options):
                    await asyncio.to_thread(check)

        try:
            asyncio.run(body())
        except weft.Error as error:
            return error.code


class NodeService:
    """The same with the package for Node.js."""

    def __init__(self, address, **options):
        self.command = ["node", "--input-type=module", "-e", NODE_SERVICE, address, json.dumps(options)]

    def run(self, check):
        with subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                check()
                out, _ = process.communicate(timeout=TIMEOUT)
                return int(out) if out else None
            finally:
                process.kill()


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.secrets = Secrets(cls.addClassCleanup)
        table = cls.secrets.table({"users": {"serve": ["users.*"]}, "ready": {"serve": ["users.*", "ready.*"]},
                                   "caller": {"serve": ["hello"], "call": ["users.*"]}})
        cls.node = NodeProcess("--auth-tokens-file", table, "--balance", "users.*=consistent_hash")
        cls.addClassCleanup(cls.node.kill)
        cls.addClassCleanup(cls.node.stop)

    def instances(self):
        routes = json.loads(self.node.admin("/routes")[1])
        return next((route["instances"] for route in routes if route["method"] == "users.get"), [])

    def test_are_known_by_token_and_instance_and_serve_with_their_entries(self):
        for kind in PythonService, NodeService:
            name = kind.__name__.lower()

            def check():
                eventually(lambda: [each["instance"] for each in self.instances()] == [name], f"{name} is routed")
                connections = json.loads(self.node.admin("/connections")[1])
                self.assertIn(("users", name, "users"),
                              [(each["name"], each["instance"], each["identity"]) for each in connections])
                self.assertEqual(self.instances()[0]["max_in_flight"], 3)
                self.assertEqual(asyncio.run(self.call()), {"id": 7})

            with self.subTest(name):
                service = kind(self.node.listen, name="users", instance=name, token=token_of("users"), serves=SERVES)
                self.assertIsNone(service.run(check))
                eventually(lambda: not self.instances(), f"{name} has left")

    async def call(self):
        async with weft.connect(self.node.listen, name="caller", token=token_of("caller")) as node:
            return await node.call("users.get", 7)

    def test_take_the_token_from_the_environment(self):
        programs = {"python/service.py": [sys.executable, "-B"], "node/service.mjs": ["node"]}
        callers = {"python/call.py": [sys.executable, "-B"], "node/call.mjs": ["node"]}
        for file, interpreter in programs.items():
            with self.subTest(file), self.program(interpreter, file, self.node.listen, token=token_of("users")) as service:
                self.assertIn("serving users.get, users.list at node", service.stderr.readline())
                eventually(self.instances, "it is routed")
                for caller, by in callers.items():
                    for who, expected in ("caller", '"name":"Ada"'), ("nobody", "nobody has this token"), ("", "without a token"):
                        token = who and token_of(who)
                        with self.program(by, caller, self.node.listen, "users.get", '{"id": 1}', token=token) as call:
                            out, err = call.communicate(timeout=TIMEOUT)
                        self.assertIn(expected, (out + err).replace('": ', '":'), caller)
            eventually(lambda: not self.instances(), f"{file} has left")

    @contextlib.contextmanager
    def program(self, interpreter, file, *arguments, token):
        process = subprocess.Popen([*interpreter, ROOT / "examples" / file, *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**os.environ, "WEFT_TOKEN": token})
        with process:
            try:
                yield process
            finally:
                process.kill()

    def test_calls_with_one_route_key_reach_one_instance(self):
        for name in "one", "two", "three":
            service = Service(self.node, [{"method": "users.get"}], lambda got, name=name: got.answer(name), instance=name,
                              token=token_of("ready"))
            self.addCleanup(service.close)
        keys = [f"user-{i}" for i in range(8)]
        reached = {}
        for client, call in ("python", self.python_calls), ("node", self.node_calls):
            for key in keys:
                answers = call([7], key)
                self.assertEqual(len(set(answers)), 1, f"{client}: {key} reached {answers}")
                reached.setdefault(key, set()).add(answers[0])
        self.assertEqual({len(names) for names in reached.values()}, {1}, "a key means the same to both clients")
        self.assertGreater(len(set().union(*reached.values())), 1, "all keys reached one instance")

    def python_calls(self, params, key, times=5):
        async def body():
            async with weft.connect(self.node.listen, name="caller", token=token_of("caller")) as node:
                return [await node.call("users.get", weft.options(route_key=key), *params) for _ in range(times)]

        return asyncio.run(body())

    def node_calls(self, params, key, times=5):
        script = """
import { connect } from "%s";
const [address, token, params, key, times] = process.argv.slice(1);
const node = await connect(address, { name: "caller", token });
const answers = [];
for (let i = 0; i < times; ++i) answers.push(await node.call("users.get", JSON.parse(params), { routeKey: key }));
console.log(JSON.stringify(answers));
node.close();
""" % NODE_PACKAGE
        done = subprocess.run(["node", "--input-type=module", "-e", script, self.node.listen, token_of("caller"), json.dumps(params),
                               key, str(times)], capture_output=True, text=True, timeout=TIMEOUT, check=True)
        return json.loads(done.stdout)

    def test_report_a_token_that_is_refused(self):
        for kind in PythonService, NodeService:
            with self.subTest(kind.__name__):
                service = kind(self.node.listen, name="users", token=token_of("nobody"))
                self.assertEqual(service.run(lambda: None), UNAUTHENTICATED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
