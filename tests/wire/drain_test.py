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

    def held(self, wire):
        """A call under way until it is `let_go`: its method waits for an answer of ours."""
        wire.send(request("held", "demo.callback", {"method": "ask", "params": []}))
        question = wire.receive()
        self.assertEqual(question["method"], "ask")
        return question

    def let_go(self, wire, question):
        """Ends the call and reads its result."""
        wire.send({"jsonrpc": "2.0", "id": question["id"], "result": "done"})
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "held", "result": "done"})

    def draining(self, node):
        """A node that has been told to stop while a call is in flight: the connection that learnt of it, what it
        learnt, and the question of the call."""
        wire = self.connect(node)
        wire.call("connect", {"name": "test", "heartbeat_ms": 60_000})
        question = self.held(wire)
        node.terminate()
        goaway = wire.receive()
        self.assertEqual(goaway["method"], "$/goaway")
        self.assertNotIn("id", goaway)
        return wire, goaway["params"], question

    def test_of_an_idle_node_ends_at_once(self):
        node = self.start()
        node.terminate()
        node.wait()

    def test_says_why_and_how_long(self):
        node = self.start("--drain-timeout", "20s")
        wire, goaway, question = self.draining(node)
        self.assertIsInstance(goaway["reason"], str)
        self.assertTrue(goaway["reason"])
        self.assertTrue(0 < goaway["deadline_ms"] <= 20_000, goaway)
        self.assertTrue(0 < goaway["handover_ms"] <= goaway["deadline_ms"], goaway)
        self.let_go(wire, question)
        wire.until_closed()
        node.wait()

    def test_finishes_what_is_in_flight(self):
        node = self.start()
        wire, _, question = self.draining(node)
        self.let_go(wire, question)
        self.assertEqual(wire.until_closed(), [])
        node.wait()

    def test_is_not_ready_but_alive(self):
        node = self.start()
        self.assertEqual(node.admin("/readyz")[0], 200)
        wire, _, question = self.draining(node)
        self.assertEqual(node.admin("/readyz")[0], 503)
        self.assertEqual(node.admin("/livez")[0], 200)
        self.let_go(wire, question)
        node.wait()

    def test_accepts_no_new_connection(self):
        node = self.start()
        wire, _, question = self.draining(node)
        try:
            late = Wire(node.address)
        except ConnectionRefusedError:
            pass
        else:
            # The kernel may have completed the handshake before the port was closed.
            self.addCleanup(late.close)
            with self.assertRaises((Closed, OSError)):
                late.call("foo")
        self.let_go(wire, question)
        node.wait()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(node.address, timeout=10)

    def test_plain_clients_are_not_told_but_get_their_answers(self):
        node = self.start()
        plain = self.connect(node)
        of_plain = self.held(plain)
        wire, _, question = self.draining(node)
        self.let_go(wire, question)
        self.let_go(plain, of_plain)
        self.assertEqual(plain.until_closed(), [])
        node.wait()

    def test_does_not_wait_longer_than_its_timeout(self):
        node = self.start("--drain-timeout", "300ms")
        self.draining(node)
        since = time.monotonic()
        node.wait()
        self.assertLess(time.monotonic() - since, 15, "the node waited for the call")

    def test_a_second_signal_ends_at_once(self):
        node = self.start("--drain-timeout", "60s")
        self.draining(node)
        node.terminate()
        node.wait(expected=128 + signal.SIGTERM)

    def test_interrupt_is_the_same(self):
        node = self.start()
        node.process.send_signal(signal.SIGINT)
        node.wait()


if __name__ == "__main__":
    main()
