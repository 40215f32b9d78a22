#!/usr/bin/env python3
"""Checks what promtool cannot: that the rules use metrics, codes and states which the sources declare, that every
alert explains itself and is covered by a unit test. Usage: check_rules.py REPOSITORY"""

import pathlib
import re
import sys

METRIC = re.compile(r"(?<![\w:])(?:weft|rpc|process)_[a-z0-9_]+(?![\w:(])")
LABELS = {"rpc_method", "rpc_status_code"}
HISTOGRAM_SUFFIX = re.compile(r"_(?:bucket|count|sum)$")
ALERT_NAME = re.compile(r"Weft(?:[A-Z][a-z]+)+")


def declared_names(root: pathlib.Path) -> set[str]:
    """Every metric name that stands as a string in the sources of the node."""
    names: set[str] = set()
    for folder in ("actors", "node"):
        for path in (root / folder).rglob("*"):
            if path.suffix in (".cpp", ".hpp", ".inc"):
                names.update(re.findall(r'"((?:weft|rpc|process)_[a-z0-9_]+)"', path.read_text()))
    return names


def alerts(rules: str) -> dict[str, str]:
    """Name to body of each alert."""
    parts = re.split(r"^ +- (?:alert|record): (\S+)$", rules, flags=re.MULTILINE)
    bodies = dict(zip(parts[1::2], parts[2::2]))
    return {name: body for name, body in bodies.items() if ":" not in name}


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    rules = (root / "deploy/prometheus/rules.yml").read_text()
    tests = (root / "deploy/prometheus/rules_test.yml").read_text()
    complaints = []

    expressions = re.sub(r"^ *(?:#|summary:|description:|- record:).*$", "", rules, flags=re.MULTILINE)
    used = {HISTOGRAM_SUFFIX.sub("", name) for name in METRIC.findall(expressions)} - LABELS
    if not used:
        complaints.append("rules.yml uses no metric at all; has its layout changed?")
    for name in sorted(used - declared_names(root)):
        complaints.append(f"rules.yml uses the metric {name}, which no source under actors/ or node/ declares")

    codes = set(re.findall(r"^WEFT_ERROR\(\w+, (-?\d+),", (root / "proto/errors.inc").read_text(), re.MULTILINE))
    for code in re.findall(r'rpc_status_code=~?"([^"]+)"', expressions):
        for name in sorted(set(code.split("|")) - codes):
            complaints.append(f"rules.yml uses the status code {name}, which proto/errors.inc does not know")
    states = (root / "actors/registry/registry.cpp").read_text()
    for state in re.findall(r'(?<!\w)state!?="([^"]+)"', expressions):
        if f'return "{state}";' not in states:
            complaints.append(f"rules.yml uses the peer state {state}, which actors/registry/registry.cpp does not know")

    found = alerts(rules)
    if not found:
        complaints.append("rules.yml has no alert; has its layout changed?")
    for name, body in found.items():
        if not ALERT_NAME.fullmatch(name):
            complaints.append(f"alert {name}: the name must be CamelCase and begin with Weft")
        for annotation in ("summary:", "description:", "severity:"):
            if annotation not in body:
                complaints.append(f"alert {name} has no {annotation[:-1]}")
        if f"alertname: {name}\n        exp_alerts:\n" not in tests:
            complaints.append(f"alert {name} has no case in rules_test.yml in which it fires")

    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(used)} metrics, {len(found)} alerts, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
