"""What the example clients say of themselves to a real node that asks for tokens: who they are and what they serve."""

import asyncio
import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "examples/python")]

import weft_client  # noqa: E402
from auth import Secrets, token_of  # noqa: E402
from mesh import eventually  # noqa: E402
from node_process import NodeProcess  # noqa: E402

TIMEOUT = 60
UNAUTHENTICATED = 16
SERVES = [{"method": "users.get", "idempotent": True, "max_in_flight": 3}]

# Serves until its standard input ends; a token that is refused is the end, too.
NODE_SERVICE = """
import { connect } from "%s/examples/node/weft-client.mjs";
const options = JSON.parse(process.argv[2]);
try {
  const node = await connect(process.argv[1], { ...options, methods: { "users.get": ([id]) => ({ id }) } });
  process.stdin.on("end", () => node.close()).resume();
} catch (error) {
  console.log(error.code);
}
""" % ROOT.as_uri().removeprefix("file://")


class PythonService:
    """A service made with the Python client, that serves while `check` runs; `run` returns why it was refused."""

    def __init__(self, address, **options):
        self.address, self.options = address, options

    def run(self, check):
        async def body():
            methods = {"users.get": lambda id: {"id": id}}
            async with asyncio.timeout(TIMEOUT):
                async with weft_client.connect(self.address, methods=methods, **self.options):
                    await asyncio.to_thread(check)

        try:
            asyncio.run(body())
        except weft_client.RpcError as error:
            return error.code


class NodeService:
    """The same with the client for Node.js."""

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
        table = cls.secrets.table({"users": {"serve": ["users.*"]}, "caller": {"call": ["users.*"]}})
        cls.node = NodeProcess("--auth-tokens-file", table)
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
        async with weft_client.connect(self.node.listen, name="caller", token=token_of("caller")) as node:
            return await node.call("users.get", [7], timeout=TIMEOUT)

    def test_report_a_token_that_is_refused(self):
        for kind in PythonService, NodeService:
            with self.subTest(kind.__name__):
                service = kind(self.node.listen, name="users", token=token_of("nobody"))
                self.assertEqual(service.run(lambda: None), UNAUTHENTICATED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
