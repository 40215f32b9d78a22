"""The service without the client: called from Node.js and from C++ through other nodes, while its node is taken away."""

import json
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from mesh import Mesh, eventually  # noqa: E402
from node_process import _die_with_parent  # noqa: E402

SERVICE = ROOT / "examples/python/minimal_service.py"
TIMEOUT = 60
MOST_LINES = 45
OPTIONS = ("--protocol-heartbeat-interval", "300ms", "--mesh-reconnect-max", "300ms")


class MinimalService(unittest.TestCase):
    def setUp(self):
        self.mesh = Mesh("abc", *OPTIONS)
        self.addCleanup(self.mesh.kill)

    def start(self, *nodes):
        service = subprocess.Popen([sys.executable, "-B", SERVICE, *(self.mesh.addresses[node] for node in nodes)],
                                   stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        return service

    def run_client(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def from_node_js(self, node):
        return self.run_client("node", ROOT / "examples/node/call.mjs", self.mesh.addresses[node], "greeter.hello",
                               '["Node.js"]')

    def from_cpp(self, node):
        return self.run_client(self.mesh[node].binary, "call", self.mesh.addresses[node], "greeter.hello", '["C++"]')

    def served_at(self, node):
        """The nodes whose instances of the service this node routes to."""
        return {instance["node"] for route in self.mesh[node].page("/routes") if route["method"] == "greeter.hello"
                for instance in route["instances"]}

    def assert_called_through(self, *nodes):
        for node in nodes:
            self.assertEqual(self.from_node_js(node), "hello Node.js")
            self.assertEqual(self.from_cpp(node), "hello C++")

    def test_it_is_short_and_needs_nothing(self):
        lines = [line for line in SERVICE.read_text().splitlines() if line.strip()]
        self.assertLessEqual(len(lines), MOST_LINES)
        self.assertIn(f"a service in {MOST_LINES} lines without the client", (ROOT / "examples/README.md").read_text())
        imported = {line.split()[1] for line in lines if line.startswith(("import", "from"))}
        self.assertLessEqual(imported, sys.stdlib_module_names)

    def test_it_says_what_it_takes(self):
        for arguments in [], ["localhost"], ["localhost:http"], [self.mesh.addresses["a"], "b"]:
            done = subprocess.run([sys.executable, "-B", SERVICE, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertEqual(done.stderr, f"usage: {SERVICE} HOST:PORT...\n")

    def test_it_answers_what_it_does_not_know_or_understand(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(TIMEOUT)
            self.mesh.addresses["here"] = "127.0.0.1:%d" % listener.getsockname()[1]
            self.start("here")
            node, _ = listener.accept()
        with node, node.makefile("rb") as stream:
            node.settimeout(TIMEOUT)

            def receive():
                return json.loads(stream.read(*struct.unpack(">i", stream.read(4))))

            def ask(method, params):
                payload = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()
                node.sendall(struct.pack(">i", len(payload)) + payload)
                answer = receive()
                self.assertEqual((answer["jsonrpc"], answer["id"]), ("2.0", 7))
                return answer.get("result", answer.get("error"))

            self.assertEqual(receive()["method"], "connect")
            self.assertEqual(ask("heartbeat", []), "ok")
            self.assertEqual(ask("greeter.hello", ["you"]), ask("greeter.hello", {"name": "you"}))
            for params in [], [1], {}, None, {"name": None}, ["a", "b"]:
                self.assertEqual(ask("greeter.hello", params)["code"], -32602, params)
            self.assertEqual(ask("greeter.bye", ["you"])["code"], -32601)
            self.assertEqual(ask("greeter.hello", ["you"]), "hello you", "it goes on after all that")

    def test_it_is_called_through_other_nodes(self):
        self.start("a")
        eventually(lambda: self.served_at("b") == self.served_at("c") == {"node-a"}, "the others know it")
        self.assert_called_through("a", "b", "c")

    def test_it_moves_when_its_node_dies_and_when_it_drains(self):
        self.start("a", "b")
        eventually(lambda: self.served_at("c") == {"node-a"}, "it is served at a")
        self.mesh["a"].kill()
        eventually(lambda: self.served_at("c") == {"node-b"}, "it has moved to b")
        self.assert_called_through("b", "c")
        self.mesh.start("a")
        eventually(lambda: self.mesh["c"].peer_is("a", "up"), "a is back")
        self.mesh["b"].process.send_signal(signal.SIGTERM)
        eventually(lambda: self.served_at("c") == {"node-a"}, "it has moved back to a")
        self.assert_called_through("a", "c")

    def test_another_instance_goes_on_when_one_dies_or_stops(self):
        first, second = self.start("a"), self.start("b")
        eventually(lambda: self.served_at("c") == {"node-a", "node-b"}, "both are known")
        first.send_signal(signal.SIGSTOP)
        eventually(lambda: self.served_at("c") == {"node-b"}, "the one that stopped is out")
        self.assert_called_through("a", "b", "c")
        first.send_signal(signal.SIGCONT)
        eventually(lambda: self.served_at("c") == {"node-a", "node-b"}, "it is back")
        second.kill()
        eventually(lambda: self.served_at("c") == {"node-a"}, "the one that died is out")
        self.assert_called_through("a", "b", "c")


if __name__ == "__main__":
    unittest.main(verbosity=2)
