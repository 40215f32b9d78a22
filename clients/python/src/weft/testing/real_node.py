"""The weft program on a free port, for tests."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
from types import TracebackType
from typing import Self

READY = re.compile(r"ready node=(\S+) listen=(\S+) admin=(\S+)")
STOP_TIMEOUT = 20


def find_program() -> str:
    """What WEFT_BIN names, else `weft` on the PATH. Raises FileNotFoundError."""
    if named := os.environ.get("WEFT_BIN"):
        if not os.access(named, os.X_OK):
            raise FileNotFoundError(f"WEFT_BIN names {named}, which is no program")
        return named
    if found := shutil.which("weft"):
        return found
    raise FileNotFoundError("there is no program weft on the PATH; set WEFT_BIN to it")


class RealNode:
    """A node that serves its demonstration methods. `address` is where programs connect, `admin` its admin pages.

    Raises RuntimeError when it does not start, with what it said."""

    def __init__(self, *arguments: str, listen: str = "127.0.0.1:0") -> None:
        self._log = tempfile.TemporaryFile("w+")
        # Every variable WEFT_… is a setting of the node, and one that it does not know is refused.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        self.process = subprocess.Popen(
            [find_program(), "node", "--demo", "--listen", listen, "--admin", "127.0.0.1:0", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment)
        assert self.process.stdout is not None
        ready = READY.match(line := self.process.stdout.readline())
        if not ready:
            self.kill()
            raise RuntimeError(f"the node did not start; it printed {line!r} and logged:\n{self.log()}")
        self.id, self.address, self.admin = ready.groups()

    def log(self) -> str:
        return pathlib.Path(f"/proc/self/fd/{self._log.fileno()}").read_text(encoding="utf-8")

    def stop(self) -> int:
        """As whoever runs it would: it drains. Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT)
        finally:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()
        self._log.close()
