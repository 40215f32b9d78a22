"""Several real nodes that are each other's peers, on an address that only this process uses."""

import json
import os
import resource
import socket
import subprocess
import tempfile
import time
import urllib.request

from node_process import NodeFailure, NodeProcess, _die_with_parent, _environment
from wire import Wire

PATIENCE = 60
# What a node says when someone else has taken its port meanwhile.
PORT_TAKEN = "Address already in use"


def own_host(number=0):
    """A loopback address of this process's own, the first of three: a node that comes back finds its port free."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 14 & 63) + 64 * number}.{pid >> 7 & 127}.{1 + (pid & 127)}"


def free_addresses(count):
    """`count` different HOST:PORT that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((own_host(), 0))
        return ["%s:%d" % each.getsockname() for each in sockets]
    finally:
        for each in sockets:
            each.close()


def eventually(condition, what):
    """Asks until `condition()` is true, and returns that; each look takes a round trip to a node."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
    return found


class MeshNode(NodeProcess):
    """A node whose address and peers are known before it starts.

    `peers` maps names to HOST:PORT. `max_files` is its limit of descriptors, soft and hard. `launcher` is a
    command that runs the one behind it in its own process."""

    def __init__(self, *options, listen=None, peers=None, max_files=None, binary=None, demo=True, launcher=()):
        self.binary = binary or os.environ.get("WEFT_BIN")
        if not self.binary:
            raise NodeFailure("which program? Set WEFT_BIN to the path of weft, as in build/release/weft")
        listen = listen or own_host() + ":0"
        self.command = [*launcher, self.binary, "node", "--listen", listen, "--admin", own_host() + ":0",
                        *options]
        for name, address in (peers or {}).items():
            self.command += ["--peer", f"{name}={address}"]
        if demo:
            self.command.append("--demo")

        def prepare():
            _die_with_parent()
            if max_files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))

        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self._log, env=_environment(), preexec_fn=prepare)
        try:
            self._read_ready_line()
        except BaseException:
            self.kill()
            raise

    def page(self, path):
        """The value of an admin page that is JSON."""
        status, body = self.admin(path)
        assert status == 200, f"{path} answered {status}: {body}"
        return json.loads(body)

    def peer(self, name):
        """What the node says of one of its peers; empty before it knows it."""
        return next((peer for peer in self.page("/peers") if peer["name"] == name), {})

    def peer_is(self, name, state):
        return self.peer(name).get("state") == state

    def in_flight(self, direction="inbound"):
        return self.metric("weft_calls_in_flight", direction=direction)

    def set_log_level(self, level):
        url = "http://%s:%d/log-level" % self.admin_address
        with urllib.request.urlopen(url, data=level.encode(), timeout=30) as response:
            return json.load(response)

    def cpu_seconds(self):
        """Processor time that the process has used, in user and in kernel mode."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Mesh:
    """Nodes by name, each of them the others' peer; `options` hold for all of them, `own_options` for those named.

    As a context manager it ends them all, and checks how those ended that the test left alive."""

    own_options = {}

    def __init__(self, names, *options, extra_peers=None, own_options=None):
        self.options = options
        self.own_options = own_options or {}
        self.extra_peers = extra_peers or {}
        self.nodes = {}
        attempts = 5
        while True:
            attempts -= 1
            self.addresses = dict(zip(names, free_addresses(len(names))))
            try:
                for name in names:
                    self.start(name)
                self.wait_until_up()
                return
            except NodeFailure as failure:
                self.kill()
                if PORT_TAKEN not in str(failure) or attempts == 0:
                    raise
            except BaseException:
                self.kill()
                raise

    def start(self, name):
        """Starts a node, also once more after it has ended; it listens where the others expect it."""
        peers = {peer: at for peer, at in self.addresses.items() if peer != name} | self.extra_peers
        options = (*self.options, *self.own_options.get(name, ()))
        self.nodes[name] = MeshNode("--id", f"node-{name}", *options, listen=self.addresses[name], peers=peers)
        return self.nodes[name]

    def wait_until_up(self):
        for name, node in self.nodes.items():
            for other in self.nodes:
                if other != name:
                    eventually(lambda: node.peer_is(other, "up"), f"{other} as a peer of {name} is up")

    def __getitem__(self, name):
        return self.nodes[name]

    def connect(self, name):
        return Wire(self.nodes[name].address)

    def kill(self):
        for node in self.nodes.values():
            node.kill()

    def stop(self):
        """Ends those that still run, and checks how they end; one that a test has killed is no failure."""
        try:
            for node in self.nodes.values():
                node.stop()
        finally:
            self.kill()
