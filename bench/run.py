#!/usr/bin/env python3
"""Measures weft against the physical limit of the machine.

Every scenario runs each server in turn, round after round (A B C A B C …), server and client on a core each,
and compares medians of the rounds. A round in which other processes took CPU time is repeated; the server's
CPU time per request stays comparable even then.
"""

import argparse
import json
import os
import signal
import subprocess
import sys

from measure import measure_idle, measure_undisturbed
from processes import Server, raise_descriptor_limit
from report import idle_rows, load_rows, missed_targets, print_table
from scenarios import (BUILD, BUILD_TARGETS, IDLE, IDLE_CONNECTIONS, LOADS, RESULTS, SCENARIOS, SERVERS,
                       TARGETS, TARGET_IDLE_BYTES, describe)


def parse_arguments():
    scenarios = "".join(f"  {name}  {describe(name)}\n" for name in SCENARIOS)
    targets = ", ".join(f"{name} {ratio:.2f} of the limit" for name, ratio in TARGETS.items())
    parser = argparse.ArgumentParser(
        prog="bench/run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"scenarios:\n{scenarios}targets: {targets}, {IDLE} {TARGET_IDLE_BYTES} bytes each")
    parser.add_argument("--quick", action="store_true", help="1 s per measurement instead of 4 s")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one (repeatable)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per scenario, at least 3 (default 3)")
    parser.add_argument("--check", action="store_true", help="fail when weft misses its targets")
    parser.add_argument("--no-build", action="store_true", help="measure the programs that are there")
    arguments = parser.parse_args()
    if arguments.rounds < 3:
        parser.error(f"--rounds {arguments.rounds} is too few for a median; use 3 or more")
    return arguments


def build():
    print("==> building release", file=sys.stderr)
    subprocess.run(["cmake", "--preset", "release"], check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", BUILD, "--target", *BUILD_TARGETS], check=True, stdout=sys.stderr)


def choose_cores():
    """One for the server and one for the client, of those that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        sys.exit("bench: two cores are needed, one for the server and one for the client; this process may "
                 f"use only {len(usable)}")
    return usable[0], usable[1]


def run_load(scenario, number, name, server, core, quick):
    connections, pipeline, _ = LOADS[scenario]
    figures = measure_undisturbed(server, core, connections, pipeline, 1 if quick else 4)
    print(f"  {scenario} round {number + 1} {name:<6}{figures['requests_per_second']:>12,.0f}/s  "
          f"p50 {figures['latency_p50_us']:>8.1f} us  p99 {figures['latency_p99_us']:>8.1f} us",
          file=sys.stderr)
    return figures


def run_idle(number, name, server, core):
    # A source address for each: ports of the one before may still linger.
    source = f"127.0.0.{2 + number * len(SERVERS) + list(SERVERS).index(name)}"
    figures = measure_idle(server, core, source)
    print(f"  {IDLE} round {number + 1} {name:<6}{figures['bytes_per_connection']:>8.0f} bytes per "
          f"connection, {figures['idle_connections_still_open']} still open", file=sys.stderr)
    return figures


def run_scenario(scenario, arguments, server_core, client_core):
    print(f"==> {scenario}: {describe(scenario)}", file=sys.stderr)
    rounds = {name: [] for name in SERVERS}
    for number in range(arguments.rounds):
        for name, command in SERVERS.items():
            with Server(name, command, server_core, RESULTS) as server:
                if scenario == IDLE:
                    figures = run_idle(number, name, server, client_core)
                else:
                    figures = run_load(scenario, number, name, server, client_core, arguments.quick)
            rounds[name].append(figures)
    return rounds


def write_results(rows, rounds):
    path = os.path.join(RESULTS, "results.json")
    with open(path, "w") as file:
        json.dump({"medians": rows, "rounds": rounds}, file, indent=1)
        file.write("\n")
    print(f"\nall figures: {path}")


def main():
    arguments = parse_arguments()
    # As an exception, so that the servers are reaped on this way out, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    scenarios = arguments.scenario or SCENARIOS
    descriptors = IDLE_CONNECTIONS + 1_000
    if raise_descriptor_limit(65_536) < descriptors and IDLE in scenarios:
        sys.exit(f"bench: {IDLE} needs {descriptors} descriptors: raise the limit (ulimit -Hn {descriptors}) "
                 "or choose other scenarios")
    os.makedirs(RESULTS, exist_ok=True)
    if not arguments.no_build:
        build()
    cores = choose_cores()
    rounds = {scenario: run_scenario(scenario, arguments, *cores) for scenario in scenarios}
    rows = []
    for scenario in rounds:
        added = idle_rows(rounds[scenario]) if scenario == IDLE else load_rows(scenario, rounds[scenario])
        print_table(scenario, added)
        rows += added
    write_results(rows, rounds)
    missed = missed_targets(rows)
    for line in missed:
        print(f"target missed: {line}", file=sys.stderr)
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
