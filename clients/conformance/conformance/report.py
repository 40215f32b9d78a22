"""What a walk came to, for people and for programs."""

import json

from .runner import FAILED, PASSED, SKIPPED
from .wire import HEADER, short

_SIGN = {PASSED: "passed", FAILED: "FAILED", SKIPPED: "skipped"}


def line(outcome):
    """A row of the table, with what was expected and came below it."""
    rows = [f"{_SIGN[outcome.state]:8} {outcome.edge.name:40} {outcome.edge.says}"]
    rows += [f"{'':8} {text}" for text in outcome.why.splitlines() if outcome.state != PASSED]
    return "\n".join(rows)


def frames(outcome):
    return "\n".join(f"{'':8} {way} {readable(data)}" for way, data in outcome.frames)


def readable(data):
    """A frame without its length, if that is what it is."""
    if len(data) > 4 and HEADER.unpack_from(data)[0] == len(data) - 4:
        data = data[4:]
    return short("".join(each if each.isprintable() else repr(each)[1:-1] for each in data.decode(errors="backslashreplace")))


def count(outcomes):
    return {state: sum(outcome.state == state for outcome in outcomes) for state in (PASSED, FAILED, SKIPPED)}


def summary(outcomes, level):
    return f"{level}: " + ", ".join(f"{number} {state}" for state, number in count(outcomes).items())


def as_json(outcomes, level):
    edges = [{"name": each.edge.name, "state": each.state, "says": each.edge.says, "level": each.edge.level, "seconds": each.seconds,
              **({"why": each.why} if each.why else {})} for each in outcomes]
    return json.dumps({"level": level, **count(outcomes), "edges": edges}, ensure_ascii=False, indent=1)
