"""One measurement of one server: a load, or the memory of idle connections."""

import itertools
import json
import os
import subprocess
import sys
import time

from processes import READY_TIMEOUT_S, busy_seconds, idle_connections
from programs import built
from scenarios import reaches_disturbance

# A source address for each crowd of idle connections: ports of the one before may still linger.
_sources = (f"127.0.{1 + number // 250}.{1 + number % 250}" for number in itertools.count())


def client_command(server, core, *arguments):
    client = [server.program.client] if server.program.client else [built("weft"), "bench"]
    return ["taskset", "-c", core, *client, server.address, "--json", *arguments]


def load_arguments(load, duration_ms, warmup_ms):
    arguments = ["--connections", str(load.connections), "--pipeline", str(load.in_flight),
                 "--duration", f"{duration_ms}ms", "--warmup", f"{warmup_ms}ms"]
    if load.batch > 1:
        arguments += ["--batch", str(load.batch)]
    if load.rate > 0:
        arguments += ["--rate", str(load.rate)]
    if load.params:
        arguments += ["--params", load.params]
    if load.credit > 0:
        arguments += ["--stream", "--method", load.method, "--credit", str(load.credit)]
    return arguments


def run_client(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        output = (done.stderr + done.stdout)[-2000:]
        raise RuntimeError(f"{' '.join(command)[:200]} failed with {done.returncode}: {output}")
    return json.loads(done.stdout)


def measure_load(server, core, load, duration_ms, warmup_ms):
    """Rate, latencies, CPU time, and how much of a core other processes took meanwhile."""
    command = client_command(server, core, *load_arguments(load, duration_ms, warmup_ms))
    busy, server_before, children = busy_seconds(), server.cpu_seconds(), os.times()
    began = time.monotonic()
    figures = run_client(command)
    wall = time.monotonic() - began
    server_cpu = server.cpu_seconds() - server_before
    client_cpu = sum(os.times()[2:4]) - sum(children[2:4])
    others = max(0.0, busy_seconds() - busy - server_cpu - client_cpu)
    figures["server_cpu_percent"] = 100 * server_cpu / wall
    if load.credit > 0:
        figures["items_per_server_core"] = figures["items_per_second"] * wall / server_cpu
    else:
        figures["server_us_per_request"] = 1e6 * server_cpu / wall / figures["requests_per_second"]
    figures["others_percent"] = 100 * others / wall
    figures["disturbed"] = reaches_disturbance(others, wall)
    return figures


def measure_undisturbed(limit, server, *arguments):
    """The least disturbed of at most so many attempts."""
    attempts = []
    while len(attempts) < limit:
        attempts.append(measure_load(server, *arguments))
        if not attempts[-1]["disturbed"]:
            break
        print(f"    {server.name}: other processes took {attempts[-1]['others_percent']:.0f} % of a core "
              f"(attempt {len(attempts)} of {limit})", file=sys.stderr)
    return min(attempts, key=lambda attempt: attempt["others_percent"])


def wait_until_accepted(server, count):
    """A connection is open for the client before the server has accepted it."""
    until = time.monotonic() + READY_TIMEOUT_S
    while (held := server.connections()) < count:
        if time.monotonic() > until:
            raise RuntimeError(f"{server.name} held {held} of {count} idle connections after {READY_TIMEOUT_S} s")
        time.sleep(0.02)


def settled_resident_bytes(server):
    """What a server allocates for its connections may come after it has accepted them."""
    resident = server.resident_bytes()
    while True:
        time.sleep(0.1)
        if (now := server.resident_bytes()) <= resident:
            return now
        resident = now


def measure_idle(server, core, introduced):
    """Resident bytes per connection while all of them are open."""
    # A first connection makes the server allocate what it allocates once.
    run_client(client_command(server, core, "--duration", "100ms", "--warmup", "0ms"))
    count = idle_connections(server.program)
    before = server.resident_bytes()
    command = ["taskset", "-c", core, built("weft"), "bench", server.address, "--idle", str(count),
               "--duration", "1h", "--source", next(_sources), *(["--introduce"] if introduced else [])]
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        line = client.stderr.readline()
        if "connections open" not in line:
            raise RuntimeError(f"{' '.join(command)}: {line}{client.stderr.read()}")
        wait_until_accepted(server, count)
        resident = settled_resident_bytes(server)
        held = server.connections()
    finally:
        client.kill()
        client.wait()
        client.stderr.close()
    return {"connections": count, "bytes_per_connection": (resident - before) / count,
            "closed_by_server": max(0, count - held), "disturbed": False}
