"""Base class of the tests that talk bytes to a real node."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from node_process import NodeProcess  # noqa: E402
from wire import Wire  # noqa: E402


class WireCase(unittest.TestCase):
    """One node for all tests of a class; it must outlive them and end well. `options` are its arguments."""

    options = ()
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.node = NodeProcess(*cls.options)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.node.stop()
        finally:
            cls.node.kill()

    def connect(self, **options):
        """A fresh connection, closed with the test."""
        wire = Wire(self.node.address, **options)
        self.addCleanup(wire.close)
        return wire

    def replies(self, *payloads):
        """Sends the payloads, ends the sending direction, and returns every raw payload that comes back.

        The end of the stream is the proof that nothing else was coming."""
        wire = self.connect()
        wire.send(*payloads)
        wire.finish()
        return wire.until_closed()

    def reply(self, payload):
        """The one reply to a payload, as raw bytes."""
        replies = self.replies(payload)
        self.assertEqual(len(replies), 1, f"expected one frame in answer to {payload!r}, got {replies!r}")
        return replies[0]

    def assert_silent(self, payload):
        """Nothing comes back for this payload, and the connection goes on."""
        foo = b'{"jsonrpc":"2.0","id":"after","method":"foo"}'
        self.assertEqual(self.replies(payload, foo), [b'{"jsonrpc":"2.0","id":"after","result":"ok"}'])

    def assert_error(self, answer, code, id=None):
        """`answer` (raw or decoded) is a well-formed error answer with this code and id."""
        message = json.loads(answer) if isinstance(answer, bytes) else answer
        self.assertIsInstance(message, dict, f"expected one error object, got {message!r}")
        self.assertEqual(message.get("jsonrpc"), "2.0")
        self.assertIn("id", message)
        self.assertEqual((message["id"], type(message["id"])), (id, type(id)), message)
        self.assertNotIn("result", message)
        self.assertEqual(message["error"]["code"], code, message)
        self.assertIsInstance(message["error"]["message"], str)
        self.assertTrue(message["error"]["message"])
        return message["error"]

    def assert_mesh_error(self, answer, code, executed, id=1):
        """A mesh error: its data tells whether the method ran, and which node says so."""
        error = self.assert_error(answer, code, id)
        self.assertEqual(error["data"]["executed"], executed, error)
        self.assertEqual(error["data"]["node"], self.node.id, error)
        return error

    def assert_alive(self):
        with Wire(self.node.address) as wire:
            self.assertEqual(wire.call("foo"), {"jsonrpc": "2.0", "id": 1, "result": "ok"})


def main():
    unittest.main(verbosity=2)
