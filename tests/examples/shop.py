"""The whole shop on loopback: three nodes, two of them with orders inside, two users and two billing instances."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples/shop"
sys.path.insert(0, str(ROOT / "tests/support"))

from mesh import MeshNode, NodeFailure, eventually, free_addresses  # noqa: E402
from node_process import _die_with_parent  # noqa: E402
from wire import Wire, request  # noqa: E402, F401

READY_TIMEOUT = 60
# The nodes, and whether orders runs inside.
NODES = {"a": True, "b": True, "c": False}
NEAREST = {"users-1": "a", "users-2": "c", "billing-1": "b", "billing-2": "c"}
METHODS = {"users": "users.get", "billing": "billing.charge", "orders": "orders.create"}


class Service:
    """A program that prints `ready service=NAME instance=NAME node=NAME` whenever it has joined the mesh."""

    def __init__(self, *command):
        self._log = tempfile.TemporaryFile()
        self._changed = threading.Condition()
        self.ready_lines = []
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self._log, text=True, preexec_fn=_die_with_parent)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.ready_lines.append(dict(re.findall(r"(\w+)=(\S+)", line)))
                self._changed.notify_all()

    def log(self):
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait_until_ready(self, times=1):
        """Waits until it has joined so often; returns the node where it is then."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.ready_lines) >= times, READY_TIMEOUT):
                raise AssertionError(f"{self.process.args}: not ready for the {times}. time in {READY_TIMEOUT} s, "
                                     f"got {self.ready_lines}\n{self.log()}")
            return self.ready_lines[times - 1]["node"]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self._log.close()


class Shop:
    def __init__(self, folder):
        self.ledgers = pathlib.Path(folder)
        self.addresses = dict(zip(NODES, free_addresses(len(NODES))))
        self.nodes = {}
        self.services = {}
        try:
            for name in NODES:
                self.start_node(name)
            for name, nearest in NEAREST.items():
                self.start_service(name, nearest)
            for name, nearest in NEAREST.items():
                node = self.services[name].wait_until_ready()
                assert node == nearest, f"{name} joined at {node}, its nearest node is {nearest}"
        except BaseException:
            self.kill()
            raise

    def start_node(self, name):
        binary = os.environ.get("WEFT_SHOP_NODE") if NODES[name] else None
        if NODES[name] and not binary:
            raise NodeFailure("which program? Set WEFT_SHOP_NODE to the path of weft_shop_node")
        peers = {peer: at for peer, at in self.addresses.items() if peer != name}
        self.nodes[name] = MeshNode("--id", name, "--mesh-reconnect-max", "200ms", binary=binary, demo=False,
                                    listen=self.addresses[name], peers=peers)

    def start_service(self, name, nearest):
        nodes = [self.addresses[nearest], *(at for node, at in self.addresses.items() if node != nearest)]
        if name.startswith("users"):
            command = [sys.executable, "-B", SHOP / "users.py", name, *nodes]
        else:
            command = ["node", SHOP / "billing.mjs", name, self.ledgers / f"{name}.ledger", *nodes]
        self.services[name] = Service(*command)

    def instances(self, node, method):
        """How many instances of the method the node knows, wherever they are."""
        for route in self.nodes[node].page("/routes"):
            if route["method"] == method:
                return 1 if route["policy"] == "in_process" else sum(i["instances"] for i in route["instances"])
        return 0

    def wait_for_instances(self, node, **counts):
        for service, count in counts.items():
            method = METHODS[service]
            eventually(lambda: self.instances(node, method) == count, f"{node} knows {count} of {method}")

    def order(self, node, key, user=3):
        """The answer to orders.create at this node."""
        with Wire(self.nodes[node].address) as wire:
            return wire.call("orders.create", {"key": key, "user": user, "amount_cents": 250}, deadline_ms=10_000)

    def load(self, rate, seconds):
        """A running load client on all nodes; its last line of output is its result."""
        return subprocess.Popen(
            [sys.executable, "-B", SHOP / "load.py", "--rate", str(rate), "--seconds", str(seconds), "--ledgers",
             self.ledgers, *self.addresses.values()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=_die_with_parent)

    def kill(self):
        for process in (*self.services.values(), *self.nodes.values()):
            process.kill()
