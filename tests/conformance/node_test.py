"""What the suite plays is what a node does: a real one is walked through the same protocol, from the other side."""

import contextlib
import json
import os
import pathlib
import socketserver
import struct
import sys
import threading
import unittest

from suite import ROOT, walked

from conformance import node_under_test, registry

sys.path.insert(0, str(ROOT / "tests/support"))

from node_process import NodeProcess  # noqa: E402


class AgreesToAll(socketserver.BaseRequestHandler):
    """A server that answers everything with "ok", whatever it is."""

    def handle(self):
        with contextlib.suppress(ConnectionError):
            self._answer()

    def _answer(self):
        stream = self.request.makefile("rb")
        while len(header := stream.read(4)) == 4:
            try:
                id = json.loads(stream.read(*struct.unpack(">i", header)))["id"]
            except (ValueError, TypeError, KeyError):
                id = None
            payload = json.dumps({"jsonrpc": "2.0", "id": id, "result": "ok"}).encode()
            self.request.sendall(struct.pack(">i", len(payload)) + payload)


class Node(unittest.TestCase):
    maxDiff = None

    def test_passes_every_edge(self):
        with NodeProcess() as node:
            outcomes = walked("node", node.listen, "--limit", "30")
        self.assertEqual({name: each for name, each in outcomes.items() if each[0] != "passed"}, {})
        self.assertEqual(outcomes.keys(), {each.name for each in registry.all_edges() if node_under_test.applies(each)})

    def test_one_that_agrees_to_all_fails_all_edges_but_the_simplest(self):
        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
        with Server(("127.0.0.1", 0), AgreesToAll) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            outcomes = walked("node", "%s:%d" % server.server_address, "--only", "^node", "--limit", "0.3")
            server.shutdown()
        passed = {name for name, (state, _) in outcomes.items() if state == "passed"}
        self.assertLessEqual(passed, {"node.heartbeat", "node.frames_split", "node.half_closed"})
        self.assertGreater(len(outcomes), 40)

    def test_an_address_where_nobody_is(self):
        (state, why), = walked("node", "127.0.0.1:1", "--only", "^node.heartbeat$").values()
        self.assertEqual(state, "failed")
        self.assertIn("the node takes no connection", why)


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).parent)
    unittest.main(verbosity=2)
