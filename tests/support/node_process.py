"""Starts a real node on free ports, and always reaps it."""

import ctypes
import os
import re
import select
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_TIMEOUT = 60
STOP_TIMEOUT = 60
READY = re.compile(rb"^ready node=(\S+) listen=(?:tls://)?(\S+):(\d+) admin=(\S+):(\d+)(?: also_listen=(\S+))?\n$")
SANITIZER_REPORT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: ")
PR_SET_PDEATHSIG = 1


class NodeFailure(AssertionError):
    """The node did not start, died, reported a sanitizer finding or ended with the wrong exit status."""


def _die_with_parent():
    # A test that is killed for taking too long must not leave its node behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _environment():
    # Every WEFT_… variable is a setting of the node: those of the test runner are none.
    return {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}


class NodeProcess:
    """A running `weft node --demo`. As a context manager it stops the node and checks how it ended.

    `options` are further arguments of `weft node`; the program is `binary` or what WEFT_BIN names.
    """

    def __init__(self, *options, binary=None, demo=True):
        self.binary = binary or os.environ.get("WEFT_BIN")
        if not self.binary:
            raise NodeFailure("which program? Set WEFT_BIN to the path of weft, as in build/release/weft")
        self.command = [self.binary, "node", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *options]
        if demo:
            self.command.append("--demo")
        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log,
            env=_environment(), preexec_fn=_die_with_parent)
        try:
            self._read_ready_line()
        except BaseException:
            self.kill()
            raise

    def _read_ready_line(self):
        line = b""
        deadline = time.monotonic() + START_TIMEOUT
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise NodeFailure(f"no ready line within {START_TIMEOUT} s, got {line!r}\n{self.log()}")
            # Unbuffered, so that select keeps telling the truth.
            chunk = os.read(self.process.stdout.fileno(), 4096)
            if not chunk:
                raise NodeFailure(f"{self.command} ended with {self.process.wait()} before it was ready, "
                                  f"got {line!r}\n{self.log()}")
            line += chunk
        ready = READY.match(line)
        if not ready:
            expected = "ready node=ID listen=HOST:PORT admin=HOST:PORT"
            raise NodeFailure(f"expected one line `{expected}`, got {line!r}")
        node, host, port, admin_host, admin_port, further = ((part or b"").decode() for part in ready.groups())
        self.id = node
        self.address = (host, int(port))
        self.admin_address = (admin_host, int(admin_port))
        # Where it listens as well, as in "tls://127.0.0.1:7443".
        self.also_listens = further.split(",") if further else []

    @property
    def pid(self):
        return self.process.pid

    @property
    def listen(self):
        return "%s:%d" % self.address

    @property
    def tls_address(self):
        """The first further address of tls://, as a pair."""
        host, _, port = next(each for each in self.also_listens if each.startswith("tls://"))[6:].rpartition(":")
        return host, int(port)

    def log(self):
        """Everything on the node's standard error so far."""
        if self._log.closed:
            return self._last_log
        return os.pread(self._log.fileno(), 1 << 24, 0).decode(errors="replace")

    def await_log(self, text):
        """The log as soon as it has this text: the node writes it a moment after what it is about."""
        deadline = time.monotonic() + START_TIMEOUT
        while text not in (log := self.log()):
            if time.monotonic() > deadline:
                raise NodeFailure(f"no {text!r} in the log\n{log}")
            time.sleep(0.01)
        return log

    def admin(self, path):
        """GETs an admin page: (status, body)."""
        url = "http://%s:%d%s" % (*self.admin_address, path)
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels; 0 when there is none."""
        total = 0.0
        for line in self.admin("/metrics")[1].splitlines():
            sample = re.match(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if sample and sample[1] == name:
                found = dict(re.findall(r'(\w+)="([^"]*)"', sample[2] or ""))
                if labels.items() <= found.items():
                    total += float(sample[3])
        return total

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.MULTILINE)[1]) << 10

    def stop_running(self):
        """Stops the process where it is, until it gets SIGCONT; returns when the last thread has stopped."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = f"/proc/{self.pid}/task"
        deadline = time.monotonic() + STOP_TIMEOUT
        while any(self._state(f"{tasks}/{thread}/stat") != "T" for thread in os.listdir(tasks)):
            if time.monotonic() > deadline:
                raise NodeFailure(f"the node did not stop within {STOP_TIMEOUT} s")

    @staticmethod
    def _state(path):
        with open(path, encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def terminate(self):
        """Asks for a graceful end; `wait` for it."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, expected=0):
        """Waits for the end and checks the exit status and the log."""
        try:
            status = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise NodeFailure(f"the node did not end within {STOP_TIMEOUT} s\n{self.log()}") from None
        finally:
            log = self.log()
            self.kill()
        if SANITIZER_REPORT.search(log):
            raise NodeFailure(f"the node's log holds a sanitizer report\n{log}")
        if status != expected:
            raise NodeFailure(f"the node ended with {status}, expected {expected}\n{log}")

    def stop(self):
        """Graceful end of a node that must still be alive."""
        if self.process.returncode is not None:
            return
        if self.process.poll() is not None:
            raise NodeFailure(f"the node died with {self.process.returncode}\n{self.log()}")
        self.terminate()
        self.wait()

    def kill(self):
        """Ends the process whatever state it is in, and releases everything."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self._last_log = self.log()
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        except NodeFailure:
            # The test's own failure comes first, unless the node's death explains it.
            if kind is None or not issubclass(kind, NodeFailure):
                raise
        finally:
            self.kill()
