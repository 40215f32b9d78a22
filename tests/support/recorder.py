"""Stands between two ends of a connection and writes down what passes."""

import json
import socket
import threading

TIMEOUT = 60


class Recorder:
    """Listens at `address` for one client of the server at HOST:PORT.

    `messages` are (who, message) in the order in which they came, each noted before it is passed on: so whatever a side
    was told stands before what it did upon that."""

    def __init__(self, at):
        host, _, port = at.rpartition(":")
        self.messages = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT)
        self.address = "%s:%d" % self._listener.getsockname()
        self._thread = threading.Thread(target=self._run, args=((host, int(port)),))
        self._thread.start()

    def _run(self, at):
        client, _ = self._listener.accept()
        with client, socket.create_connection(at, TIMEOUT) as server:
            server.settimeout(None)
            back = threading.Thread(target=self._pump, args=(server, client, "server"))
            back.start()
            self._pump(client, server, "client")
            back.join()

    def _pump(self, source, target, who):
        stream = source.makefile("rb")
        try:
            while header := stream.read(4):
                payload = stream.read(int.from_bytes(header, "big"))
                self.messages.append((who, json.loads(payload)))
                target.sendall(header + payload)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The other side has gone.

    def close(self):
        self._thread.join(TIMEOUT)
        self._listener.close()
