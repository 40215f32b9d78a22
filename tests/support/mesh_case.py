"""Base class of the tests that need several nodes."""

import faulthandler
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from mesh import Mesh, MeshNode  # noqa: E402
from wire import Wire, request  # noqa: E402

# Longer than any test waits: whoever sleeps so long is cancelled, or the test fails.
LONG_MS = 25_000


def relay(id, *path, method="demo.whoami", params=None, **members):
    """A request that goes from peer to peer along `path` and calls the method on the last one."""
    params = {} if params is None else params
    for name in reversed(path):
        params = {"to": name, "method": method, "params": params}
        method = "demo.relay"
    return request(id, method, params, **members)


def sleep_on(id, *path, ms=LONG_MS, **members):
    return relay(id, *path, method="demo.sleep", params={"ms": ms}, **members)


class MeshCase(unittest.TestCase):
    maxDiff = None

    def start_mesh(self, names, *options, **more):
        """Nodes that end with the test, and well if they are still there."""
        mesh = Mesh(names, *options, **more)
        self.addCleanup(mesh.stop)
        return mesh

    def start_node(self, *options, **more):
        node = MeshNode(*options, **more)
        self.addCleanup(node.kill)
        self.addCleanup(node.stop)
        return node

    def connect(self, node, **options):
        """A fresh connection, closed with the test."""
        wire = Wire(node.address, **options)
        self.addCleanup(wire.close)
        return wire

    def ask(self, wire, payload):
        """Sends one payload whose answer must be the next frame."""
        wire.send(payload)
        return wire.receive()

    def assert_ok(self, answer, result, id=1):
        self.assertEqual(answer, {"jsonrpc": "2.0", "id": id, "result": result})

    def assert_error(self, answer, code, id=1):
        self.assertEqual((answer["id"], answer.get("error", {}).get("code")), (id, code), answer)
        self.assertNotIn("result", answer)
        self.assertTrue(answer["error"]["message"])
        return answer["error"]

    def assert_mesh_error(self, answer, code, executed, node, id=1):
        """A mesh error that says whether the method ran, and which node says so."""
        error = self.assert_error(answer, code, id)
        self.assertEqual((error["data"]["executed"], error["data"]["node"]), (executed, node.id), error)
        return error

    def assert_alive(self, node):
        with Wire(node.address) as wire:
            self.assert_ok(wire.call("foo"), "ok")


class SharedMesh(MeshCase):
    """One mesh, `mesh`, for all tests of a class."""

    names = "abc"
    options = ()

    @classmethod
    def setUpClass(cls):
        case = cls()
        cls.mesh = case.start_mesh(list(cls.names), *cls.options)
        cls.addClassCleanup(case.doCleanups)


def main():
    # Before ctest ends a test that hangs: where it hangs.
    faulthandler.dump_traceback_later(280)
    unittest.main(verbosity=2)
