"""The adapter: the program that is the client under test, and the addresses that it connects to."""

import ctypes
import os
import select
import shlex
import signal
import socket
import subprocess
import tempfile

from .link import Link
from .wire import Failed

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    # A walk that is killed must not leave its adapters behind.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Port:
    """An address that the client connects to."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.name = self.socket.getsockname()
        self.address = "%s:%d" % self.name

    def refuse(self):
        """From now on connections are refused, until `listen`."""
        self.socket.close()

    def listen(self):
        self.socket = socket.create_server(self.name, backlog=64)

    def close(self):
        self.socket.close()


class Command:
    """The adapter's command line, and what it says about the adapter."""

    def __init__(self, line):
        self.words = shlex.split(line)
        if not self.words or "{address}" not in line:
            raise ValueError(f'an adapter is a command line that holds {{address}}, not "{line}"')
        self.is_caller = "{method}" in line
        self.has_other = "{other}" in line

    def with_values(self, **values):
        words = self.words
        for name, value in values.items():
            words = [word.replace("{" + name + "}", value) for word in words]
        return words


class Adapter:
    """A running adapter. Closing it ends the process, whatever it does."""

    def __init__(self, command, record, method="", params=""):
        self.command, self._record = command, record
        self.port, self.other = Port(), Port()
        self._log = tempfile.TemporaryFile()
        words = command.with_values(address=self.port.address, other=self.other.address, method=method, params=params)
        self._output = subprocess.PIPE if command.is_caller else self._log
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._log,
                                            start_new_session=True, preexec_fn=_die_with_parent)
        except OSError as error:
            self.port.close()
            self.other.close()
            raise ValueError(f"the adapter cannot be started: {error}") from None
        self._links = []

    def accept(self, clock, port=None, what="the client to connect"):
        """The client's next connection, to this port or to any; not yet introduced."""
        ports = [self.port, self.other] if port is None else [port]
        while True:
            # Short waits, to notice an adapter that has died.
            ready, _, _ = select.select([each.socket for each in ports], [], [], min(0.25, clock.left(what)))
            if ready:
                link = Link(ready[0].accept()[0], clock, self._record)
                link.port = next(each for each in ports if each.socket is ready[0])
                self._links.append(link)
                return link
            if self.process.poll() is not None:
                raise Failed(f"the adapter ended with {self.process.returncode}, expected {what}{self.tail()}")

    def refuse(self):
        """From now on nobody listens, until `listen`."""
        self.port.refuse()
        self.other.refuse()

    def listen(self):
        self.port.listen()
        self.other.listen()

    def wait(self, clock):
        """Exit code and output of an adapter that is to end."""
        try:
            output, _ = self.process.communicate(timeout=clock.left("the adapter to end"))
        except subprocess.TimeoutExpired:
            raise Failed("the adapter does not end") from None
        return self.process.returncode, output.decode(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def has_died(self):
        """Has it ended, or does it now? The end of its connections is seen before that."""
        try:
            self.process.wait(0.2)
        except subprocess.TimeoutExpired:
            return False
        return True

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def tail(self, most=2000):
        """The end of what it has said on standard error."""
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), most, max(0, size - most)).decode(errors="replace").strip()
        return f"\n{text}" if text else ""

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        for each in (*self._links, self.port, self.other, self._log):
            each.close()
