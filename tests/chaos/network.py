"""A network of the test's own: namespaces that are joined by a switch and can be cut off. Needs root.

The namespaces have no names and no processes; they go when the test's process ends."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(outcome, what):
    if outcome != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Namespace:
    def __init__(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.unshare(CLONE_NEWNET), "a network namespace cannot be made")
            self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            try:
                _ip("link", "set", "lo", "up")
            finally:
                _check(_libc.setns(home, CLONE_NEWNET), "the way back to the first namespace")
        finally:
            os.close(home)

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    @contextlib.contextmanager
    def inside(self):
        """This thread, and what it starts meanwhile, is in the namespace."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.setns(self.descriptor, CLONE_NEWNET), "entering a namespace")
            try:
                yield
            finally:
                _check(_libc.setns(home, CLONE_NEWNET), "leaving a namespace")
        finally:
            os.close(home)

    def close(self):
        os.close(self.descriptor)


class Network:
    """Namespaces by name, each with an address; all of them reach each other until one is cut off."""

    def __init__(self, names):
        self.switch = Namespace()
        self.hosts = {name: Namespace() for name in names}
        self.addresses = {name: f"10.77.0.{number}" for number, name in enumerate(names, 1)}
        with self.switch.inside():
            _ip("link", "add", "switch", "type", "bridge")
            _ip("link", "set", "switch", "up")
            for name, host in self.hosts.items():
                _ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0")
                _ip("link", "set", "eth0", "netns", host.path)
                _ip("link", "set", f"to-{name}", "master", "switch")
                _ip("link", "set", f"to-{name}", "up")
        for name, host in self.hosts.items():
            with host.inside():
                _ip("address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
                _ip("link", "set", "eth0", "up")

    def inside(self, name):
        return self.hosts[name].inside()

    def cut_off(self, name):
        with self.switch.inside():
            _ip("link", "set", f"to-{name}", "nomaster")

    def heal(self, name):
        with self.switch.inside():
            _ip("link", "set", f"to-{name}", "master", "switch")

    def close(self):
        for each in (self.switch, *self.hosts.values()):
            each.close()
