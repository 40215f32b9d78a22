"""What one process in some language can do that calls and answers itself, through weft and others, in one run.

Every round runs each system in turn, in a process of its own; the median of the rounds is printed. That process has the
first core, node and nats-server the second one.
"""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time

START_TIMEOUT = 10


def on_core(core, *command):
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


def start_node(program):
    # Every variable WEFT_… is an option of it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    process = subprocess.Popen(on_core(1, program, "node", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    ready = re.match(r"ready node=\S+ listen=(\S+)", process.stdout.readline())
    if not ready:
        sys.exit(f"{program} did not start; build it with: cmake --build --preset release --target weft")
    return process, ready[1]


def start_nats():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(on_core(1, "nats-server", "--addr", "127.0.0.1", "--port", port),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, f"127.0.0.1:{port}"
        except ConnectionRefusedError:
            time.sleep(0.01)
    sys.exit("nats-server did not start")


STARTS = {"weft": lambda told: start_node(told.weft), "nats": lambda _: start_nats()}


def measure(worker, system, address, told):
    command = on_core(0, *worker, system, *([address] if address else []), "--seconds", told.seconds)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 10 * told.seconds, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def compare(worker, titles, told):
    """`worker` is the command that takes SYSTEM [ADDRESS]; `titles` the systems, and what the table calls them."""
    processes, addresses, rounds = [], {}, []
    try:
        for system in titles:
            if system in STARTS:
                process, addresses[system] = STARTS[system](told)
                processes.append(process)
        for number in range(told.rounds):
            rounds.append({system: measure(worker, system, addresses.get(system), told) for system in titles})
            print(f"round {number + 1} of {told.rounds}", file=sys.stderr)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    print("| | calls/s | per s of processor | items/s | per s of processor |\n|---|---:|---:|---:|---:|")
    for system, title in titles.items():
        figures = [statistics.median(each[system][what][per] for each in rounds)
                   for what in ("calls", "items") for per in ("a second", "a second of processor")]
        print(f"| {title} | {' | '.join(f'{round(figure):,}' for figure in figures)} |")


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--weft", default="build/release/weft")
    return parser
