"""The Grafana dashboard: asks only for metrics that a node has, in expressions that Prometheus understands."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deploy/grafana"
METRIC = re.compile(r"\b(?:weft|rpc|process)_[a-z_]+")
# Labels look like metrics.
LABELS = {"rpc_method", "rpc_status_code", "rpc_system_name"}
HISTOGRAM_PARTS = re.compile(r"_(?:bucket|count|sum)$")


def known_metrics():
    reference = subprocess.run([os.environ["WEFT_BIN"], "node", "--print-reference"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
    return {name for name in METRIC.findall(reference) if f"| `{name}` |" in reference}


class DashboardTest(unittest.TestCase):
    def setUp(self):
        self.dashboard = json.loads((GRAFANA / "dashboards/weft.json").read_text(encoding="utf-8"))
        self.panels = [panel for panel in self.dashboard["panels"] if panel["type"] != "row"]
        self.expressions = [(panel["title"], target["expr"]) for panel in self.panels for target in panel["targets"]]

    def test_every_metric_exists(self):
        known = known_metrics()
        self.assertIn("weft_peers", known)
        for title, expression in self.expressions:
            for name in set(METRIC.findall(expression)) - LABELS:
                known_name = name if name in known else HISTOGRAM_PARTS.sub("", name)
                self.assertIn(known_name, known, f"panel '{title}' asks for {name}")

    def test_every_expression_is_valid(self):
        rules = [{"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
                 for number, (_, expression) in enumerate(self.expressions)]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            checked = subprocess.run(["promtool", "check", "rules", file.name], text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertIn(f"{len(rules)} rules found", checked.stdout)

    def test_the_data_source_is_the_one_that_is_provisioned(self):
        provisioned = (GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
        for panel in self.panels:
            self.assertIn(f"uid: {panel['datasource']['uid']}\n", provisioned, panel["title"])

    def test_panels_do_not_overlap(self):
        taken = {}
        for panel in self.dashboard["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
                self.assertIsNone(taken.get(cell), f"'{panel['title']}' lies over '{taken.get(cell)}'")
                taken[cell] = panel["title"]

    def test_what_a_mesh_is_judged_by_is_shown(self):
        shown = " ".join(expression for _, expression in self.expressions)
        for name in ("rpc_server_call_duration_seconds_bucket", "rpc_client_call_duration_seconds_bucket",
                     "weft_calls_without_instance_total", "weft_retries_total", "weft_ejections_total",
                     "weft_reactor_busy_seconds_total", "weft_limit_hits_total"):
            self.assertIn(name, shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
