"""Writes what was measured: into build/bench always, into docs/performance and the README when it is published."""

import dataclasses
import json
import os
import re

import chart
import report

BUILD_FOLDER = os.path.join("build", "bench")
DOCS_FOLDER = os.path.join("docs", "performance")
README = "README.md"
BEGIN, END = "<!-- bench table -->", "<!-- /bench table -->"


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    return {"processor": model[1] if model else "unknown", "cores": os.cpu_count(), "kernel": os.uname().release.partition("-")[0]}


def conditions(settings):
    here = settings["machine"]
    return (f"Measured on {here['cores']} cores of {here['processor']}, Linux {here['kernel']}: {settings['rounds']} "
            f"interleaved rounds of {settings['duration_ms'] / 1000:g} s each, server on one core and client on the "
            "other, everything on the loopback interface.")


def replace_section(text, content):
    """`text` with `content` between the markers; both must be there, once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise RuntimeError(f"{README} must have {BEGIN} once, and {END} once behind it")
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:before] + "\n" + content.strip("\n") + "\n" + text[after:]


def _write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def _json(value):
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _load(load):
    described = dataclasses.asdict(load)
    described["params_bytes"] = len(described.pop("params"))
    return described


def _verdict(verdict):
    target = verdict.target
    return {"case": target.case, "target": target.text, "wanted": verdict.wanted, "measured": verdict.value,
            "against": verdict.against, "status": verdict.status}


def write_all(folder, results, verdicts, settings, skipped):
    summary = {"settings": settings,
               "cases": {case.name: {"text": case.text, "judged_by": case.figure.key,
                                     "loads": {row: _load(load) for row, (_, load) in case.rows.items()
                                               if load and results.has(case.name, row)}}
                         for case in results.cases},
               "rows": [row for case in results.cases for row in results.rows(case)],
               "targets": [_verdict(verdict) for verdict in verdicts], "skipped": skipped}
    _write(folder, "results.json", _json(summary))
    _write(folder, "results.md", report.markdown_page(results, verdicts, conditions(settings), skipped))
    _write(folder, "results.svg", chart.svg(results))


def write_rounds(results):
    _write(BUILD_FOLDER, "rounds.json", _json(results.rounds))


def publish(results, verdicts, settings, skipped):
    write_all(DOCS_FOLDER, results, verdicts, settings, skipped)
    with open(README, encoding="utf-8") as file:
        text = file.read()
    _write(".", README, replace_section(text, report.readme_section(results, conditions(settings))))
