"""SIGTERM: not ready, goaway to everyone introduced, nothing new, what is in flight is finished, exit 0."""

import signal
import socket
import time
import unittest

from suite import Closed, NodeProcess, Wire, main, request


class Drain(unittest.TestCase):
    def start(self, *options):
        node = NodeProcess(*options)
        self.addCleanup(node.kill)
        return node

    def connect(self, node):
        wire = Wire(node.address)
        self.addCleanup(wire.close)
        return wire

    def draining(self, node, sleep_ms):
        """A node that has been told to stop while a call is in flight; the connection that learnt of it."""
        wire = self.connect(node)
        wire.call("connect", {"name": "test", "heartbeat_ms": 60_000})
        wire.send(request("slow", "demo.sleep", {"ms": sleep_ms}), request("sent", "foo"))
        self.assertEqual(wire.receive()["id"], "sent")
        node.terminate()
        goaway = wire.receive()
        self.assertEqual(goaway["method"], "$/goaway")
        self.assertNotIn("id", goaway)
        return wire, goaway["params"]

    def test_of_an_idle_node_ends_at_once(self):
        node = self.start()
        node.terminate()
        node.wait()

    def test_says_why_and_how_long(self):
        node = self.start("--drain-timeout", "20s")
        wire, goaway = self.draining(node, 500)
        self.assertIsInstance(goaway["reason"], str)
        self.assertTrue(goaway["reason"])
        self.assertTrue(0 < goaway["deadline_ms"] <= 20_000, goaway)
        self.assertTrue(0 < goaway["handover_ms"] <= goaway["deadline_ms"], goaway)
        wire.until_closed()
        node.wait()

    def test_finishes_what_is_in_flight(self):
        node = self.start()
        wire, _ = self.draining(node, 1500)
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "slow", "result": "ok"})
        self.assertEqual(wire.until_closed(), [])
        node.wait()

    def test_is_not_ready_but_alive(self):
        node = self.start()
        self.assertEqual(node.admin("/readyz")[0], 200)
        self.draining(node, 3000)
        self.assertEqual(node.admin("/readyz")[0], 503)
        self.assertEqual(node.admin("/livez")[0], 200)
        node.wait()

    def test_accepts_no_new_connection(self):
        node = self.start()
        self.draining(node, 2000)
        try:
            late = Wire(node.address)
        except ConnectionRefusedError:
            pass
        else:
            # The kernel may have completed the handshake before the port was closed.
            self.addCleanup(late.close)
            with self.assertRaises((Closed, OSError)):
                late.call("foo")
        node.wait()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(node.address, timeout=10)

    def test_plain_clients_are_not_told_but_get_their_answers(self):
        node = self.start()
        plain = self.connect(node)
        plain.send(request(1, "demo.sleep", {"ms": 1000}), request(2, "foo"))
        self.assertEqual(plain.receive()["id"], 2)
        self.draining(node, 1000)
        self.assertEqual(plain.receive(), {"jsonrpc": "2.0", "id": 1, "result": "ok"})
        self.assertEqual(plain.until_closed(), [])
        node.wait()

    def test_does_not_wait_longer_than_its_timeout(self):
        node = self.start("--drain-timeout", "300ms")
        self.draining(node, 25_000)
        since = time.monotonic()
        node.wait()
        self.assertLess(time.monotonic() - since, 15, "the node waited for the call")

    def test_a_second_signal_ends_at_once(self):
        node = self.start("--drain-timeout", "60s")
        self.draining(node, 25_000)
        node.terminate()
        node.wait(expected=128 + signal.SIGTERM)

    def test_interrupt_is_the_same(self):
        node = self.start()
        node.process.send_signal(signal.SIGINT)
        node.wait()


if __name__ == "__main__":
    main()
