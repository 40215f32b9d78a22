"""What weft must reach, and whether it did."""

import dataclasses
from typing import Callable

from programs import PEERS, PROGRAMS, SERVERS_OF_TARGET_S3
from scenarios import ITEMS, LATENCY, MEMORY, RATE

P99 = "latency_p99_us"
BYTES = "bytes_per_second"
MET, MISSED, DISTURBED = "met", "missed", "no verdict: disturbed"


@dataclasses.dataclass(frozen=True)
class Target:
    case: str
    text: str
    # Takes the results; returns the value, and whom it compares with if that was found out. None: not measured.
    value: Callable
    at_least: bool
    bound: float
    unit: str = "x"


@dataclasses.dataclass(frozen=True)
class Verdict:
    target: Target
    value: float
    against: str
    status: str

    @property
    def measured(self):
        number = f"{self.value:.2f} x" if self.target.unit == "x" else f"{self.value:,.0f} {self.target.unit}"
        return number + (f" ({self.against})" if self.against else "")

    @property
    def wanted(self):
        sign = "≥" if self.target.at_least else "≤"
        unit = self.target.unit
        return f"{sign} {self.target.bound:.2f} x" if unit == "x" else f"{sign} {self.target.bound:,.0f} {unit}"

    def sentence(self):
        return f"{self.target.case}: {self.target.text}: {self.measured}, wanted {self.wanted}: {self.status}"


def to_row(case, row, key, base_case=None):
    """weft's figure relative to that of a row of the same or another case."""
    def value(results):
        above, below = (case, "weft"), (base_case or case, row)
        if not (results.has(*above) and results.has(*below)):
            return None
        return results.ratio(key, above, below), ""
    return value


def to_best(case, rows, key):
    """weft's rate relative to that of the best of the rows that were measured."""
    def value(results):
        present = [row for row in rows if results.has(case, row)]
        if not present or not results.has(case, "weft"):
            return None
        ratios = {row: results.ratio(key, (case, "weft"), (case, row)) for row in present}
        best = min(ratios, key=ratios.get)
        return ratios[best], PROGRAMS[best].title
    return value


def median_of(case, key):
    return lambda results: (results.median(case, "weft", key), "") if results.has(case, "weft") else None


def closed(case):
    def value(results):
        if not results.has(case, "weft"):
            return None
        return max(entry["closed_by_server"] for entry in results.rounds[case]["weft"]), ""
    return value


TARGETS = [
    Target("S1.same", "p50 relative to the limit", to_row("S1.same", "limit", LATENCY.key), False, 1.20),
    Target("S2", "rate relative to the limit", to_row("S2", "limit", RATE.key), True, 0.90),
    Target("S2", "rate relative to the best peer", to_best("S2", PEERS, RATE.key), True, 1.0),
    Target("S3", "rate relative to the limit", to_row("S3", "limit", RATE.key), True, 0.55),
    Target("S3", "rate relative to the best server among the peers",
           to_best("S3", SERVERS_OF_TARGET_S3, RATE.key), True, 3.0),
    Target("S3", "rate relative to HAProxy's TCP hop", to_row("S3", "haproxy", RATE.key), True, 1.0),
    Target("S4.strings", "rate relative to the limit", to_row("S4.strings", "limit", RATE.key), True, 0.50),
    Target("S4.objects", "rate relative to the limit", to_row("S4.objects", "limit", RATE.key), True, 0.50),
    Target("S4.objects", "rate relative to string params", to_row("S4.objects", "weft", RATE.key, "S4.strings"),
           True, 0.60),
    Target("S5", "p50 relative to the limit", to_row("S5", "limit", LATENCY.key), False, 1.25),
    Target("S5", "p99 relative to the limit", to_row("S5", "limit", P99), False, 1.50),
    Target("S6.plain", "resident bytes per connection", median_of("S6.plain", MEMORY.key), False, 2048, "bytes"),
    Target("S6.introduced", "resident bytes per connection", median_of("S6.introduced", MEMORY.key), False, 4096,
           "bytes"),
    Target("S6.plain", "idle connections that were closed", closed("S6.plain"), False, 0, "connections"),
    Target("S6.introduced", "idle connections that were closed", closed("S6.introduced"), False, 0, "connections"),
    *(Target(f"{scenario}.{load}", "rate relative to HAProxy's TCP hop",
             to_row(f"{scenario}.{load}", "haproxy", RATE.key), True, bound)
      for scenario in ("S7", "S8") for load, bound in (("64x1", 1.0), ("64x32", 0.40))),
    Target("S9", "rate per request relative to S3's", to_row("S9", "weft 64 x 32", RATE.key), True, 0.50),
    Target("S11.local", "items per second and core of the node", median_of("S11.local", "items_per_server_core"), True,
           2_500_000, "items/s"),
    Target("S11.local", "items/s relative to gRPC C++", to_row("S11.local", "grpc", ITEMS.key), True, 10.0),
    Target("S11.local", "items/s relative to NATS", to_row("S11.local", "nats", ITEMS.key), True, 3.0),
    Target("S11.forwarded", "bytes/s relative to HAProxy's TCP hop", to_row("S11.forwarded", "haproxy", BYTES), True,
           0.50),
]


def verdicts(results):
    """Of every target whose case was measured. Servers that share their core with others come out alike, however
    fast they are: there is no verdict on a disturbed case."""
    found = []
    for target in TARGETS:
        if (value := target.value(results)) is None:
            continue
        reached = value[0] >= target.bound if target.at_least else value[0] <= target.bound
        status = DISTURBED if results.disturbed(target.case) else MET if reached else MISSED
        found.append(Verdict(target, *value, status))
    return found
