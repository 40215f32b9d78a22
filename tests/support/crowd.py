"""A process that holds many connections to a node, as a client of its own that can be killed.

    crowd.py HOST PORT CONNECTIONS     opens them, then says how many it holds

Every line on its standard input makes it call `foo` on every connection and say how many answered. It is a
process, because one may not have descriptors enough, and because only a process can be killed with -9."""

import pathlib
import resource
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from node_process import _die_with_parent  # noqa: E402
from wire import frame, request  # noqa: E402

CONNECT_TIMEOUT = 60


class Crowd:
    """Runs this program; as a context manager it kills it."""

    def __init__(self, address, count):
        command = [sys.executable, "-B", __file__, address[0], str(address[1]), str(count)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=_die_with_parent)

    def wait_until_connected(self):
        """The number of connections that are open."""
        return int(self.process.stdout.readline() or b"-1")

    def call(self):
        """The number of connections on which `foo` was answered with its result."""
        self.process.stdin.write(b"call\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline() or b"-1")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def answered(peers):
    expected = frame({"jsonrpc": "2.0", "id": "foo", "result": "ok"})
    for peer in peers:
        peer.sendall(frame(request("foo", "foo")))
    return sum(peer.recv(len(expected), socket.MSG_WAITALL) == expected for peer in peers)


def hold(host, port, count):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    peers = [socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT) for _ in range(int(count))]
    print(len(peers), flush=True)
    for _ in sys.stdin:
        print(answered(peers), flush=True)


if __name__ == "__main__":
    hold(*sys.argv[1:4])
