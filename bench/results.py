"""The figures of all rounds, and what follows from them: medians, ratios with their spread."""

import statistics

from scenarios import CLIENT_SATURATED_PERCENT, ITEMS, MEMORY, OWN

LOAD_FIGURES = ("requests_per_second", "latency_p50_us", "latency_p99_us", "latency_p99_9_us", "server_cpu_percent",
                "server_us_per_request", "client_cpu_percent")
STREAM_FIGURES = (ITEMS.key, "bytes_per_second", "first_item_p50_us", "first_item_p99_us", "between_items_p99_us",
                  "server_cpu_percent", "items_per_server_core", "client_cpu_percent")


def mostly_disturbed(entries):
    """One disturbed round of three does not move a median far; two do."""
    return 2 * sum(entry["disturbed"] for entry in entries) > len(entries)


class Results:
    """`rounds[case name][row]` is a list of figures, one dictionary per round."""

    def __init__(self, cases, rounds):
        self.cases = [case for case in cases if case.name in rounds]
        self.rounds = rounds

    def has(self, case, *rows):
        return all(self.rounds.get(case, {}).get(row) for row in rows)

    def median(self, case, row, key):
        return statistics.median(entry[key] for entry in self.rounds[case][row])

    def ratios(self, key, numerator, denominator):
        """Round by round, since what slows the machine for a while slows both; each side is (case, row)."""
        pairs = zip(self._entries(numerator), self._entries(denominator))
        return [above[key] / below[key] for above, below in pairs]

    def ratio(self, key, numerator, denominator):
        return statistics.median(self.ratios(key, numerator, denominator))

    def _entries(self, side):
        case, row = side
        return self.rounds[case][row]

    def disturbed(self, case):
        return any(mostly_disturbed(entries) for entries in self.rounds[case].values())

    def rows(self, case):
        """One summary for each program of the case, in the order of the case."""
        return [self._row(case, row) for row in case.rows if self.has(case.name, row)]

    def _row(self, case, row):
        entries = self.rounds[case.name][row]
        summary = {"case": case.name, "row": row, "program": case.rows[row][0]}
        if case.figure is MEMORY:
            summary[MEMORY.key] = self.median(case.name, row, MEMORY.key)
            summary["connections"] = self.median(case.name, row, "connections")
            summary["closed_by_server"] = max(entry["closed_by_server"] for entry in entries)
        else:
            keys = STREAM_FIGURES if case.figure is ITEMS else LOAD_FIGURES
            summary.update({key: self.median(case.name, row, key) for key in keys})
            summary["client_saturated"] = (case.client_of(row) == OWN and
                                           summary["client_cpu_percent"] >= CLIENT_SATURATED_PERCENT)
        summary["disturbed"] = mostly_disturbed(entries)
        for base in ("limit", "weft"):
            summary[f"to_{base}"] = self._spread(case, row, base)
        return summary

    def _spread(self, case, row, base):
        # A megabyte that the system took back can make a small server's memory come out below nothing.
        if not self.has(case.name, base) or self.median(case.name, base, case.figure.key) <= 0:
            return None
        ratios = self.ratios(case.figure.key, (case.name, row), (case.name, base))
        return {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}

    def ahead_of_weft(self, case, key=None):
        """Rows of other programs that do better than weft, the limit aside."""
        key = key or case.figure.key
        found = []
        for row, (program, _) in case.rows.items():
            if row == "limit" or program.startswith("weft") or not self.has(case.name, row, "weft"):
                continue
            ratio = self.ratio(key, (case.name, row), (case.name, "weft"))
            if (ratio > 1) == case.figure.higher_is_better and ratio != 1:
                found.append(row)
        return found
