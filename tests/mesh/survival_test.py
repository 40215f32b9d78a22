"""What must never take a node of the mesh down: it goes on, its peers stay, and its calls are answered."""

import random
import socket
import subprocess
import sys

from setup import Closed, Crowd, SharedMesh, Wire, eventually, frame, main, relay, request, sleep_on

CROWD = 10_000
LONG = {"ms": 25_000}


class Survival(SharedMesh):
    names = "ab"
    options = ("--reactors", "2", "--limits-connections", str(CROWD + 1000))

    def setUp(self):
        self.a, self.b = self.mesh["a"], self.mesh["b"]
        self.pids = self.a.pid, self.b.pid
        self.addCleanup(self.assert_mesh_serves)

    def assert_mesh_serves(self):
        """Both nodes still live, over the links they had before."""
        for node in self.a, self.b:
            self.assertIsNone(node.process.poll(), node.log())
            eventually(lambda: node.in_flight() == 0, f"nothing is in flight at {node.id}")
        with Wire(self.a.address) as wire:
            self.assert_ok(self.ask(wire, relay(1, "b")), {"node": "node-b"})
        for node, other in (self.a, "b"), (self.b, "a"):
            self.assertEqual(node.peer(other)["state"], "up")

    def killed_client(self, *payloads):
        """A process that sends these payloads, says so, waits for ever, and is killed with -9."""
        program = ("import socket, sys\n"
                   "peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
                   "peer.sendall(sys.stdin.buffer.read())\n"
                   "print('sent', flush=True)\n"
                   "while peer.recv(1 << 16): pass\n")
        client = subprocess.Popen([sys.executable, "-c", program, self.a.address[0], str(self.a.address[1])],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        client.stdin.write(b"".join(map(frame, payloads)))
        client.stdin.close()
        self.assertEqual(client.stdout.readline(), b"sent\n")
        return client

    def test_kill_of_a_client_leaves_nothing_in_flight(self):
        client = self.killed_client(*(request(id, "demo.sleep", LONG) for id in range(300)),
                                    *(sleep_on(300 + id, "b") for id in range(300)),
                                    [request(id, "demo.sleep", LONG) for id in range(600, 700)])
        eventually(lambda: self.a.in_flight() == 700 and self.b.in_flight() == 300, "everything is under way")
        client.kill()
        client.wait()
        for node in self.a, self.b:
            for direction in "inbound", "outbound":
                eventually(lambda: node.in_flight(direction) == 0, f"nothing {direction} at {node.id}")
            self.assertEqual(node.metric("weft_coroutines_running"), 0)

    def test_kill_of_a_client_that_reads_nothing(self):
        big = ["x" * 100_000]
        client = self.killed_client(*(request(id, "demo.echo", big) for id in range(50)))
        client.kill()
        client.wait()
        eventually(lambda: [each["role"] for each in self.a.page("/connections")].count("client") == 0,
                   "the client's connection is gone")

    def test_garbage(self):
        seed = random.Random(20).randbytes
        for size in 1, 3, 4, 5, 100, 10_000, 1_000_000:
            with self.subTest(size=size), Wire(self.a.address) as wire:
                try:
                    wire.send_bytes(seed(size))
                    wire.finish()
                    wire.until_closed()
                except (OSError, Closed):
                    # It may be cut while it still sends.
                    continue

    def test_garbage_in_good_frames(self):
        seed = random.Random(21).randbytes
        wire = self.connect(self.a)
        for size in 1, 2, 10, 1000, 100_000:
            for _ in range(20):
                # One random byte may be a digit, which is JSON and no request.
                self.assertIn(self.answer_to(wire, seed(size))["error"]["code"], (-32700, -32600))
        self.assert_ok(wire.call("foo"), "ok")

    def answer_to(self, wire, payload):
        wire.send(payload)
        return wire.receive()

    def test_lengths_of_two_gibibytes(self):
        before = self.a.resident_bytes()
        wires = [self.connect(self.a) for _ in range(100)]
        for wire in wires:
            wire.send_bytes(b"\x7f\xff\xff\xff")
        for wire in wires:
            (answer,) = wire.until_closed()
            self.assertIn(b'"code":8', answer)
        self.assertLess(self.a.resident_bytes(), before + (32 << 20))

    def test_lengths_that_are_declared_and_never_come(self):
        before = self.a.resident_bytes()
        wires = [self.connect(self.a) for _ in range(500)]
        for wire in wires:
            # The largest that is allowed: nothing may be allocated for it before it comes.
            wire.send_bytes((1 << 20).to_bytes(4, "big") + b"[")
        self.assert_alive(self.a)
        self.assertLess(self.a.resident_bytes(), before + (100 << 20))

    def test_400000_levels_of_nesting(self):
        wire = self.connect(self.a)
        arrays = b"[" * 400_000 + b"]" * 400_000
        for deep in (arrays, b"[" * 1_000_000, b'{"a":' * 170_000 + b"1" + b"}" * 170_000,
                     b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":' + arrays + b"}"):
            self.assertEqual(self.answer_to(wire, deep)["error"]["code"], -32700)
        self.assert_ok(wire.call("foo"), "ok")

    def test_10000_connections_and_their_sudden_death(self):
        before = self.a.metric("weft_tcp_connections")
        # Two processes: one alone would need more descriptors than it may have.
        with Crowd(self.a.address, CROWD // 2) as one, Crowd(self.a.address, CROWD // 2) as two:
            for crowd in one, two:
                self.assertEqual(crowd.wait_until_connected(), CROWD // 2)
            eventually(lambda: self.a.metric("weft_tcp_connections") >= before + CROWD, "all are accepted")
            for crowd in one, two:
                self.assertEqual(crowd.call(), CROWD // 2)
            self.assert_mesh_serves()
            one.kill()
            eventually(lambda: self.a.metric("weft_tcp_connections") <= before + CROWD // 2,
                       "the killed are gone")
            self.assertEqual(two.call(), CROWD // 2, "the others do not notice")
        eventually(lambda: self.a.metric("weft_tcp_connections") <= before, "all are gone")

    def test_connections_that_come_and_go(self):
        for _ in range(20):
            wires = [socket.create_connection(self.a.address) for _ in range(100)]
            for wire in wires:
                wire.sendall(frame(sleep_on(1, "b")))
            for wire in wires:
                wire.close()
        eventually(lambda: self.b.in_flight() == 0, "the far node has nothing left of them")


if __name__ == "__main__":
    main()
