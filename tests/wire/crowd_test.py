"""Thousands of connections at once, all of them alive."""

import resource
import socket

from suite import WireCase, frame, main, request

WANTED = 10_000
# What this process and the node need besides the connections.
RESERVE = 256


def connections_possible():
    """Raises this process's descriptor limit as far as allowed; the node it starts inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard - RESERVE)


COUNT = connections_possible()


class Crowd(WireCase):
    options = ("--limits-connections", str(COUNT))

    def test_every_connection_is_answered_while_all_are_open(self):
        self.assertGreater(COUNT, 1000, "raise the descriptor limit (ulimit -n)")
        with self.crowd() as sockets:
            for id, peer in enumerate(sockets):
                peer.sendall(frame(request(id, "demo.echo", [id])))
            for id, peer in enumerate(sockets):
                expected = frame({"jsonrpc": "2.0", "id": id, "result": [id]})
                self.assertEqual(peer.recv(len(expected), socket.MSG_WAITALL), expected)
            self.assertEqual(self.node.metric("weft_tcp_connections"), COUNT)
        self.assert_alive()

    def crowd(self):
        return Crowded(self.node.address, COUNT)


class Crowded:
    def __init__(self, address, count):
        self.sockets = []
        try:
            for _ in range(count):
                self.sockets.append(socket.create_connection(address, timeout=60))
        except BaseException:
            self.close()
            raise

    def close(self):
        for peer in self.sockets:
            peer.close()

    def __enter__(self):
        return self.sockets

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    main()
