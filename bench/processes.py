"""Processes of a benchmark: started on one core, measured by /proc, always reaped by their own id."""

import glob
import os
import re
import resource
import select
import signal
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READY_TIMEOUT_S = 20
STOP_TIMEOUT_S = 15


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


def busy_seconds():
    """CPU time that all cores together were not idle."""
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND


class Server:
    """A server process that prints `ready … listen=HOST:PORT …` when it serves."""

    def __init__(self, name, command, core, log_folder):
        self.name = name
        self.log_path = os.path.join(log_folder, f"{name}.log")
        self.command = ["taskset", "-c", str(core)] + command
        self.process = None
        self.address = None

    def __enter__(self):
        self.log = open(self.log_path, "w+")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            self.address = self._await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def _await_ready(self):
        until = time.monotonic() + READY_TIMEOUT_S
        while select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
            line = self.process.stdout.readline()
            if not line:
                break
            if match := re.search(r"^ready .*\blisten=(\S+)", line):
                return match[1]
        self.log.seek(0)
        log = self.log.read()[-1000:] or "(empty)"
        raise RuntimeError(f"{self.name} printed no 'ready … listen=HOST:PORT' line within "
                           f"{READY_TIMEOUT_S} s; command: {' '.join(self.command)}; log: {log}")

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
