"""What the program and the scripts say about themselves, for comparison with what the pages say."""

import os
import re
import subprocess
import sys

from checks import OPTION
from markdown import ROOT

SUBCOMMANDS = ("node", "call", "routes", "gen", "bench", "health", "dev-certs")
CONFORMANCE = ("run", "node")
MODULE = ("call", "serve")  # of python -m weft
SCRIPTS = ("deploy/run.sh", "tests/run.sh", "bench/run.sh", "bench/python/compare.py", "bench/node/compare.py")
TIMEOUT = 60


def _output(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout


def known_options():
    """The options of each of our commands, as its help lists them."""
    weft = os.environ["WEFT_BIN"]
    helps = {f"weft {name}": _output(weft, name, "--help") for name in SUBCOMMANDS}
    helps |= {script: _output(ROOT / script, "--help") for script in SCRIPTS}
    suite = ROOT / "clients/conformance"
    helps |= {f"conformance {name}": _output(sys.executable, "-B", "-m", "conformance", name, "--help", cwd=suite)
              for name in CONFORMANCE}
    helps |= {f"python -m weft {name}": _output("/usr/bin/python3", "-B", "-m", "weft", name, "--help",
                                                cwd=ROOT / "clients/python/src") for name in MODULE}
    return {command: {"--help", *OPTION.findall(text)} for command, text in helps.items()}


def known_metrics():
    """Their names, from the declarations that the program was built with."""
    reference = _output(os.environ["WEFT_BIN"], "node", "--print-reference")
    section = reference.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def error_codes():
    """Their numbers, names and reasons, from the rows that the program is built with."""
    rows = (ROOT / "proto/errors.inc").read_text()
    return re.findall(r'^WEFT_ERROR\(\w+, (-?\d+), "(\w+)", "(.+)"\)$', rows, re.MULTILINE)


def script_addresses():
    """Where the nodes of deploy/run.sh listen, when nothing else does."""
    text = (ROOT / "deploy/run.sh").read_text(encoding="utf-8")
    names = re.search(r"^names=\((.*)\)$", text, re.MULTILINE)[1].split()
    return {f"127.0.0.1:{int(first) + each}": "deploy/run.sh"
            for first in re.findall(r"\(free_ports (\d+)\)", text) for each in range(len(names))}


def other_names():
    """CMake's functions and targets, and Python modules: they begin as our metrics do."""
    names = {path.stem for path in ROOT.glob("examples/**/*.py")}
    for file in (ROOT / "CMakeLists.txt", ROOT / "tests/CMakeLists.txt"):
        text = file.read_text(encoding="utf-8")
        names |= set(re.findall(r"\bweft_\w+", text))
        names |= {f"weft_{layer}" for layer in re.findall(r"^weft_layer\((\w+)", text, re.MULTILINE)}
    return names
