#!/usr/bin/env python3
"""Calls and streamed items a second of one Python process: weft's package, grpc.aio, NATS over asyncio, in one run.

    compare.py [--rounds 3] [--seconds 2] [--uvloop] [--weft build/release/weft]

Every round runs each of them in turn, in a process of its own (worker.py); the median of the rounds is printed.
The Python process has the first core, node and nats-server the second one. deploy/setup.sh bench installs what it
needs.
"""

import argparse
import json
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
START_TIMEOUT = 10
TITLES = {"weft": "weft, through a node", "nats": "NATS over asyncio, through nats-server", "grpc": "grpc.aio, direct"}


def on_core(core, *command):
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


def start_node(program):
    process = subprocess.Popen(on_core(1, program, "node", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
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


def measure(system, address, told):
    command = on_core(0, PYTHON, "-B", HERE / "worker.py", system, *([address] if address else []), "--seconds",
                      told.seconds, *(["--uvloop"] if told.uvloop else []))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 10 * told.seconds, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def main(told):
    processes = []
    try:
        addresses = {"grpc": None}
        for system, start in ("weft", lambda: start_node(told.weft)), ("nats", start_nats):
            process, addresses[system] = start()
            processes.append(process)
        rounds = []
        for number in range(told.rounds):
            rounds.append({system: measure(system, addresses[system], told) for system in TITLES})
            print(f"round {number + 1} of {told.rounds}", file=sys.stderr)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    print("| | calls/s | per s of processor | items/s | per s of processor |\n|---|---:|---:|---:|---:|")
    for system, title in TITLES.items():
        figures = [statistics.median(each[system][what][per] for each in rounds)
                   for what in ("calls", "items") for per in ("a second", "a second of processor")]
        print(f"| {title} | {' | '.join(f'{round(figure):,}' for figure in figures)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--uvloop", action="store_true", help="instead of asyncio's own loop")
    parser.add_argument("--weft", default="build/release/weft")
    main(parser.parse_args())
