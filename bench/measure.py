"""One measurement of one server: a load, or the memory of idle connections."""

import json
import os
import subprocess
import sys
import time

from processes import busy_seconds
from scenarios import ATTEMPTS, CLIENT, DISTURBANCE_PERCENT, IDLE_CONNECTIONS


def client_command(core, address, *arguments):
    return ["taskset", "-c", str(core), CLIENT, "bench", address, "--json", *arguments]


def run_client(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        output = (done.stderr + done.stdout)[-2000:]
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}: {output}")
    return json.loads(done.stdout)


def measure_load(server, core, connections, pipeline, seconds):
    """Rate, latencies, CPU time, and how much of a core other processes took meanwhile."""
    command = client_command(core, server.address, "--connections", str(connections),
                             "--pipeline", str(pipeline), "--duration", f"{seconds}s", "--warmup", "500ms")
    busy, server_before, children = busy_seconds(), server.cpu_seconds(), os.times()
    began = time.monotonic()
    figures = run_client(command)
    wall = time.monotonic() - began
    server_cpu = server.cpu_seconds() - server_before
    client_cpu = sum(os.times()[2:4]) - sum(children[2:4])
    others = max(0.0, busy_seconds() - busy - server_cpu - client_cpu)
    figures["server_cpu_percent"] = 100 * server_cpu / wall
    figures["server_us_per_request"] = 1e6 * server_cpu / wall / figures["requests_per_second"]
    figures["disturbance_percent"] = 100 * others / wall
    return figures


def measure_undisturbed(server, *arguments):
    """The least disturbed of a few attempts."""
    attempts = []
    while len(attempts) < ATTEMPTS:
        attempts.append(measure_load(server, *arguments))
        disturbance = attempts[-1]["disturbance_percent"]
        if disturbance <= DISTURBANCE_PERCENT:
            break
        print(f"    {server.name}: other processes took {disturbance:.0f} % of a core "
              f"(attempt {len(attempts)} of {ATTEMPTS})", file=sys.stderr)
    return min(attempts, key=lambda attempt: attempt["disturbance_percent"])


def wait_until_accepted(server, descriptors, client):
    """A connection is open for the client before the server has accepted it."""
    while (held := server.descriptors()) < descriptors:
        if client.poll() is not None:
            raise RuntimeError(f"{server.name} held {held} descriptors when the client had gone, fewer than "
                               f"the {descriptors} that {IDLE_CONNECTIONS} connections need")
        time.sleep(0.05)


def measure_idle(server, core, source):
    """Resident bytes per connection while all of them are open."""
    descriptors = server.descriptors()
    # A first connection makes the server allocate what it allocates once.
    run_client(client_command(core, server.address, "--duration", "100ms", "--warmup", "0ms"))
    before = server.resident_bytes()
    command = client_command(core, server.address, "--idle", str(IDLE_CONNECTIONS), "--duration", "3s",
                             "--source", source)
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = client.stderr.readline()
        if "connections open" not in line:
            raise RuntimeError(f"{' '.join(command)}: {line}{client.communicate()[1]}")
        wait_until_accepted(server, descriptors + IDLE_CONNECTIONS, client)
        resident = server.resident_bytes()
        figures = json.loads(client.communicate()[0])
    finally:
        if client.poll() is None:
            client.kill()
            client.wait()
    figures["bytes_per_connection"] = (resident - before) / IDLE_CONNECTIONS
    return figures
