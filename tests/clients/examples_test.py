"""The programs in examples/, run as a user would run them, against the node at HOST:PORT."""

import contextlib
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
TIMEOUT = 30
PYTHON = [sys.executable, "-B"]
CALLERS = {
    "call.py": [*PYTHON, EXAMPLES / "python/call.py"],
    "call.mjs": ["node", EXAMPLES / "node/call.mjs"],
    "minimal.py": [*PYTHON, EXAMPLES / "python/minimal.py"],
    "minimal.mjs": ["node", EXAMPLES / "node/minimal.mjs"],
}
SERVICES = {
    "service.py": [*PYTHON, EXAMPLES / "python/service.py"],
    "service.mjs": ["node", EXAMPLES / "node/service.mjs"],
}


def run(command, *arguments):
    command = [*command, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)


@contextlib.contextmanager
def running(command, *arguments):
    """A service process, ended with the block."""
    process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


class Node:
    """The node's side of one service's connection, spoken by the test."""

    def __init__(self, listener):
        self.socket, _ = listener.accept()
        self.socket.settimeout(TIMEOUT)
        self.stream = self.socket.makefile("rb")

    def send(self, **message):
        payload = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.socket.sendall(struct.pack(">i", len(payload)) + payload)

    def receive(self):
        """The next message; heartbeats are answered on the way. None at the end of the stream."""
        while header := self.stream.read(4):
            message = json.loads(self.stream.read(*struct.unpack(">i", header)))
            if message.get("method") != "heartbeat":
                return message
            self.send(id=message["id"], result="ok")
        return None

    def introduce(self):
        """Answers `connect`; returns its params."""
        message = self.receive()
        assert message["method"] == "connect", message
        introduction = {"node": "test", "connection": 1, "heartbeat_ms": 1000, "limits": {}}
        self.send(id=message["id"], result=introduction)
        return message["params"]

    def introduced_methods(self):
        return [each if isinstance(each, str) else each["method"] for each in self.introduce()["serves"]]

    def call(self, method, params, id="same id as theirs: 1"):
        self.send(id=id, method=method, params=params)
        answer = self.receive()
        assert answer["id"] == id, answer
        return answer.get("result", answer.get("error"))

    def close(self):
        self.stream.close()
        self.socket.close()


class Callers(unittest.TestCase):
    address = None

    def each(self, *arguments):
        for name, command in CALLERS.items():
            yield name, run(command, self.address, *arguments)

    def test_print_the_result(self):
        for name, done in self.each("demo.echo", '["grüße", {"deep": [1, null]}]'):
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertEqual(json.loads(done.stdout), ["grüße", {"deep": [1, None]}])

    def test_call_without_params(self):
        for name, done in self.each("foo"):
            self.assertEqual((done.returncode, done.stdout), (0, '"ok"\n'), f"{name}: {done.stderr}")

    def test_say_what_they_take(self):
        for name, command in CALLERS.items():
            for arguments in [], ["127.0.0.1:1"], ["localhost", "foo"], ["localhost:http", "foo"], ["127.0.0.1:1", "foo", "[]", "x"]:
                done = run(command, *arguments)
                self.assertEqual(done.returncode, 64, name)
                self.assertRegex(done.stderr, rf"^usage: \S*{name} HOST:PORT METHOD \[PARAMS\]", name)
        for arguments in ["localhost", "foo"], ["localhost:http", "foo"], [self.address, "foo", "{"], [self.address, "foo", "[]", "x"]:
            done = run(CALLERS["minimal.py"], *arguments)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertRegex(done.stderr, r"^usage: \S*minimal.py HOST:PORT METHOD \[PARAMS\]", arguments)

    def test_tell_in_a_line_that_nobody_is_there(self):
        for name, command in CALLERS.items():
            done = run(command, "127.0.0.1:1", "foo")
            self.assertEqual((done.returncode, done.stdout), (1, ""), name)
            self.assertRegex(done.stderr, r"\A[^\n]*127\.0\.0\.1:1[^\n]*\n\Z", name)

    def test_report_an_error(self):
        for name, done in self.each("demo.fail", '{"code": 5, "message": "as asked"}'):
            self.assertEqual(done.returncode, 1, name)
            self.assertIn("as asked", done.stdout + done.stderr)

    def test_are_called_back(self):
        for name in "call.py", "call.mjs":
            done = run(CALLERS[name], self.address, "demo.callback", '{"method": "hello", "params": ["you"]}')
            self.assertEqual((done.returncode, done.stdout), (0, '"hello you"\n'), f"{name}: {done.stderr}")

    def test_say_that_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            for name in "call.py", "call.mjs":
                done = run(CALLERS[name], "127.0.0.1:%d" % unused.getsockname()[1], "foo")
                self.assertEqual(done.returncode, 1, name)
                self.assertRegex(done.stderr, "REFUSED|cannot connect to .*: Connection refused")


class Services(unittest.TestCase):
    address = None

    def test_join_the_node(self):
        for name, command in SERVICES.items():
            with self.subTest(name), running(command, self.address) as service:
                self.assertRegex(service.stderr.readline(), r"serving users\.get, users\.list at node \S+")

    def test_say_what_they_take(self):
        for name, command in SERVICES.items():
            for arguments in [], ["localhost"], ["localhost:http"], [self.address, "x"]:
                done = run(command, *arguments)
                self.assertEqual(done.returncode, 64, (name, arguments))
                self.assertRegex(done.stderr, rf"^usage: \S*{name} HOST:PORT\n$", (name, arguments))

    def test_the_one_without_the_client_says_what_it_takes(self):
        for arguments in [], ["localhost"], ["localhost:http"]:
            done = run([sys.executable, ROOT / "examples/python/minimal_service.py"], *arguments)
            self.assertEqual((done.returncode, done.stdout), (64, ""), arguments)
            self.assertRegex(done.stderr, r"^usage: \S*minimal_service.py HOST:PORT\.\.\.\n$", arguments)

    def test_serve_calls(self):
        for name, command in SERVICES.items():
            with self.subTest(name), self.service(command) as (listener, _):
                node = Node(listener)
                self.assertEqual(node.introduced_methods(), ["users.get", "users.list"])
                self.assertEqual(node.call("users.get", {"id": 2}), {"id": 2, "name": "Grace"})
                self.assertEqual(node.call("users.list", {"limit": 1}, id=0), [{"id": 1, "name": "Ada"}])
                self.assertEqual(node.call("users.get", {"id": 9})["code"], 404)
                self.assertEqual(node.call("users.drop", {})["code"], -32601)
                node.send(method="users.get", params={"id": 1})
                self.assertEqual(node.call("users.get", {"id": 3})["name"], "Barbara")
                node.close()

    def test_serve_on_after_goaway_until_the_node_closes_and_come_back(self):
        for name, command in SERVICES.items():
            with self.subTest(name), self.service(command) as (listener, _):
                node = Node(listener)
                node.introduce()
                node.send(method="$/goaway", params={"reason": "shutting down", "deadline_ms": 1000})
                # This one was on its way already.
                self.assertEqual(node.call("users.get", {"id": 2})["name"], "Grace")
                node.close()
                again = Node(listener)
                self.assertEqual(again.introduce()["name"], "users")
                again.close()

    def test_survive_garbage_from_the_node(self):
        for name, command in SERVICES.items():
            with self.subTest(name), self.service(command) as (listener, _):
                node = Node(listener)
                node.introduce()
                node.socket.sendall(b"\xff\xff\xff\xff")
                while node.receive() is not None:  # it may say why
                    pass
                node.close()
                again = Node(listener)
                again.introduce()
                self.assertEqual(again.call("users.get", {"id": 1})["name"], "Ada")
                again.close()

    @contextlib.contextmanager
    def service(self, command):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(TIMEOUT)
            with running(command, "127.0.0.1:%d" % listener.getsockname()[1]) as process:
                yield listener, process


class Documentation(unittest.TestCase):
    def test_shows_the_minimal_client_as_it_is(self):
        program = (EXAMPLES / "python/minimal.py").read_text()
        page = (ROOT / "docs/protocol.md").read_text()
        shown = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        self.assertIn(program, shown, "docs/protocol.md must hold examples/python/minimal.py verbatim")


if __name__ == "__main__":
    Callers.address = Services.address = sys.argv.pop(1)
    unittest.main()
