"""The tables of programs and cases agree with each other, and programs are started, asked and ended."""

import json
import os
import pathlib
import re
import shutil
import struct
import socket
import tempfile
import unittest

from figures import ROOT, case_named

from measure import load_arguments
from processes import Server, busy_seconds, call_foo
from programs import EXTRA_PEERS, PEERS, PROGRAMS, PYTHON, Process, Program, is_peer
from scenarios import SCENARIOS, Load, cases, nested_params, reaches_disturbance, string_params


class Tables(unittest.TestCase):
    def test_every_row_has_a_program(self):
        for case in cases((*PEERS, *EXTRA_PEERS)):
            for row, (program, _) in case.rows.items():
                self.assertIn(program, PROGRAMS, f"{case.name} {row}")

    def test_scenarios_are_s1_to_s11(self):
        self.assertEqual(SCENARIOS, [f"S{number}" for number in range(1, 12)])

    def test_every_built_program_is_a_target_of_that_name(self):
        cmake = "".join((ROOT / "bench" / part / "part.cmake").read_text() for part in ("limit", "peers"))
        declared = {f"peer_{name}" for name in re.findall(r"^\s*peer\((\w+)", cmake, re.MULTILINE)}
        declared |= set(re.findall(r"add_custom_target\((\w+)", cmake)) | {"weft"}
        declared |= {f"limit_{name}" for name in re.search(r"foreach\(program ([\w ]+)\)", cmake)[1].split()}
        for name, program in PROGRAMS.items():
            self.assertLessEqual(set(program.targets), declared, name)
            commands = [process.command[0] for process in program.processes] + [program.client or "weft"]
            binaries = {os.path.basename(command) for command in commands if command.startswith("build")}
            self.assertLessEqual(binaries, set(program.targets), name)

    def test_params_are_four_kib_of_json(self):
        text, = json.loads(string_params())
        self.assertEqual(len(text), 4096)
        items = json.loads(nested_params())["items"]
        self.assertEqual(items[1]["stock"]["site"]["row"], 1)
        self.assertTrue(4096 <= len(nested_params()) < 4096 + 200)

    def test_a_peer_can_be_left_out_but_hops_keep_their_yardstick(self):
        chosen = {case.name: list(case.rows) for case in cases(("go",))}
        self.assertEqual(chosen["S2"], ["limit", "weft", "go"])
        self.assertEqual(chosen["S7.64x1"], ["limit", "weft", "haproxy"])
        self.assertEqual(chosen["S11.local"], ["limit", "weft"])
        self.assertEqual(chosen["S11.forwarded"], ["limit", "weft", "weft two nodes", "haproxy"])
        streams = {case.name: list(case.rows) for case in cases()}
        self.assertEqual(streams["S11.local"], ["limit", "weft", "grpc", "nats"])
        self.assertIn("nats", streams["S11.forwarded"])

    def test_arrangements_of_peers_are_peers(self):
        for program in ("go", "asio", "haproxy streams"):
            self.assertTrue(is_peer(program), program)
        for program in ("limit", "limit streams chain", "weft", "weft streams service"):
            self.assertFalse(is_peer(program), program)

    def test_where_the_client_runs(self):
        self.assertEqual(case_named("S1.same").client_of("weft"), "same")
        self.assertEqual(case_named("S2").client_of("weft"), "own")
        self.assertEqual(case_named("S10").client_of("weft 2 reactors"), "shared")

    def test_a_short_measurement_is_not_disturbed_by_the_clocks_grain(self):
        self.assertFalse(reaches_disturbance(0.03, 0.5))
        self.assertTrue(reaches_disturbance(0.05, 0.5))
        self.assertFalse(reaches_disturbance(0.11, 2))
        self.assertTrue(reaches_disturbance(0.13, 2))

    def test_load_arguments(self):
        self.assertEqual(load_arguments(Load(64, 32), 2000, 500),
                         ["--connections", "64", "--pipeline", "32", "--duration", "2000ms", "--warmup", "500ms"])
        more = load_arguments(Load(1, 2, batch=100, params="[]"), 1, 0)
        self.assertEqual(more[-4:], ["--batch", "100", "--params", "[]"])
        self.assertEqual(load_arguments(Load(1, 1, rate=5000), 1, 0)[-2:], ["--rate", "5000"])
        streams = load_arguments(Load(1, 1, params="{}", credit=7, method="m"), 1, 0)
        self.assertEqual(streams[-7:], ["--params", "{}", "--stream", "--method", "m", "--credit", "7"])


class Servers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        working = os.getcwd()
        os.chdir(ROOT)
        self.addCleanup(os.chdir, working)
        self.core = str(min(os.sched_getaffinity(0)))

    def server(self, program):
        return Server(program, "program", self.core, self.folder)

    def script(self, text):
        path = pathlib.Path(self.folder, "program.py")
        path.write_text(text)
        return Program("script", (Process((PYTHON, str(path))),))

    def assert_answers(self, program):
        """`call_foo` has had its answer when the block begins; other methods and frames in one packet, too."""
        with self.server(program) as server:
            host, port = server.address.split(":")
            requests = [{"jsonrpc": "2.0", "id": "a", "method": "nothing", "params": [1]},
                        {"jsonrpc": "2.0", "id": 7, "method": "foo", "params": {"text": "ü" * 5_000}}]
            payloads = [json.dumps(request, ensure_ascii=False).encode() for request in requests]
            with socket.create_connection((host, int(port)), timeout=20) as connection:
                connection.sendall(b"".join(struct.pack(">i", len(payload)) + payload for payload in payloads))
                with connection.makefile("rb") as stream:
                    refused, answered = (json.loads(stream.read(*struct.unpack(">i", stream.read(4))))
                                         for _ in requests)
            self.assertEqual((refused["id"], refused["error"]["code"]), ("a", -32601))
            self.assertEqual(answered, {"jsonrpc": "2.0", "id": 7, "result": "ok"})
            self.assertGreater(server.resident_bytes(), 1_000_000)
            self.assertGreater(server.cpu_seconds(), 0)
            address = server.address
        self.assertIn("failure", call_foo(address))

    def test_the_asyncio_peer(self):
        self.assert_answers(PROGRAMS["asyncio"])

    @unittest.skipUnless(shutil.which("node"), "there is no node")
    def test_the_node_peer(self):
        self.assert_answers(PROGRAMS["nodejs"])

    def test_connections_are_counted(self):
        with self.server(PROGRAMS["asyncio"]) as server:
            host, port = server.address.split(":")
            held = [socket.create_connection((host, int(port))) for _ in range(50)]
            while server.connections() < 50:
                self.assertIsNone(server.front.process.poll())
            for connection in held:
                connection.close()

    def test_a_program_that_does_not_start_shows_its_log(self):
        with self.assertRaisesRegex(RuntimeError, "no 'ready … listen=HOST:PORT' line.*no such luck"):
            with self.server(self.script("import sys; sys.exit('no such luck')")):
                self.fail("it did not start")

    def test_processes_before_one_that_fails_are_ended(self):
        failing = self.script("import sys; sys.exit(sys.argv[1])").processes[0]
        failing = Process((*failing.command, "{back}"))
        server = self.server(Program("both", (*PROGRAMS["asyncio"].processes, failing)))
        with self.assertRaisesRegex(RuntimeError, r"127\.0\.0\.1:\d+"):
            server.__enter__()
        self.assertIsNotNone(server._running[0].process.returncode)

    def test_an_inherited_socket_and_the_environment(self):
        program = self.script("import os, socket\n"
                              "listener = socket.socket(fileno=int(os.environ['LISTEN_FD']))\n"
                              "while True:\n"
                              "    connection, _ = listener.accept()\n"
                              "    connection.recv(100)\n"
                              "    payload = b'{\"result\":\"%s\"}' % os.environ['ANSWER'].encode()\n"
                              "    connection.sendall(len(payload).to_bytes(4, 'big') + payload)\n")
        inheriting = Process(program.processes[0].command, {"ANSWER": "ok"}, "socket")
        with self.server(Program("inherits", (inheriting,))) as server:
            self.assertEqual(call_foo(server.address), {"result": "ok"})

    def test_busy_time_grows(self):
        before = busy_seconds()
        while busy_seconds() == before:
            sum(range(100_000))
        self.assertGreater(busy_seconds(), before)


if __name__ == "__main__":
    unittest.main()
