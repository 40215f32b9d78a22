"""Three nodes, two instances of a service and a load on them, and the comparison of what callers and services saw."""

import collections
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from mesh import Mesh, eventually  # noqa: E402
from node_process import _die_with_parent  # noqa: E402
from wire import Wire, request  # noqa: E402

NODE_OPTIONS = ("--reactors", "2", "--mesh-reconnect-max", "500ms")
MEMORY_FOLDER = "/dev/shm"
READ, WRITE = "chaos.read", "chaos.write"
DEADLINE_MS = 2_000
RATE = 2_000

Call = collections.namedtuple("Call", "id method due ended outcome by")


class Program:
    """One of this folder's programs, killed with the test."""

    def __init__(self, *arguments, stderr=None):
        self.process = subprocess.Popen([sys.executable, "-B", *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=stderr, preexec_fn=_die_with_parent)

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class Instance(Program):
    def __init__(self, name, ledger, nodes):
        super().__init__(HERE / "instance.py", name, ledger, *nodes)
        self.name = name
        self.ledger = pathlib.Path(ledger)
        self.wait_until_serving()

    def wait_until_serving(self):
        line = self.process.stdout.readline()
        assert line == b"serving\n", f"{self.name} says {line!r}, expected that it serves"

    def end(self):
        """Drains it and waits until it has ended."""
        self.signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, f"{self.name} ended with {self.process.returncode}"

    def executed(self):
        """What it was given: (method, id, time) in order."""
        # A line that is being written is not there yet.
        lines = self.ledger.read_text(encoding="ascii").rpartition("\n")[0].splitlines()
        return [(method, int(id), float(at)) for method, id, at in map(str.split, lines)]


class Load(Program):
    def __init__(self, nodes, rate=RATE, methods=(READ, WRITE), deadline_ms=DEADLINE_MS, first=0):
        super().__init__(HERE / "load.py", rate, deadline_ms, first, ",".join(methods), *nodes,
                         stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        assert line == b"running\n", line + self.process.stderr.read()

    def finish(self):
        """Stops it and returns every `Call` it made; `latest_ms` is by how much it missed its own ticks at most."""
        self.tell("stop")
        out, err = self.process.communicate(timeout=120)
        # A load that met bytes it cannot read says so there, and goes on.
        assert self.process.returncode == 0 and not err, err.decode()
        calls = []
        *lines, self.latest_ms = out.decode().splitlines()
        for line in lines:
            id, method, due, ended, outcome, by = line.split("\t")
            calls.append(Call(int(id), method, float(due), float(ended), outcome, by))
        self.latest_ms = float(self.latest_ms)
        return calls


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Ledger:
    """What callers saw (`calls`) beside what the instances were given."""

    def __init__(self, calls, instances):
        self.calls = calls
        self.by_outcome = collections.Counter((call.method, call.outcome) for call in calls)
        self.executions = collections.Counter()
        self.given = collections.defaultdict(list)
        for instance in instances:
            for _, id, at in instance.executed():
                # Negative ids are not the load's.
                if id >= 0:
                    self.executions[id] += 1
                    self.given[instance.name].append(at)

    def failed(self, *methods):
        return [call for call in self.calls if call.outcome != "ok" and (not methods or call.method in methods)]

    def twice(self):
        """Calls that are not idempotent and were executed more than once."""
        return [call for call in self.calls if call.method == WRITE and self.executions[call.id] > 1]

    def falsely_not_executed(self):
        return [call for call in self.calls if call.outcome == "no" and self.executions[call.id]]

    def lost(self):
        """Calls answered with a result that no instance was given."""
        return [call for call in self.calls if call.outcome == "ok" and not self.executions[call.id]]

    def attempts_per_call(self, since=0.0):
        made = [call.id for call in self.calls if call.due >= since]
        return sum(self.executions[id] for id in made) / max(1, len(made))

    def share(self, name, since, until):
        """The instance's share of what all were given in that time."""
        counts = {each: sum(since <= at < until for at in times) for each, times in self.given.items()}
        return counts.get(name, 0) / max(1, sum(counts.values()))

    def back_after(self, name, since, rate=0.2, window=0.5):
        """Seconds from `since` until the instance gets `rate` of all calls again; None when it never does."""
        until = max((at for times in self.given.values() for at in times), default=since)
        at = since
        while at + window <= until:
            if self.share(name, at, at + window) >= rate:
                return at + window - since
            at += window / 5
        return None

    def latencies_ms(self, since=0.0, until=float("inf"), outcomes=("ok",)):
        return [(call.ended - call.due) * 1000 for call in self.calls
                if since <= call.due < until and call.outcome in outcomes]

    def usual_p99_ms(self, since, until, window=0.5):
        """The median of the windows' 99th percentiles: a hiccup of the machine spoils one or two of them, what lasts
        spoils all."""
        count = int((until - since) / window + 0.5)
        edges = [since + number * window for number in range(count + 1)]
        return statistics.median(percentile(self.latencies_ms(*pair), 0.99) for pair in zip(edges, edges[1:]))

    def reasons(self):
        return dict(collections.Counter((call.method, call.outcome, call.by) for call in self.failed()).most_common(6))


def wait_for_instances(wire, count):
    """Until calls over this connection have been answered by `count` different instances."""
    seen = set()

    def all_seen():
        # Many at a time, for the nearer instance is preferred while it is quick.
        wire.send(*(request(id, READ, [-1]) for id in range(64)))
        seen.update(wire.receive().get("result") for _ in range(64))
        return len(seen - {None}) >= count

    eventually(all_seen, f"{count} instances can be reached")


class ChaosCase(unittest.TestCase):
    maxDiff = None
    # Three of these without a byte are silence.
    heartbeat = "300ms"

    def node_options(self):
        return *NODE_OPTIONS, "--protocol-heartbeat-interval", self.heartbeat

    def start(self, instances=(("one", "ab"), ("two", "bc")), own_options=None):
        """The mesh, and instances by name, each with the nodes it tries in turn."""
        self.mesh = Mesh(["a", "b", "c"], *self.node_options(), own_options=own_options)
        self.addCleanup(self.mesh.kill)
        self.make_folder()
        for name, nodes in instances:
            self.start_instance(name, nodes)
        self.wait_for_routes("abc", len(instances))

    def make_folder(self):
        """Where the ledgers lie."""
        # In memory where that can be: a disk that is busy would hold up the instance that writes into its ledger.
        folder = tempfile.TemporaryDirectory(dir=MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.instances = {}
        self.all_instances = []

    def start_instance(self, name, nodes):
        ledger = self.folder / f"{name}-{len(self.all_instances)}"
        instance = Instance(name, ledger, [self.mesh.addresses[node] for node in nodes])
        self.addCleanup(instance.kill)
        self.instances[name] = instance
        self.all_instances.append(instance)
        return instance

    def wait_for_routes(self, nodes, count=2):
        """Until every one of `nodes` has given calls to `count` different instances."""
        for node in nodes:
            with Wire(self.mesh[node].address) as wire:
                wait_for_instances(wire, count)

    def load(self, nodes="abc", **options):
        load = Load([self.mesh.addresses[node] for node in nodes], **options)
        self.addCleanup(load.kill)
        return load

    def let_run(self, seconds):
        """The load is the test's clock here: nothing is waited for, a time of operation is measured."""
        time.sleep(seconds)

    def compare(self, load):
        return Ledger(load.finish(), self.all_instances)

    def report(self, fault, ledger, **figures):
        spent = ledger.calls[-1].due - ledger.calls[0].due if len(ledger.calls) > 1 else 1.0
        outcomes = {f"{method.partition('.')[2]} {outcome}": count
                    for (method, outcome), count in sorted(ledger.by_outcome.items())}
        shown = {"calls/s": round(len(ledger.calls) / spent), **outcomes,
                 "p99 ms": round(percentile(ledger.latencies_ms(), 0.99), 1), **figures}
        print(f"\n{fault}: " + ", ".join(f"{name} {value}" for name, value in shown.items()), flush=True)

    def assert_nothing_false(self, ledger):
        """What must hold whatever the fault is."""
        self.assertEqual(ledger.twice(), [], "executed twice though not idempotent")
        self.assertEqual(ledger.falsely_not_executed(), [], "executed although the caller was told it was not")
        self.assertEqual(ledger.lost(), [], "answered though no instance had it")


def main():
    unittest.main(verbosity=2)
