"""The programs of bench/limit, which everything is compared with: they must do the work, too."""

import json
import os
import socket
import struct
import tempfile
import unittest

import figures  # noqa: F401  finds bench/

from processes import Server
from programs import Process, Program

LIMIT = os.environ["LIMIT_SERVER"]
NODE = Process((os.environ["WEFT_BIN"], "node", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"))


class Limit(unittest.TestCase):
    def ask(self, program, *payloads):
        """Sends all in one packet; as many answers. That `foo` is answered has been seen when it is entered."""
        core = str(min(os.sched_getaffinity(0)))
        with tempfile.TemporaryDirectory() as folder, Server(program, "program", core, folder) as server:
            host, port = server.address.split(":")
            data = [json.dumps(payload, separators=(",", ":")).encode() for payload in payloads]
            with socket.create_connection((host, int(port)), timeout=20) as connection:
                connection.sendall(b"".join(struct.pack(">i", len(payload)) + payload for payload in data))
                with connection.makefile("rb") as stream:
                    return [json.loads(stream.read(*struct.unpack(">i", stream.read(4)))) for _ in payloads]

    def request(self, id):
        return {"jsonrpc": "2.0", "id": id, "method": "foo"}

    def answer(self, id):
        return {"jsonrpc": "2.0", "id": id, "result": "ok"}

    def assert_answers(self, *processes, front=-1):
        ids = [1, "two", 3.5]
        answers = self.ask(Program("limit", processes, front=front), *map(self.request, ids))
        self.assertEqual(answers, [self.answer(id) for id in ids])

    def test_the_server(self):
        self.assert_answers(Process((LIMIT,)))
        self.assert_answers(Process((os.environ["LIMIT_ASIO_SERVER"],)))

    def test_batches(self):
        batch = [self.request(id) for id in range(100)]
        one, many = self.ask(Program("limit", (Process((LIMIT,)),)), self.request(7), batch)
        self.assertEqual(one, self.answer(7))
        self.assertEqual(many, [self.answer(id) for id in range(100)])

    def test_the_forwarder(self):
        self.assert_answers(Process((LIMIT,)), Process((os.environ["LIMIT_FORWARDER"], "--to", "{back}")))

    def test_the_service(self):
        self.assert_answers(NODE, Process((os.environ["LIMIT_SERVICE"], "--node", "{back}")), front=0)

    def stream(self, *processes, front=-1):
        """The messages of two streams of five numbers on one connection, each granted two and then the rest."""
        core = str(min(os.sched_getaffinity(0)))
        program = Program("limit", processes, front=front)
        with tempfile.TemporaryDirectory() as folder, Server(program, "program", core, folder) as server:
            host, port = server.address.split(":")
            with socket.create_connection((host, int(port)), timeout=20) as connection:
                def send(**message):
                    payload = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode()
                    connection.sendall(struct.pack(">i", len(payload)) + payload)

                found = {id: [] for id in (7, "eight")}
                for id in found:
                    send(id=id, method="demo.count", params={"to": 4}, stream={"credit": 2})
                with connection.makefile("rb") as stream:
                    while not all("result" in (messages or [{}])[-1] for messages in found.values()):
                        message = json.loads(stream.read(*struct.unpack(">i", stream.read(4))))
                        id = message.get("id") or message["params"]["id"]
                        found[id].append(message)
                        if len(found[id]) == 2:
                            send(method="$/stream/credit", params={"id": id, "credit": 4})
        return found

    def assert_streams(self, *processes, front=-1):
        for id, messages in self.stream(*processes, front=front).items():
            *items, answer = messages
            self.assertEqual([item["params"] for item in items],
                             [{"id": id, "seq": n, "value": n, "cursor": n} for n in range(5)])
            self.assertEqual(answer["id"], id)
            self.assertNotIn("error", answer)

    def test_streams_are_those_of_a_node(self):
        self.assert_streams(Process((*NODE.command, "--demo")))
        self.assert_streams(Process((os.environ["LIMIT_STREAM_SERVER"],)))
        self.assert_streams(NODE, Process((os.environ["LIMIT_SERVICE"], "--node", "{back}", "--streams")), front=0)

    def test_a_service_that_is_refused_says_so(self):
        demo = Process((*NODE.command, "--limits-method-name-bytes", "2B"))
        program = Program("limit", (demo, Process((os.environ["LIMIT_SERVICE"], "--node", "{back}"))), front=0)
        with self.assertRaisesRegex(RuntimeError, "the node refused connect"):
            self.ask(program)


if __name__ == "__main__":
    unittest.main()
