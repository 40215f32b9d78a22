"""Rounds of made-up figures, for whatever computes something from them."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from results import Results  # noqa: E402
from scenarios import ITEMS, LATENCY, MEMORY, cases  # noqa: E402


def load(rate=1_000.0, p50=100.0, p99=None, client_cpu=50.0, disturbed=False):
    return {"requests_per_second": rate, "latency_p50_us": p50, "latency_p99_us": p99 or 2 * p50,
            "latency_p99_9_us": 10 * p50, "server_cpu_percent": 80.0, "server_us_per_request": 5.0,
            "client_cpu_percent": client_cpu, "disturbed": disturbed}


def memory(each, closed=0, connections=10_000):
    return {"bytes_per_connection": each, "closed_by_server": closed, "connections": connections,
            "disturbed": False}


def stream(items=1_000.0, bytes_each=100, client_cpu=50.0, per_core=None, disturbed=False):
    return {"items_per_second": items, "bytes_per_second": items * bytes_each, "first_item_p50_us": 10.0,
            "first_item_p99_us": 20.0, "between_items_p99_us": 30.0, "server_cpu_percent": 80.0,
            "items_per_server_core": per_core or items / 0.8, "client_cpu_percent": client_cpu, "disturbed": disturbed}


def items(*values, **others):
    return [stream(items=value, **others) for value in values]


def rates(*values, **others):
    return [load(rate=value, **others) for value in values]


def latencies(*values, **others):
    return [load(p50=value, **others) for value in values]


def results(**rounds):
    """Keyword `S1_same` stands for the case S1.same."""
    return Results(cases(), {name.replace("_", ".", 1): rows for name, rows in rounds.items()})


def case_named(name):
    return next(case for case in cases() if case.name == name)


def whole_run(weft=0.8, peer=0.3):
    """Every case with every program: rates of weft and of the peers as parts of the limit's, latencies and memory
    as their inverse."""
    rounds = {}
    for case in cases():
        rounds[case.name] = {}
        for row, (program, _) in case.rows.items():
            part = 1.0 if row == "limit" else weft if program.startswith("weft") else peer
            if case.figure is MEMORY:
                entries = [memory(1_000 / part)] * 3
            elif case.figure is LATENCY:
                entries = latencies(*[20 / part] * 3)
            elif case.figure is ITEMS:
                entries = items(*[4_000_000 * part] * 3)
            else:
                entries = rates(*[1_000_000 * part] * 3)
            rounds[case.name][row] = entries
    return Results(cases(), rounds)
