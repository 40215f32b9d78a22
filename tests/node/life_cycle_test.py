"""The life of a node process: ready line, admin server, logs, signals, what keeps it from starting."""

import contextlib
import http.client
import json
import os
import pathlib
import platform
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from node_process import NodeFailure, NodeProcess, _environment  # noqa: E402
from wire import Wire, request  # noqa: E402


DESCRIPTORS = 160


def post(node, path, body=""):
    connection = http.client.HTTPConnection(*node.admin_address, timeout=30)
    connection.request("POST", path, body)
    response = connection.getresponse()
    return response.status, response.read().decode()


class Serving(unittest.TestCase):
    def test_ready_line_names_the_real_ports_and_admin_answers(self):
        with NodeProcess("--id", "alpha") as node:
            self.assertEqual(node.id, "alpha")
            self.assertNotEqual(node.address[1], 0)
            self.assertNotEqual(node.admin_address[1], 0)
            self.assertEqual(node.admin("/livez"), (200, "ok\n"))
            status, checks = node.admin("/readyz?verbose")
            self.assertEqual(status, 200)
            self.assertRegex(checks, r"^\[\+\]\w+")
            for page in ("/connections", "/peers", "/methods", "/config"):
                status, body = node.admin(page)
                self.assertEqual(status, 200, page)
                json.loads(body)
            self.assertEqual(json.loads(node.admin("/config")[1])["values"]["id"], "alpha")

    def test_a_generated_id_is_stable_in_the_process(self):
        with NodeProcess() as node, NodeProcess() as other:
            self.assertTrue(node.id)
            self.assertNotEqual(node.id, other.id)
            self.assertEqual(json.loads(node.admin("/config")[1])["values"]["id"], node.id)

    def test_metrics_satisfy_promtool_and_count_calls(self):
        with NodeProcess() as node:
            with Wire(node.address) as client:
                client.call("foo")
            metrics = node.admin("/metrics")[1]
            check = subprocess.run(["promtool", "check", "metrics"], input=metrics, text=True,
                                   capture_output=True)
            self.assertEqual((check.returncode, check.stdout, check.stderr), (0, "", ""))
            self.assertEqual(node.metric("rpc_server_call_duration_seconds_count", rpc_method="foo",
                                         rpc_status_code="OK"), 1)
            self.assertEqual(node.metric("weft_build_info"), 1)
            self.assertGreater(node.metric("process_open_fds"), 3)

    def test_log_lines_are_json_and_their_level_changes_at_run_time(self):
        with NodeProcess("--log-format", "json", "--log-level", "warn") as node:
            self.assertEqual(node.log(), "")
            status, body = post(node, "/log-level", "info")
            self.assertEqual((status, json.loads(body)), (200, {"level": "info", "previous": "warn"}))
            entry = json.loads(node.await_log("\n").splitlines()[0])
            self.assertEqual(entry.keys(), {"ts", "level", "logger", "msg"})
            self.assertEqual(post(node, "/log-level?level=loud")[0], 400)
            self.assertEqual(node.admin("/log-level")[1], '{\n  "level": "info"\n}\n')

    def test_admin_answers_when_connections_have_used_up_their_descriptors(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as clients:
            limited = pathlib.Path(folder, "weft")
            limited.write_text("#!/bin/sh\n"
                               f"exec prlimit --nofile={DESCRIPTORS} '{os.environ['WEFT_BIN']}' \"$@\"\n")
            limited.chmod(0o755)
            with NodeProcess("--limits-connections", "10000000", binary=str(limited)) as node:
                self.assertEqual(node.metric("process_max_fds"), DESCRIPTORS)
                # The kernel accepts connections for the node; those beyond its limit are closed or wait.
                for _ in range(DESCRIPTORS + 40):
                    clients.enter_context(socket.create_connection(node.address, timeout=30))
                self.assertEqual(node.admin("/livez"), (200, "ok\n"))
                self._wait_until_full(node)
                self.assertEqual(node.admin("/livez"), (200, "ok\n"))

    def _wait_until_full(self, node):
        deadline = time.monotonic() + 30
        while node.metric("weft_limit_hits_total", limit="connections") + node.metric(
                "weft_limit_hits_total", limit="descriptors") == 0:
            self.assertLess(time.monotonic(), deadline, "the node never hit its limit")


class Ending(unittest.TestCase):
    def test_sigterm_and_sigint_end_it_gracefully(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            node = NodeProcess()
            node.process.send_signal(number)
            began = time.monotonic()
            node.wait(expected=0)
            self.assertLess(time.monotonic() - began, 5)

    def test_a_draining_node_finishes_its_calls_and_is_not_ready(self):
        with NodeProcess() as node:
            with Wire(node.address) as client:
                client.send(request(1, "demo.callback", {"method": "ask", "params": []}))
                question = client.receive()
                node.terminate()
                status, body = self._readiness_after_signal(node)
                self.assertEqual(status, 503)
                self.assertIn("[-]", body)
                self.assertEqual(node.admin("/livez")[0], 200)
                client.send({"jsonrpc": "2.0", "id": question["id"], "result": "done"})
                self.assertEqual(client.receive()["result"], "done")
            node.wait(expected=0)

    def test_calls_of_those_that_connected_just_before_are_answered(self):
        with NodeProcess() as node, contextlib.ExitStack() as all_of_them:
            node.stop_running()
            clients = [all_of_them.enter_context(Wire(node.address)) for _ in range(300)]
            for client in clients:
                client.send(request(1, "demo.sleep", {"ms": 50}))
            node.terminate()
            node.process.send_signal(signal.SIGCONT)
            for client in clients:
                self.assertEqual(client.receive()["result"], "ok")
            node.wait(expected=0)

    def test_a_second_signal_ends_it_at_once(self):
        for first, second in ((signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)):
            node = NodeProcess("--drain-timeout", "1h")
            with Wire(node.address) as client:
                client.send(request(1, "demo.sleep", {"ms": 600000}))
                self._wait_for_calls(node)
                node.process.send_signal(first)
                self._readiness_after_signal(node)
                node.process.send_signal(second)
                node.wait(expected=128 + second)

    def _wait_for_calls(self, node):
        deadline = time.monotonic() + 30
        while node.metric("weft_calls_in_flight", direction="inbound") < 1:
            self.assertLess(time.monotonic(), deadline, "the call never began")

    def _readiness_after_signal(self, node):
        deadline = time.monotonic() + 30
        while (ready := node.admin("/readyz"))[0] == 200:
            self.assertLess(time.monotonic(), deadline, "it stayed ready")
        return ready


class Signals(unittest.TestCase):
    def test_those_that_ask_for_nothing_drop_no_call(self):
        numbers = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGALRM,
                   signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR, signal.SIGXFSZ, signal.SIGTTIN,
                   signal.SIGTTOU, signal.SIGWINCH, signal.SIGURG, signal.SIGCHLD, signal.SIGRTMIN,
                   signal.SIGRTMAX]
        with NodeProcess() as node, Wire(node.address) as client:
            client.send(request(1, "demo.callback", {"method": "ask", "params": []}))
            question = client.receive()
            for number in numbers:
                node.process.send_signal(number)
            node.await_log("SIGHUP: there are no files")
            client.send({"jsonrpc": "2.0", "id": question["id"], "result": "done"})
            self.assertEqual(client.receive()["result"], "done")

    def test_the_limit_on_processor_time_drains(self):
        node = NodeProcess()
        node.process.send_signal(signal.SIGXCPU)
        node.wait(expected=0)

    def test_a_signal_of_the_first_moment_drains(self):
        # As process 1 where that is allowed: there a signal without a handler is not even delivered.
        for prefix in ([], ["unshare", "--pid", "--fork", "--kill-child"]):
            if prefix and subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
                continue
            for _ in range(5):
                with tempfile.TemporaryFile() as log:
                    process = subprocess.Popen(
                        [*prefix, os.environ["WEFT_BIN"], "node", "--listen", "127.0.0.1:0", "--admin",
                         "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=log, env=_environment())
                    try:
                        pid = self._prepared(process.pid, bool(prefix))
                        os.kill(pid, signal.SIGTERM)
                        self.assertEqual(process.wait(30), 0)
                    finally:
                        process.kill()
                        process.wait()
                        process.stdout.close()

    def test_a_signal_while_the_loader_works_drains_process_1(self):
        prefix = self._as_process_1()
        for milliseconds in 4 * list(range(13)):
            with tempfile.TemporaryFile() as log:
                process = subprocess.Popen(
                    [*prefix, os.environ["WEFT_BIN"], "node", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                    stdout=subprocess.DEVNULL, stderr=log, env=_environment())
                try:
                    node = self._begun(process.pid)
                    # What is tested: some moment between the first instruction and the last of the start.
                    time.sleep(milliseconds / 1000)
                    os.kill(node, signal.SIGTERM)
                    self.assertEqual(process.wait(30), 0, f"{milliseconds} ms: {os.pread(log.fileno(), 1 << 16, 0)}")
                finally:
                    process.kill()
                    process.wait()

    def _as_process_1(self):
        for prefix in (["unshare"], ["unshare", "--user", "--map-root-user"]):
            prefix = [*prefix, "--pid", "--fork", "--kill-child"]
            tried = subprocess.run([*prefix, "true"], capture_output=True, text=True)
            if tried.returncode == 0:
                return prefix
        self.skipTest(f"this machine allows no namespace of processes: {tried.stderr.strip()}")

    def _begun(self, pid):
        """The pid of the only child of this process, as soon as it is the program under test."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, IndexError):
                child = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
                if pathlib.Path(f"/proc/{child}/cmdline").read_text().startswith(os.environ["WEFT_BIN"] + "\0"):
                    return int(child)
        self.fail("the program was never started")

    def test_other_subcommands_end_by_them_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with socket.create_server(("127.0.0.1", 0)) as silent:
                silent.settimeout(30)
                process = subprocess.Popen([os.environ["WEFT_BIN"], "health", "127.0.0.1:%d" % silent.getsockname()[1],
                                            "--timeout", "1h"], env=_environment())
                with silent.accept()[0]:
                    process.send_signal(number)
                    self.assertEqual(process.wait(30), -number)

    @unittest.skipUnless(platform.machine() == "x86_64", "elsewhere the program is in one part")
    def test_a_program_without_its_second_part_says_what_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            alone = pathlib.Path(folder, "bin/weft")
            alone.parent.mkdir()
            shutil.copy(os.environ["WEFT_BIN"], alone)
            ended = subprocess.run([alone, "node"], capture_output=True, text=True, env=_environment(), timeout=30)
            missing = pathlib.Path(folder).resolve() / "libexec/weft/weft-node"
            self.assertEqual((ended.returncode, ended.stdout), (127, ""))
            self.assertEqual(ended.stderr.count("\n"), 1)
            self.assertTrue(ended.stderr.startswith(f"weft: cannot run {missing}: no such file (errno 2); "), ended.stderr)

    def _prepared(self, pid, of_a_child):
        """The pid of the node as soon as it ignores SIGUSR2: right behind blocking SIGTERM, before all else."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, IndexError):
                node = pid
                if of_a_child:
                    node = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
                status = pathlib.Path(f"/proc/{node}/status").read_text()
                if int(re.search(r"SigIgn:\s+(\w+)", status)[1], 16) >> (signal.SIGUSR2 - 1) & 1:
                    return node
        self.fail("the node never prepared its signals")


class Logging(unittest.TestCase):
    def start(self, *options, stdout=None, stderr):
        command = [os.environ["WEFT_BIN"], "node", "--demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                   *options]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or subprocess.PIPE,
                                stderr=stderr, env=_environment())

    def addresses(self, process):
        ready = process.stdout.readline().decode()
        found = re.match(r"ready node=\S+ listen=127.0.0.1:(\d+) admin=127.0.0.1:(\d+)\n", ready)
        return ("127.0.0.1", int(found[1])), ("127.0.0.1", int(found[2]))

    def lost(self, admin, reason):
        with urllib.request.urlopen("http://%s:%d/metrics" % admin, timeout=30) as response:
            page = response.read().decode()
        return float(re.search(r'weft_log_lines_dropped_total\{reason="%s"\} (\S+)' % reason, page)[1])

    def provoke(self, listen, admin, reason):
        """Failed calls until lines are lost; each is answered whatever becomes of its line."""
        with Wire(listen) as client:
            deadline = time.monotonic() + 60
            while self.lost(admin, reason) == 0:
                self.assertLess(time.monotonic(), deadline, "no line was lost")
                for number in range(200):
                    client.send(request(number, "demo.fail", {"code": 1, "message": "x"}))
                for _ in range(200):
                    client.receive()

    def test_a_pipe_that_nobody_empties_holds_up_neither_calls_nor_the_end(self):
        reader, writer = os.pipe()
        process = self.start("--log-calls", "all", "--log-calls-per-second", "0", "--log-queue-bytes", "4KiB",
                             stderr=writer)
        os.close(writer)
        try:
            listen, admin = self.addresses(process)
            self.provoke(listen, admin, "queue_full")
            process.terminate()
            self.assertEqual(process.wait(30), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            os.close(reader)

    def test_what_was_lost_is_told_once_there_is_room(self):
        reader, writer = os.pipe()
        process = self.start("--log-calls", "all", "--log-calls-per-second", "0", "--log-queue-bytes", "4KiB",
                             stderr=writer)
        os.close(writer)
        try:
            listen, admin = self.addresses(process)
            self.provoke(listen, admin, "queue_full")
            text = b""
            deadline = time.monotonic() + 60
            with Wire(listen) as client:
                while not re.search(rb"\d+ lines of the log were dropped", text):
                    self.assertLess(time.monotonic(), deadline, "the loss was not told")
                    client.send(request(1, "demo.fail", {"code": 1, "message": "x"}))
                    client.receive()
                    if select.select([reader], [], [], 0.1)[0]:
                        text += os.read(reader, 1 << 20)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            os.close(reader)

    def test_a_full_disk_is_counted_and_does_no_harm(self):
        with open("/dev/full", "wb") as full:
            process = self.start("--log-calls", "all", stderr=full)
        try:
            listen, admin = self.addresses(process)
            self.provoke(listen, admin, "write_failed")
            process.terminate()
            self.assertEqual(process.wait(30), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_a_standard_output_that_is_full_does_not_keep_the_node_from_serving(self):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.set_blocking(writer, True)
        with tempfile.TemporaryFile() as log:
            process = self.start("--log-format", "text", stdout=writer, stderr=log)
            os.close(writer)
            try:
                deadline = time.monotonic() + 30
                while not (found := re.search(rb"serves on 127.0.0.1:(\d+)", os.pread(log.fileno(), 1 << 20, 0))):
                    self.assertLess(time.monotonic(), deadline)
                with Wire(("127.0.0.1", int(found[1]))) as client:
                    client.call("foo")
                process.terminate()
                self.assertEqual(process.wait(30), 0)
            finally:
                process.kill()
                process.wait()
                os.close(reader)


class Limits(unittest.TestCase):
    def test_a_blocking_handler_is_left_behind_when_the_drain_is_over(self):
        with NodeProcess("--drain-timeout", "500ms") as node:
            with Wire(node.address) as client:
                client.send(request(1, "demo.blocking", {"ms": 60000}))
                deadline = time.monotonic() + 30
                while node.metric("weft_calls_in_flight", direction="inbound") < 1:
                    self.assertLess(time.monotonic(), deadline, "the call never began")
                began = time.monotonic()
                node.terminate()
                node.wait(expected=0)
                self.assertLess(time.monotonic() - began, 10)
                self.assertIn("left behind", node.log())

    @unittest.skipIf(os.environ.get("WEFT_SANITIZE"), "a sanitizer's allocator keeps what is freed")
    def test_memory_comes_back_after_bursts(self):
        with NodeProcess() as node:
            with Wire(node.address) as client:
                client.call("foo")
            before = node.resident_bytes()
            small, large = ["y" * 100] * 200, ["y" * 900_000]
            peak = 0
            for _ in range(3):
                with contextlib.ExitStack() as all_of_them:
                    clients = [all_of_them.enter_context(Wire(node.address)) for _ in range(80)]
                    for number, client in enumerate(clients):
                        client.send(request(1, "demo.echo", large if number % 2 else small))
                    peak = max(peak, node.resident_bytes())
                    for client in clients:
                        client.receive()
            self.assertGreater(peak, 2 * before, "the burst was too small to show anything")
            deadline = time.monotonic() + 30
            while (now := node.resident_bytes()) > 2 * before:
                self.assertLess(time.monotonic(), deadline, f"{now} bytes are kept, {before} at the start")
                time.sleep(0.1)


class NotStarting(unittest.TestCase):
    def run_node(self, *options):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        return subprocess.run([os.environ["WEFT_BIN"], "node", *options], env=environment, text=True,
                              capture_output=True, timeout=60)

    def test_an_address_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for options in (("--listen", "127.0.0.1:0", "--admin", address),
                            ("--listen", address, "--admin", "127.0.0.1:0")):
                run = self.run_node(*options)
                self.assertEqual((run.returncode, run.stdout), (1, ""), run)
                self.assertIn(address, run.stderr)
                self.assertRegex(run.stderr, "Address already in use; end what listens there.* another port, or port 0")
        with self.subTest("an address of another machine"):
            run = self.run_node("--listen", "192.0.2.1:0", "--admin", "127.0.0.1:0")
            self.assertEqual((run.returncode, run.stdout), (1, ""), run)
            self.assertRegex(run.stderr, r"192\.0\.2\.1:0: Cannot assign requested address; take an address of this machine")

    def test_a_node_that_refuses_its_options_prints_no_ready_line(self):
        with self.assertRaises(NodeFailure) as failure:
            NodeProcess("--limits-depth", "0")
        self.assertIn("flag --limits-depth: 0 is out of range", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
