#!/usr/bin/env python3
"""Measures weft against the physical limit of the machine and against what one would use instead.

Every case runs each program in turn, round after round (A B C A B C …), server and client on a core each, and
compares medians of the rounds. A measurement during which other processes took CPU time is repeated; the server's
CPU time per request stays comparable even then.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys

import output
from measure import measure_idle, measure_undisturbed
from processes import SPARE_DESCRIPTORS, Server, raise_descriptor_limit
from programs import BUILD, EXTRA_PEERS, IDLE_CONNECTIONS, PEERS, PROGRAMS, is_peer
from report import plain_text
from results import Results
from scenarios import ITEMS, MEMORY, OWN, SAME, SCENARIOS, SHARED, cases, describe
from targets import MET, verdicts


def parse_arguments():
    scenarios = "".join(f"  {name:<4}{describe(name)}\n" for name in SCENARIOS)
    peers = "".join(f"  {name:<9}{PROGRAMS[name].title}\n" for name in (*PEERS, *EXTRA_PEERS))
    parser = argparse.ArgumentParser(
        prog="bench/run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"scenarios:\n{scenarios}\npeers ({', '.join(EXTRA_PEERS)} only when named):\n{peers}")
    parser.add_argument("--quick", action="store_true", help="0.5 s per measurement instead of 2 s")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, metavar="S…",
                        help="only this one (repeatable)")
    parser.add_argument("--peer", action="append", choices=[*PEERS, *EXTRA_PEERS, "none"], metavar="P…",
                        help="only this peer beside the limit and weft (repeatable); none for no peer")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per case, at least 3 (default 3)")
    parser.add_argument("--attempts", type=int, default=3,
                        help="how often a disturbed measurement is tried (default 3)")
    parser.add_argument("--check", action="store_true", help="fail when weft misses a target")
    parser.add_argument("--publish", action="store_true",
                        help="write docs/performance/ and the table of the README, too; takes a whole run")
    parser.add_argument("--no-build", action="store_true", help="measure the programs that are there")
    arguments = parser.parse_args()
    if arguments.rounds < 3:
        parser.error(f"--rounds {arguments.rounds} is too few for a median; use 3 or more")
    if arguments.attempts < 1:
        parser.error(f"--attempts {arguments.attempts} measures nothing; use 1 or more")
    if arguments.publish and (arguments.scenario or arguments.peer):
        parser.error("--publish shows all scenarios and peers; leave --scenario and --peer out")
    return arguments


def choose_cases(arguments):
    peers = [peer for peer in arguments.peer if peer != "none"] if arguments.peer else PEERS
    wanted = arguments.scenario or SCENARIOS
    return [case for case in cases(tuple(dict.fromkeys(peers))) if case.scenario in wanted]


def programs_of(chosen):
    return list(dict.fromkeys(program for case in chosen for program, _ in case.rows.values()))


def known_targets():
    # CMake's own list, the target `help`, leaves out what `all` builds.
    listed = subprocess.run(["ninja", "-C", BUILD, "-t", "targets", "all"], check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    return {line.split(":")[0].strip() for line in listed.splitlines()}


def build(programs):
    """Peers whose libraries are missing have no targets."""
    print("==> building release", file=sys.stderr)
    subprocess.run(["cmake", "--preset", "release"], check=True, stdout=sys.stderr)
    wanted = {target for program in programs for target in PROGRAMS[program].targets} | {"weft"}
    subprocess.run(["cmake", "--build", BUILD, "--target", *sorted(wanted & known_targets())], check=True,
                   stdout=sys.stderr)


def missing_from(program):
    """What a program needs and this machine lacks."""
    needed = [process.command[0] for process in PROGRAMS[program].processes]
    needed += [PROGRAMS[program].client] if PROGRAMS[program].client else []
    return [name for name in needed if not shutil.which(name)]


def choose_cores():
    """One for the server and one for the client, of those that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        sys.exit("bench: two cores are needed, one for the server and one for the client; this process may "
                 f"use only {len(usable)}")
    return str(usable[0]), str(usable[1])


class Bench:
    """Runs cases. A peer that fails twice in a case is left out of it and reported; weft and the limit may not."""

    def __init__(self, arguments, unavailable):
        self._rounds = arguments.rounds
        self.duration_ms, self.warmup_ms = (500, 200) if arguments.quick else (2_000, 500)
        self._attempts = arguments.attempts
        self._cores = choose_cores()
        self._unavailable = unavailable
        self.skipped = [f"{program}: {reason}" for program, reason in unavailable.items()]

    def run(self, case):
        print(f"==> {case.name}: {case.text}", file=sys.stderr)
        rows = [row for row, (program, _) in case.rows.items() if program not in self._unavailable]
        rounds = {row: [] for row in rows}
        for number in range(self._rounds):
            for row in list(rounds):
                figures = self._measure_twice_at_most(case, row)
                if figures is None:
                    del rounds[row]
                    continue
                rounds[row].append(figures)
                self._print(case, number, row, figures)
        return rounds

    def _measure_twice_at_most(self, case, row):
        """One failure of a long run is reported and tried again; nothing when a peer fails twice."""
        try:
            return self._measure(case, row)
        except RuntimeError as error:
            self._report(f"{case.name}, {row}: failed once, and was measured again: {error}")
        try:
            return self._measure(case, row)
        except RuntimeError as error:
            if not is_peer(case.rows[row][0]):
                raise
            self._report(f"{case.name}, {row}: failed again, and is left out: {error}")
            return None

    def _report(self, sentence):
        self.skipped.append(" ".join(sentence.split())[:500])
        print(f"    {sentence}", file=sys.stderr)

    def _measure(self, case, row):
        program, load = case.rows[row]
        server_core, client_core = self._cores
        where = case.client_of(row)
        cores = {OWN: server_core, SAME: server_core, SHARED: f"{server_core},{client_core}"}[where]
        client_core = server_core if where == SAME else client_core
        with Server(PROGRAMS[program], program, cores, output.BUILD_FOLDER) as server:
            if case.figure is MEMORY:
                return measure_idle(server, client_core, case.introduced)
            return measure_undisturbed(self._attempts, server, client_core, load,
                                       self.duration_ms * case.longer, self.warmup_ms)

    @staticmethod
    def _print(case, number, row, figures):
        if case.figure is MEMORY:
            text = f"{figures[MEMORY.key]:>9,.0f} bytes per connection"
        elif case.figure is ITEMS:
            text = (f"{figures[ITEMS.key]:>11,.0f} items/s  {figures['bytes_per_second'] / 1e6:>7,.1f} MB/s  first item p50 "
                    f"{figures['first_item_p50_us']:>9,.1f} µs")
        else:
            text = (f"{figures['requests_per_second']:>11,.0f}/s  p50 {figures['latency_p50_us']:>9,.1f} µs  "
                    f"p99 {figures['latency_p99_us']:>9,.1f} µs")
        print(f"  {case.name} round {number + 1} {row:<16}{text}", file=sys.stderr)


def main():
    arguments = parse_arguments()
    # As an exception, so that the servers are reaped on this way out, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    chosen = choose_cases(arguments)
    descriptors = IDLE_CONNECTIONS + SPARE_DESCRIPTORS
    if raise_descriptor_limit(65_536) < descriptors and any(case.figure is MEMORY for case in chosen):
        sys.exit(f"bench: idle connections need {descriptors} descriptors: raise the limit (ulimit -Hn "
                 f"{descriptors}) or choose other scenarios")
    os.makedirs(output.BUILD_FOLDER, exist_ok=True)
    programs = programs_of(chosen)
    if not arguments.no_build:
        build(programs)
    unavailable = {program: f"there is no {', '.join(missing)}"
                   for program in programs if (missing := missing_from(program))}
    if broken := [f"{program}: {unavailable[program]}" for program in unavailable
                  if not is_peer(program)]:
        sys.exit(f"bench: {'; '.join(broken)}; run without --no-build")
    bench = Bench(arguments, unavailable)
    results = Results(chosen, {case.name: bench.run(case) for case in chosen})
    settings = {"machine": output.machine(), "rounds": arguments.rounds, "duration_ms": bench.duration_ms,
                "warmup_ms": bench.warmup_ms}
    reached = verdicts(results)
    print(plain_text(results, reached))
    output.write_rounds(results)
    output.write_all(output.BUILD_FOLDER, results, reached, settings, bench.skipped)
    print(f"all figures: {output.BUILD_FOLDER}/")
    if arguments.publish:
        output.publish(results, reached, settings, bench.skipped)
        print(f"published: {output.DOCS_FOLDER}/ and {output.README}")
    return 1 if arguments.check and any(verdict.status != MET for verdict in reached) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
