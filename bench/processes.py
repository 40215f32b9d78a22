"""Processes of a benchmark: started on given cores, measured by /proc, always reaped by their own id."""

import glob
import json
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

from programs import IDLE_CONNECTIONS, LINE, PORTS_FILE, SOCKET

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READY_TIMEOUT_S = 20
STOP_TIMEOUT_S = 15
SPARE_DESCRIPTORS = 1_000


def raise_descriptor_limit(wanted):
    """Children inherit it. Only root can go beyond the hard limit; others get what there is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((wanted, max(wanted, hard)), (min(wanted, hard), hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            return limit[0]
        except (OSError, ValueError):
            continue
    return soft


def idle_connections(program):
    """As many as are wanted, or as a program can hold with the descriptors that a process may have."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_DESCRIPTORS
    return min(IDLE_CONNECTIONS, descriptors // program.descriptors_per_connection)


def busy_seconds():
    """CPU time that all cores together were not idle."""
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND


class RunningProcess:
    """One process of a program; `address` is where it listens, if it said so."""

    def __init__(self, process, name, cores, log_folder, back):
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix="weft-bench-")
        self._socket = None
        self._places = {"back": back, "folder": self._folder.name,
                        "connections": str(resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 200)}
        self._log = open(os.path.join(log_folder, f"{name}.log".replace(" ", "-")), "w+")
        self.command = ["taskset", "-c", cores, *(self._fill(word) for word in process.command)]
        self.address = None
        environment = {key: self._fill(value) for key, value in process.environment.items()}
        # What configures other nodes of the user must not change what is measured.
        inherited_environment = {key: value for key, value in os.environ.items() if not key.startswith("WEFT_")}
        inherited = ()
        if process.ready == SOCKET:
            self._socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
            inherited = (self._socket.fileno(),)
            environment["LISTEN_FD"] = str(self._socket.fileno())
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self._log, text=True,
                                        env={**inherited_environment, **environment}, pass_fds=inherited)
        try:
            self._await_ready(process.ready)
            self.descriptors_before = self.descriptors()
        except BaseException:
            self.stop()
            raise

    def _fill(self, text):
        for name, value in self._places.items():
            text = text.replace("{" + name + "}", value or "")
        return text

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self._log.close()
        if self._socket:
            self._socket.close()
        self._folder.cleanup()

    def _await_ready(self, how):
        if how == LINE:
            self._await_line()
        elif how == PORTS_FILE:
            self._await_ports_file()
        else:
            # Whoever connects is accepted by the kernel; that somebody answers is found out by the first call.
            self.address = "{}:{}".format(*self._socket.getsockname())

    def _await_line(self):
        until = time.monotonic() + READY_TIMEOUT_S
        while select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
            line = self.process.stdout.readline()
            if not line:
                break
            if match := re.search(r"^ready\b(?:.*\blisten=(\S+))?", line):
                self.address = match[1]
                return
        self._fail("printed no 'ready … listen=HOST:PORT' line")

    def _await_ports_file(self):
        until = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < until and self.process.poll() is None:
            for path in glob.glob(os.path.join(self._folder.name, "*.ports")):
                with open(path) as file:
                    text = file.read()
                if text.endswith("}"):
                    self.address = json.loads(text)["nats"][0].removeprefix("nats://")
                    return
            time.sleep(0.01)
        self._fail("wrote no file with its ports")

    def _fail(self, what):
        self._log.seek(0)
        log = self._log.read()[-1000:] or "(empty)"
        raise RuntimeError(f"{self.name} {what} within {READY_TIMEOUT_S} s; command: {' '.join(self.command)}; "
                           f"log: {log}")

    def cpu_seconds(self):
        """Of its living threads, in nanoseconds' precision: clock ticks are too coarse for short measurements."""
        total = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(path) as schedstat:
                total += int(schedstat.read().split()[0])
        return total / 1e9

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Server:
    """All processes of a program, for the time of a `with` block; `address` is where the client connects."""

    def __init__(self, program, name, cores, log_folder):
        self.program = program
        self.name = name
        self._cores = cores
        self._log_folder = log_folder
        self._running = []

    def __enter__(self):
        try:
            for number, process in enumerate(self.program.processes):
                back = self._running[-1].address if self._running else None
                self._running.append(RunningProcess(process, f"{self.name}-{number}", self._cores,
                                                    self._log_folder, back))
            if self.program.client is None:
                self._await_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self._running):
            process.stop()

    @property
    def front(self):
        return self._running[self.program.front]

    @property
    def address(self):
        return self.front.address

    def _await_answer(self):
        """A hop may not know the way yet when it listens; and whoever is measured should give the right answer."""
        until = time.monotonic() + READY_TIMEOUT_S
        answer = None
        while time.monotonic() < until:
            answer = call_foo(self.address)
            if answer.get("result") == "ok":
                return
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} answered foo with {answer}, not with \"ok\"")

    def cpu_seconds(self):
        return sum(process.cpu_seconds() for process in self._running)

    def resident_bytes(self):
        return sum(process.resident_bytes() for process in self._running)

    def connections(self):
        """Those that it holds, from its descriptors. Reckoned from its start: what it has closed may linger."""
        opened = self.front.descriptors() - self.front.descriptors_before
        return opened // self.program.descriptors_per_connection


def call_foo(address):
    """One call on a connection of its own; what comes back, or the failure, as a dictionary."""
    host, port = address.rsplit(":", 1)
    payload = b'{"jsonrpc":"2.0","id":1,"method":"foo"}'
    try:
        with socket.create_connection((host, int(port)), timeout=READY_TIMEOUT_S) as connection:
            connection.sendall(struct.pack(">i", len(payload)) + payload)
            with connection.makefile("rb") as stream:
                length, = struct.unpack(">i", stream.read(4))
                return json.loads(stream.read(length))
    except (OSError, ValueError, struct.error) as error:
        return {"failure": str(error)}
