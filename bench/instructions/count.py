#!/usr/bin/env python3
"""Counts the instructions that a node spends on a request, a forwarded request and an idle connection.

Instructions repeat where seconds do not. The real program runs under callgrind, once with few and once with
many operations; the difference, divided by the operations between them, is free of starting and stopping.
"""

import argparse
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile

FILE = pathlib.Path(__file__).with_name("expected.json")
TOLERANCE_PERCENT = 3
PATIENCE_S = 120
FOO = b'{"jsonrpc":"2.0","id":1,"method":"foo"}'
CALL = b'{"jsonrpc":"2.0","id":1,"method":"counted.get","params":{"name":"weft"}}'
CONNECT = b'{"jsonrpc":"2.0","id":0,"method":"connect","params":{"serves":["counted.get"]}}'


class Connection:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, payload):
        self.socket.sendall(len(payload).to_bytes(4, "big") + payload)

    def receive(self):
        return self._exactly(int.from_bytes(self._exactly(4), "big"))

    def _exactly(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise RuntimeError("the node closed a connection")
            data += piece
        return bytes(data)

    def call(self, payload, expected=b'"result"'):
        self.send(payload)
        answer = self.receive()
        if expected not in answer:
            raise RuntimeError(f"{answer!r} in answer to {payload!r}")
        return answer

    def close(self):
        self.socket.close()


def requests(address, count):
    client = Connection(address)
    for _ in range(count):
        client.call(FOO)
    client.close()


def forwarded_requests(address, count):
    service, client = Connection(address), Connection(address)
    service.call(CONNECT)
    # Until the router knows the method, which takes a different number of tries each time, nothing counts much.
    while not first_call_arrives(client, service):
        pass
    for _ in range(count):
        client.send(CALL)
        answer(service)
        client.receive()
    client.close()
    service.close()


def first_call_arrives(client, service):
    """Makes a call; false when the node refused it, which it does until it knows the service."""
    client.send(CALL)
    readable, _, _ = select.select([client.socket, service.socket], [], [], PATIENCE_S)
    if not readable:
        raise RuntimeError(f"nothing came of a call in {PATIENCE_S} s")
    if service.socket in readable:
        answer(service)
    return b'"error"' not in client.receive()


def answer(service):
    request = service.receive()
    id = re.search(rb'"id":(\d+)', request)[1]
    service.send(b'{"jsonrpc":"2.0","id":' + id + b',"result":"ok"}')


def idle_connections(address, count):
    """One after the other, each with a request, whose answer says that it was accepted, and open until all is counted:
    several that come or go at a time share wake-ups, now more of them and now fewer."""
    held = []
    for _ in range(count):
        held.append(Connection(address))
        held[-1].call(FOO)
    return held


# What is counted: how it is done, and how often at the least and at the most.
COUNTED = {
    "request": (requests, 500, 10_500),
    "forwarded_request": (forwarded_requests, 500, 5_500),
    "idle_connection": (idle_connections, 50, 3_050),
}


def instructions(binary, work, count):
    """Of a node that does not poll before it sleeps: how often it would look depends on time."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        # The user's own settings would count, too.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        node = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", binary, "node", "--demo", "--reactors", "1",
             "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-level", "error",
             "--reactor-poll-window", "0s"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            ready = node.stdout.readline()
            if not ready.startswith("ready"):
                raise RuntimeError(f"the node did not start: {node.communicate(timeout=PATIENCE_S)[1]}")
            host, port = re.search(r"listen=(\S+):(\d+)", ready).groups()
            held = work((host, int(port)), count)
            # Not at the end of the process: how often a node that drains looks at its connections depends on time.
            subprocess.run(["callgrind_control", "--dump", str(node.pid)], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=PATIENCE_S)
            for connection in held or ():
                connection.close()
        finally:
            node.kill()
            node.communicate()
        with open(f"{out}.1", encoding="ascii") as file:
            return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE)[1])


def count_all(binary):
    counts = {}
    for name, (work, few, many) in COUNTED.items():
        difference = instructions(binary, work, many) - instructions(binary, work, few)
        counts[name] = round(difference / (many - few))
        if work is idle_connections:
            counts[name] -= counts["request"]
        print(f"{name}: {counts[name]:,} instructions", flush=True)
    return counts


def complaints(counts, expected):
    """One sentence for each count that is not what the file says."""
    found = []
    for name, count in counts.items():
        if name not in expected:
            found.append(f"{name}: {FILE.name} says nothing of it")
            continue
        percent = (count / expected[name] - 1) * 100
        if abs(percent) > TOLERANCE_PERCENT:
            verdict = "slower" if percent > 0 else "faster; keep that"
            found.append(f"{name}: {count:,} instructions, {percent:+.1f} % against the {expected[name]:,} "
                         f"of {FILE.name}: {verdict}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join("build", "release", "libexec", "weft", "weft-node"))
    parser.add_argument("--update", action="store_true", help=f"write what was counted into {FILE.name}")
    arguments = parser.parse_args()
    counts = count_all(arguments.binary)
    if arguments.update:
        FILE.write_text(json.dumps(counts, indent=2) + "\n")
        return 0
    expected = json.loads(FILE.read_text())
    found = complaints(counts, expected)
    if found:
        # On a busy machine waking up and stopping may cost more for once; what the code costs comes twice.
        found = complaints(count_all(arguments.binary), expected)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(f"more than {TOLERANCE_PERCENT} % away; when that is meant: bench/instructions/count.py --update",
              file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
