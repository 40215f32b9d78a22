"""The suite as a program, for the tests of it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = ROOT / "clients/conformance"
SERVE = f"{sys.executable} -m conformance serve {{address}}"
# So many short processes of it are started that they should not all compile it.
CACHE = tempfile.TemporaryDirectory()
sys.path.insert(0, str(SUITE))


def _environment():
    # Every WEFT_… variable is a setting of the node: those of the test runner are none.
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("WEFT_") and name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": CACHE.name}


def conformance(*arguments, timeout=240):
    """Runs it: exit code, standard output, standard error."""
    done = subprocess.run([sys.executable, "-m", "conformance", *arguments], cwd=SUITE, env=_environment(),
                          capture_output=True, text=True, timeout=timeout, check=False)
    return done.returncode, done.stdout, done.stderr


def walked(*arguments):
    """What a walk came to, by the name of the edge: (state, why)."""
    status, output, problems = conformance(*arguments, "--json")
    assert status in (0, 1), f"{status}: {problems}"
    assert not problems, problems
    report = json.loads(output)
    assert (status == 1) == (report["failed"] > 0), f"exit code {status}, but {report['failed']} failed"
    return {each["name"]: (each["state"], each.get("why", "")) for each in report["edges"]}
