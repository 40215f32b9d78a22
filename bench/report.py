"""Medians of the rounds, as tables for people and as rows for programs, and the targets they are held to."""

import statistics

from scenarios import (CLIENT_SATURATED_PERCENT, DISTURBANCE_PERCENT, IDLE, TARGET_IDLE_BYTES, TARGETS,
                       describe)

LOAD_FIGURES = ["requests_per_second", "latency_p50_us", "latency_p99_us", "server_cpu_percent",
                "server_us_per_request", "client_cpu_percent"]


def median(rounds, figure):
    return statistics.median(entry[figure] for entry in rounds)


def load_rows(scenario, rounds):
    """`rounds` maps a server's name to its figures, round by round; the ratios are taken within a round."""
    limit = [entry["requests_per_second"] for entry in rounds["limit"]]
    rows = []
    for server, entries in rounds.items():
        ratios = [entry["requests_per_second"] / base for entry, base in zip(entries, limit)]
        row = {"scenario": scenario, "server": server}
        row.update({figure: median(entries, figure) for figure in LOAD_FIGURES})
        row["ratio_to_limit"] = row["requests_per_second"] / statistics.median(limit)
        row["ratio_lowest"], row["ratio_highest"] = min(ratios), max(ratios)
        row["disturbance_percent"] = max(entry["disturbance_percent"] for entry in entries)
        rows.append(row)
    return rows


def idle_rows(rounds):
    rows = []
    for server, entries in rounds.items():
        sizes = [entry["bytes_per_connection"] for entry in entries]
        closed = [entry["idle_connections_opened"] - entry["idle_connections_still_open"]
                  for entry in entries]
        rows.append({"scenario": IDLE, "server": server, "bytes_per_connection": statistics.median(sizes),
                     "lowest": min(sizes), "highest": max(sizes), "closed_by_server": max(closed)})
    return rows


def marks(row):
    text = ""
    if row["client_cpu_percent"] >= CLIENT_SATURATED_PERCENT:
        text += "  client had no CPU left"
    if row["disturbance_percent"] > DISTURBANCE_PERCENT:
        text += f"  disturbed ({row['disturbance_percent']:.0f} % of a core)"
    return text


def print_load_table(rows):
    print(f"{'server':<8}{'requests/s':>13}{'x limit':>9}{'spread':>12}{'p50 us':>10}{'p99 us':>10}"
          f"{'server CPU':>12}{'us/request':>12}{'client CPU':>12}")
    for row in rows:
        spread = f"{row['ratio_lowest']:.2f}-{row['ratio_highest']:.2f}"
        print(f"{row['server']:<8}{row['requests_per_second']:>13,.0f}{row['ratio_to_limit']:>9.2f}"
              f"{spread:>12}{row['latency_p50_us']:>10.1f}{row['latency_p99_us']:>10.1f}"
              f"{row['server_cpu_percent']:>10.0f} %{row['server_us_per_request']:>12.2f}"
              f"{row['client_cpu_percent']:>10.0f} %{marks(row)}")


def print_idle_table(rows):
    print(f"{'server':<8}{'bytes each':>12}{'spread':>14}{'closed':>8}")
    for row in rows:
        spread = f"{row['lowest']:.0f}-{row['highest']:.0f}"
        print(f"{row['server']:<8}{row['bytes_per_connection']:>12.0f}{spread:>14}"
              f"{row['closed_by_server']:>8}")


def print_table(scenario, rows):
    print(f"\n{scenario}: {describe(scenario)}")
    if scenario == IDLE:
        print_idle_table(rows)
    else:
        print_load_table(rows)


def missed_targets(rows):
    """One sentence for each target that weft missed, or whose figures say nothing."""
    missed = []
    for scenario in sorted({row["scenario"] for row in rows} & set(TARGETS)):
        worst = max(row["disturbance_percent"] for row in rows if row["scenario"] == scenario)
        if worst > DISTURBANCE_PERCENT:
            # Servers that share their core with others come out alike, however fast they are.
            missed.append(f"{scenario}: no verdict, other processes took {worst:.0f} % of a core; "
                          "measure on a quiet machine")
    for row in rows:
        scenario = row["scenario"]
        if row["server"] != "weft":
            continue
        if scenario != IDLE:
            if row["ratio_to_limit"] < TARGETS.get(scenario, 0):
                missed.append(f"{scenario}: {row['ratio_to_limit']:.2f} of the limit, "
                              f"at least {TARGETS[scenario]:.2f} wanted")
            continue
        if row["bytes_per_connection"] > TARGET_IDLE_BYTES:
            missed.append(f"{IDLE}: {row['bytes_per_connection']:.0f} bytes per idle connection, "
                          f"at most {TARGET_IDLE_BYTES} wanted")
        if row["closed_by_server"] > 0:
            missed.append(f"{IDLE}: {row['closed_by_server']} idle connections were closed, none wanted")
    return missed
