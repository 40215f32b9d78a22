"""The rungs of examples/history, against each other and against a real node."""

import ast
import itertools
import json
import re
import runpy
import select
import signal
import socket
import sys
import threading
import unittest
from unittest import mock

from history import HISTORY, TIMEOUT, Case
from node_process import NodeProcess
from service import Service
from wire import Closed, frame, notification, request

SERVERS = ("01_blocking_server", "02_callbacks_server", "04_trampoline_server", "05_enhanced_server",
           "08_async_server", "10_streaming_service")
NOT_BLOCKING = SERVERS[1:]
CALLS, BYTES = 256, 65536


class EveryPair(Case):
    """Each client with each server, and with a node."""

    def servers(self):
        for name in SERVERS:
            yield name, self.serve(name)[1]
        yield "node", self.node("--id", "n").listen

    def test_the_clients_of_all_rungs_work_with_all_servers(self):
        for name, at in self.servers():
            who = "n" if name == "node" else "history"
            with self.subTest(name, client="blocking"):
                self.assertEqual(self.start("01_blocking_client", at, 2).rest(),
                                 ([f"connected to {who}", "heartbeat 1 ok", "heartbeat 2 ok"], 0))
            with self.subTest(name, client="channels"):
                self.assertEqual(self.start("03_channels", at, 2).rest(), (["ping 1 pong ok", "ping 2 pong ok"], 0))
            with self.subTest(name, client="parallel"):
                lines, status = self.start("09_parallel_client", at).rest()
                self.assertEqual((lines[-1], status), (f"{CALLS} requests, {CALLS} answers of {BYTES} bytes", 0))


class EveryServer(Case):
    def test_a_client_that_is_slow_holds_up_nobody_but_at_the_blocking_server(self):
        for name in NOT_BLOCKING:
            with self.subTest(name):
                _, at = self.serve(name)
                slow, quick = self.wire(at), self.wire(at)
                data = frame(request(1, "heartbeat"))
                slow.send_bytes(data[:9])
                self.assertEqual(quick.call("heartbeat")["result"], "ok")
                slow.send_bytes(data[9:])
                self.assertEqual(slow.receive()["result"], "ok")

    def test_the_blocking_server_serves_one_after_the_other(self):
        _, at = self.serve("01_blocking_server")
        first = self.wire(at)
        self.assertEqual(first.call("heartbeat")["result"], "ok")
        second = self.wire(at)
        second.send(request(1, "heartbeat"))
        self.assertEqual(first.call("heartbeat")["result"], "ok")
        self.assertEqual(select.select([second.socket], [], [], 0)[0], [])
        first.close()
        self.assertEqual(second.receive()["result"], "ok")

    def test_what_is_wrong_ends_its_own_connection_only(self):
        texts = "{]", "[]", "5", '{"id":1,"method":[]}', '{"id":{},"method":"connect"}', "[" * 100_000
        wrongs = b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0", *map(frame, texts)
        for name, wrong in itertools.product(SERVERS, wrongs):
            with self.subTest(name, wrong=wrong[:40]):
                _, at = self.serve(name)
                bad = self.wire(at)
                bad.send_bytes(wrong)
                if len(wrong) < 4:
                    bad.finish()
                with self.assertRaises((Closed, ConnectionError)):
                    bad.receive()
                self.assertEqual(self.wire(at).call("heartbeat")["result"], "ok")

    def test_an_unknown_method_is_answered_and_a_notification_is_not(self):
        for name in SERVERS:
            with self.subTest(name):
                wire = self.wire(self.serve(name)[1])
                wire.send(notification("heartbeat"), request(1, "nothing"), request(2, "demo.echo", ["x"]))
                answers = {answer["id"]: answer for answer in (wire.receive(), wire.receive())}
                self.assertEqual(answers[1]["error"]["code"], -32601)
                self.assertEqual(answers[2]["result"], ["x"])


CLIENTS = ("01_blocking_client", "03_channels", "06_subgenerators_service", "07_futures_service",
           "09_parallel_client", "10_streaming_client")


class CommandLines(Case):
    def assert_ends(self, name, arguments, status, pattern):
        with self.subTest(name, arguments=arguments):
            program = self.start(name, *arguments)
            self.assertEqual(program.rest()[1], status)
            self.assertRegex(program.log(), rf"\A{pattern}\n\Z")

    def test_wrong_arguments_end_with_one_line_of_usage(self):
        at = "127.0.0.1:0"
        for path in sorted(HISTORY.glob("[0-9]*.py")):
            for arguments in [], ["localhost"], ["localhost:http"], [at, "x", "y", "z"]:
                self.assert_ends(path.stem, arguments, 64, r"usage: \S+\.py HOST:PORT.*")
        for name, wrong in (("01_blocking_client", "some"), ("03_channels", "1.5"), ("05_enhanced_server", "soon"),
                            ("06_subgenerators_service", "localhost"), ("08_async_server", "node"),
                            ("09_parallel_client", "many")):
            self.assert_ends(name, [at, wrong], 64, r"usage: \S+\.py HOST:PORT.*")
        for arguments in ["--at"], ["--at", "node"], [at, at], ["--at", at, at]:
            self.assert_ends("10_streaming_service", arguments, 64, r"usage: \S+\.py HOST:PORT \| --at NODE")

    def test_a_node_that_is_not_there_is_one_line(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = "%s:%d" % unused.getsockname()
            refused = r".*(Connection refused|Connect call failed).*"
            for name in CLIENTS:
                self.assert_ends(name, [nobody], 1, refused)
            self.assert_ends("08_async_server", ["127.0.0.1:0", nobody], 1, refused)
            self.assert_ends("10_streaming_service", ["--at", nobody], 1, refused)

    def test_an_address_that_is_taken_is_one_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            for name in SERVERS:
                self.assert_ends(name, ["%s:%d" % taken.getsockname()], 1, r".*Address already in use.*")

    def test_a_service_whose_node_has_gone_says_so(self):
        for name, *first in (("06_subgenerators_service",), ("07_futures_service",), ("10_streaming_service", "--at")):
            with self.subTest(name):
                node = NodeProcess()
                self.addCleanup(node.kill)
                service = self.join(name, *first, node.listen)
                node.kill()
                self.assertEqual(service.rest()[1], 1)
                self.assertRegex(service.log(), r"\A.*the node ended the connection\n\Z")


class Channels(unittest.TestCase):
    def test_a_sender_waits_until_somebody_has_received(self):
        # The rungs have a module `wire` of their own.
        with mock.patch.dict(sys.modules), mock.patch.object(sys, "path", [str(HISTORY), *sys.path]):
            del sys.modules["wire"]
            channel = runpy.run_path(str(HISTORY / "03_channels.py"))["Channel"]()
        arrived, sent = threading.Event(), threading.Event()

        class Announcing(threading.Semaphore().__class__):
            def acquire(self, *arguments, **keywords):
                arrived.set()
                return super().acquire(*arguments, **keywords)

        def send():
            channel.send("ping")
            sent.set()

        channel._taken = Announcing(0)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        self.assertTrue(arrived.wait(TIMEOUT))
        self.assertFalse(sent.is_set())
        self.assertEqual(channel.receive(), "ping")
        self.assertTrue(sent.wait(TIMEOUT))
        sender.join()


class EnhancedGenerators(Case):
    def test_a_timeout_is_thrown_caught_and_survived_once(self):
        server, at = self.serve("05_enhanced_server", 0.2)
        wire = self.wire(at)
        for _ in range(2):
            asked = wire.receive()
            self.assertEqual((asked["method"], asked["id"]), ("heartbeat", "alive?"))
            wire.send({"jsonrpc": "2.0", "id": "alive?", "result": "ok"})
        self.assertEqual(wire.receive()["method"], "heartbeat")
        with self.assertRaises(Closed):
            wire.receive()
        self.assertEqual([server.line(), server.line()], ["silent", "cleanup"])

    def test_cleanup_runs_when_the_peer_leaves(self):
        server, at = self.serve("05_enhanced_server")
        self.wire(at).close()
        self.assertEqual(server.line(), "cleanup")

    def test_closing_the_generators_runs_their_cleanup(self):
        server, at = self.serve("05_enhanced_server")
        for _ in range(3):
            self.wire(at).call("heartbeat")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.rest(), (["cleanup"] * 3 + ["stopped"], 0))


class Services(Case):
    def test_three_rungs_call_each_other_through_a_node(self):
        node = self.node()
        self.join("06_subgenerators_service", node.listen)
        self.join("07_futures_service", node.listen)
        party, at = self.serve("08_async_server", node.listen)
        self.assertTrue(party.line().startswith("ready at "))
        client = self.wire(node.listen)
        self.assertEqual(client.call("names.get", [2])["result"], "Grace")
        self.assertEqual(client.call("greeter.hello", [2])["result"], "hello Grace")
        guests = ["hello Ada", "hello Grace", "hello Barbara"]
        self.assertEqual(client.call("party.invite", [1, 2, 3])["result"], guests)
        self.assertEqual(self.wire(at).call("party.invite", [1, 2, 3])["result"], guests)
        # The error of the innermost service comes out as it went in.
        error = client.call("party.invite", [1, 9])["error"]
        self.assertEqual(error["code"], -32602)
        self.assertIn("one of [1, 2, 3]; got [9]", error["message"])

    def test_one_thread_of_generators_serves_two_nodes(self):
        nodes = self.node("--id", "a"), self.node("--id", "b")
        service = self.start("06_subgenerators_service", *(node.listen for node in nodes))
        self.assertEqual({service.line(), service.line()}, {"ready at a", "ready at b"})
        for node in nodes:
            self.assertEqual(self.wire(node.listen).call("names.get", [1])["result"], "Ada")

    def test_tasks_and_gather_wait_for_many_answers_at_once(self):
        node = self.node()
        names = Service(node, ["names.get"])
        self.addCleanup(names.close)
        self.join("07_futures_service", node.listen)
        self.join("08_async_server", "127.0.0.1:0", node.listen)
        client = self.wire(node.listen)
        client.send(request(1, "party.invite", [1, 2, 3]))
        # None was answered, and all three are here: neither service waits for one before it asks for the next.
        for call in reversed([names.take_call() for _ in range(3)]):
            call.answer(f"guest {call.params[0]}")
        self.assertEqual(client.receive()["result"], ["hello guest 1", "hello guest 2", "hello guest 3"])

    def test_a_call_whose_connection_ends_has_an_error(self):
        node = NodeProcess()
        self.addCleanup(node.kill)
        greeter = Service(node, ["greeter.hello"])
        self.addCleanup(greeter.close)
        party, at = self.serve("08_async_server", node.listen)
        self.assertTrue(party.line().startswith("ready at "))
        client = self.wire(at)
        client.send(request(1, "party.invite", [1]))
        greeter.take_call()
        node.process.kill()
        error = client.receive()["error"]
        self.assertEqual((error["code"], error["data"]["executed"]), (14, "unknown"))

    def test_without_a_node_the_async_server_says_so(self):
        error = self.wire(self.serve("08_async_server")[1]).call("party.invite", [1])["error"]
        self.assertEqual((error["code"], error["data"]["executed"]), (14, "no"))


class ParallelReadAndWrite(Case):
    def setUp(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        # Before listening: what does not fit here keeps the client from writing.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(TIMEOUT)
        self.client = self.start("09_parallel_client", "%s:%d" % listener.getsockname(), CALLS, BYTES)
        self.server, _ = listener.accept()
        self.server.settimeout(TIMEOUT)
        self.addCleanup(self.server.close)
        self.stream = self.server.makefile("rb")
        self.addCleanup(self.stream.close)

    def take(self):
        """Reads a request; the frame that answers it."""
        payload = self.stream.read(int.from_bytes(self.stream.read(4), "big"))
        call = json.loads(payload)
        return frame({"jsonrpc": "2.0", "id": call["id"], "result": call["params"]})

    def test_an_answer_is_read_while_a_write_is_stuck(self):
        self.server.sendall(self.take())
        # Nothing more is read here, and the rest fits into no buffer.
        line = self.client.line()
        self.assertRegex(line, r"^read the first answer after \d+ requests$")
        self.assertLess(int(re.search(r"\d+", line)[0]), CALLS)
        for _ in range(1, CALLS):
            self.server.sendall(self.take())
        lines, status = self.client.rest()
        self.assertEqual((lines[-1], status), (f"{CALLS} requests, {CALLS} answers of {BYTES} bytes", 0))

    def test_requests_are_written_while_a_read_is_stuck_inside_a_frame(self):
        first = self.take()
        self.server.sendall(first[:1000])
        rest = [self.take() for _ in range(1, CALLS)]
        self.assertEqual(self.client.line(), "wrote the last request after 0 answers")
        self.server.sendall(first[1000:])
        for answer in rest:
            self.server.sendall(answer)
        self.assertEqual(self.client.rest(), ([f"read the first answer after {CALLS} requests",
                                               f"{CALLS} requests, {CALLS} answers of {BYTES} bytes"], 0))


class Texts(unittest.TestCase):
    def test_the_programs_need_the_standard_library_only_and_are_short(self):
        for path in HISTORY.glob("*.py"):
            with self.subTest(path.name):
                text = path.read_text(encoding="utf-8")
                imported = {name.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)
                            for name in node.names}
                imported |= {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
                self.assertLessEqual(imported, {*sys.stdlib_module_names, "wire"})
                self.assertLess(len(text.splitlines()), 200)

    def test_the_table_has_every_program(self):
        table = (HISTORY / "README.md").read_text(encoding="utf-8").rpartition("| rung |")[2]
        listed = set(re.findall(r"\]\((\d\d_\w+\.py)\)", table))
        self.assertEqual(listed, {path.name for path in HISTORY.glob("[0-9]*.py")})


if __name__ == "__main__":
    unittest.main(verbosity=2)
