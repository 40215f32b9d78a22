"""A name server for one node: a file of host names that only the node sees, and that a test rewrites."""

import os
import pathlib
import shutil
import subprocess
import tempfile

# In a mount namespace of its own, the node's /etc/hosts is ours, and nobody else is asked for names.
SCRIPT = """mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf && exec "$@" """
UNSHARE = ("unshare", "--map-root-user", "--mount")
# Written in one piece over the last one: a reader sees the old or the new names, never some of both.
FILE_BYTES = 4096


def refusal():
    """Why this machine cannot do it; empty when it can."""
    with Names() as names:
        tried = subprocess.run([*names.launcher, "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"{' '.join(UNSHARE)} is not permitted here: {tried.stderr.strip()}"


class Names:
    def __init__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-names-"))
        (self._folder / "nsswitch.conf").write_text("hosts: files\n")
        self._hosts = os.open(self._folder / "hosts", os.O_RDWR | os.O_CREAT)
        self.launcher = (*UNSHARE, "sh", "-c", SCRIPT, str(self._folder))
        self.set()

    def set(self, **addresses):
        """From now on these names, and no others, have these addresses."""
        lines = "".join(f"{address} {name}\n" for name, each in addresses.items() for address in each)
        assert len(lines) < FILE_BYTES
        os.pwrite(self._hosts, lines.encode().ljust(FILE_BYTES, b"\n"), 0)

    def close(self):
        os.close(self._hosts)
        shutil.rmtree(self._folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
