"""The life of a node process: ready line, admin server, logs, signals, what keeps it from starting."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from node_process import NodeFailure, NodeProcess  # noqa: E402
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
            entry = json.loads(node.log().splitlines()[0])
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
                self.assertIn("Address already in use", run.stderr)

    def test_a_node_that_refuses_its_options_prints_no_ready_line(self):
        with self.assertRaises(NodeFailure) as failure:
            NodeProcess("--limits-depth", "0")
        self.assertIn("flag --limits-depth: 0 is out of range", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
