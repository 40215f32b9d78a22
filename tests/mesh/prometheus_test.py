"""A real Prometheus scrapes real nodes: what it makes of their metrics is what an operator will see."""

import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from setup import MeshCase, eventually, main, own_host, relay, request

SERVED = "rpc_server_call_duration_seconds_count"
RULES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yml"


class Prometheus:
    """Debian's prometheus with a configuration and a data directory of its own."""

    def __init__(self, targets):
        self.directory = tempfile.TemporaryDirectory()
        home = pathlib.Path(self.directory.name)
        # JSON is YAML.
        (home / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "weft", "static_configs": [{"targets": targets}]}]}))
        with socket.socket() as probe:
            probe.bind((own_host(), 0))
            self.address = "%s:%d" % probe.getsockname()
        self.log = (home / "log").open("w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
             f"--web.listen-address={self.address}"], stdout=self.log, stderr=self.log)

    def api(self, path, **parameters):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=30):
                    return
            except (urllib.error.HTTPError, urllib.error.URLError, ConnectionError):
                continue
        self.log.seek(0)
        raise AssertionError(f"prometheus is not ready\n{self.log.read()}")

    def value(self, query):
        """The value of a query whose result is one series; None while there is none."""
        result = self.api("query", query=query)["result"]
        assert len(result) <= 1, f"{query} should have one result: {result}"
        return float(result[0]["value"][1]) if result else None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.log.close()
        self.directory.cleanup()


class Scraped(MeshCase):
    def setUp(self):
        self.mesh = self.start_mesh(["a", "b"], "--reactors", "2")

    def test_by_prometheus(self):
        calls = 7
        targets = {name: "%s:%d" % self.mesh[name].admin_address for name in "ab"}
        prometheus = Prometheus(list(targets.values()))
        self.addCleanup(prometheus.stop)
        wire = self.connect(self.mesh["a"])
        for id in range(calls):
            question = relay(id, "b", method="demo.sum", params={"values": [1, 2]})
            self.assert_ok(self.ask(wire, question), 3, id=id)
        self.assert_error(wire.call("no.such"), -32601)
        prometheus.wait_until_ready()
        for name, target in targets.items():
            eventually(lambda: prometheus.value(f'up{{instance="{target}"}}') == 1, f"node {name} is scraped")
        a, b = targets["a"], targets["b"]
        expected = {
            f'{SERVED}{{instance="{a}",rpc_method="demo.relay",rpc_system_name="jsonrpc"}}': calls,
            f'{SERVED}{{instance="{b}",rpc_method="demo.sum"}}': calls,
            f'{SERVED}{{instance="{a}",rpc_method="_OTHER",rpc_status_code!="OK",error_type!=""}}': 1,
            f'rpc_client_call_duration_seconds_count{{instance="{a}",rpc_method="demo.sum"}}': calls,
            f'weft_peers{{instance="{a}",state="up"}}': 1,
            f'count(weft_build_info{{instance="{a}"}})': 1,
        }
        for query, value in expected.items():
            eventually(lambda: prometheus.value(query) == value, f"{query} is {value}")
        buckets = f'rpc_server_call_duration_seconds_bucket{{instance="{a}"}}'
        self.assertTrue(0 < prometheus.value(f"histogram_quantile(0.5, sum by (le) ({buckets}))") < 10)
        self.assertGreater(prometheus.value(f'process_resident_memory_bytes{{instance="{a}"}}'), 1 << 20)
        for metric in "process_open_fds", "process_threads":
            self.assertGreater(prometheus.value(f'{metric}{{instance="{a}"}}'), 0)
        self.assert_rules_load(prometheus)
        # A node that is gone is seen to be gone.
        self.mesh["b"].kill()
        eventually(lambda: prometheus.value(f'up{{instance="{b}"}}') == 0, "node b is down")
        self.assertEqual(prometheus.value(f'up{{instance="{a}"}}'), 1)

    def assert_rules_load(self, prometheus):
        rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
        self.assertTrue(rules)
        for rule in rules:
            self.assertFalse(rule.get("lastError"), rule)

    def test_promtool_finds_nothing_wrong(self):
        node = self.mesh["a"]
        with self.connect(node) as wire:
            wire.send(request(1, "foo"), request(2, "no.such"), [request(3, "foo")], relay(4, "b"))
            for _ in range(4):
                wire.receive()
            wire.send_bytes(b"\xff\xff\xff\xff")
            wire.until_closed()
        status, page = node.admin("/metrics")
        self.assertEqual(status, 200)
        found = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True,
                               timeout=60)
        self.assertEqual((found.returncode, found.stdout + found.stderr), (0, ""))

    def test_what_callers_choose_never_becomes_a_label(self):
        wire = self.connect(self.mesh["a"])
        for id in range(50):
            wire.call(f"chosen.by.caller.{id}")
            wire.call("demo.relay", {"to": "b", "method": f"chosen.by.caller.{id}"})
            wire.call("demo.relay", {"to": f"chosen.by.caller.{id}", "method": "foo"})
            wire.call("connect", {"name": f"chosen.by.caller.{id}", "node": f"chosen.by.caller.{id}"})
        for name in "ab":
            self.assertNotIn("chosen.by.caller", self.mesh[name].admin("/metrics")[1])


if __name__ == "__main__":
    main()
