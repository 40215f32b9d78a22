"""The admin server when the data path has no time or no descriptors left; a node's log and its output."""

import os
import resource
import select
import subprocess
import time

from setup import MeshCase, Wire, eventually, frame, main, request

# What a busy machine may add to a time limit.
SLACK = 10


class Readiness(MeshCase):
    def test_it_tells_how_many_peers_are_connected(self):
        b = self.start_node("--id", "b")
        a = self.start_node("--id", "a", "--mesh-reconnect-max", "100ms", peers={"b": b.listen, "gone": "127.0.0.1:1"})
        checks = lambda: a.admin("/readyz?verbose")  # noqa: E731
        eventually(lambda: "[+]peers ok: 1 of 2 connected\n" in checks()[1], "b is connected")
        health = subprocess.run([a.binary, "health", "%s:%d" % a.admin_address], capture_output=True, text=True, timeout=30)
        self.assertEqual((health.returncode, health.stdout), (0, checks()[1]))
        b.kill()
        eventually(lambda: "[+]peers ok: 0 of 2 connected\n" in checks()[1], "b is gone")
        self.assertEqual(checks()[0], 200)


class Saturated(MeshCase):
    def test_every_page_is_answered_under_full_load(self):
        node = self.start_node("--reactors", "1")
        load = ["--connections", "64", "--pipeline", "32", "--duration", "60s", "--warmup", "0s"]
        bench = subprocess.Popen([node.binary, "bench", node.listen, *load],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(bench.wait)
        self.addCleanup(bench.kill)
        requests = lambda: node.metric("weft_messages_total", kind="request")  # noqa: E731
        eventually(lambda: requests() > 50_000, "the load has begun")
        for path in "/livez", "/readyz", "/readyz?verbose", "/peers", "/methods", "/config", "/metrics":
            since, before = time.monotonic(), requests()
            for _ in range(5):
                self.assertEqual(node.admin(path)[0], 200, path)
            self.assertLess(time.monotonic() - since, SLACK, path)
            eventually(lambda: requests() > before, "the load goes on")
        self.assertEqual(len(node.page("/connections")), 64)
        self.assertIsNone(bench.poll(), "the load ended before the test")
        self.assert_alive(node)


class OutOfDescriptors(MeshCase):
    MAX_FILES = 256

    def fill(self, node, count):
        """Connections whose handshake the kernel has completed, whether the node can accept them or not."""
        wires = []
        self.addCleanup(lambda: [wire.close() for wire in wires])
        for _ in range(count):
            wires.append(Wire(node.address))
        return wires

    def test_connections_never_use_up_what_the_admin_server_needs(self):
        node = self.start_node("--limits-connections", "100000", max_files=self.MAX_FILES)
        wires = self.fill(node, self.MAX_FILES + 50)
        self.assertEqual(node.admin("/readyz")[0], 200)
        def met():
            held = node.metric("weft_tcp_connections")
            return (held, node.metric("weft_limit_hits_total", limit="connections"))

        held, hits = eventually(lambda: sum(met()) >= len(wires) and met(), "all were accepted or refused")
        self.assertEqual(held + hits, len(wires))
        self.assertLessEqual(held, self.MAX_FILES - 64)
        (answer,) = wires[-1].until_closed()
        self.assertIn(b'"code":8', answer)
        self.assert_ok(wires[0].call("foo"), "ok")
        for wire in wires:
            wire.close()
        eventually(lambda: node.metric("weft_tcp_connections") == 0, "all are gone")
        self.assert_alive(node)

    def test_nor_do_they_where_many_reactors_need_descriptors_of_their_own(self):
        node = self.start_node("--reactors", "48", "--limits-connections", "100000", max_files=self.MAX_FILES)
        wires = self.fill(node, self.MAX_FILES)
        self.assertEqual(node.admin("/readyz")[0], 200)
        for wire in wires:
            wire.close()
        eventually(lambda: node.metric("weft_tcp_connections") == 0, "all are gone")
        self.assert_alive(node)

    def test_accept_rests_and_recovers(self):
        node = self.start_node("--reactors", "1")
        # Less than the node has counted on when it started, so that accept fails before any limit of its own.
        most = len(os.listdir(f"/proc/{node.pid}/fd")) + 10
        resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (most, most))
        wires = self.fill(node, 30)
        for wire in wires:
            wire.send(request(1, "foo"))
        eventually(lambda: "accept failed: Too many open files" in node.log(),
                   "the node has no descriptor left")
        self.assert_ok(wires[0].receive(), "ok")
        # When the one reactor has come round a few times more, everyone whom it accepted has been answered.
        for id in range(5):
            self.assert_ok(wires[0].call("foo", id=id), "ok", id=id)
        wires[0].send(request(1, "foo"))
        select.select([wires[0].socket], [], [])
        served = [wire for wire in wires if select.select([wire.socket], [], [], 0)[0]]
        waiting = [wire for wire in wires if wire not in served]
        self.assertTrue(served)
        before = node.cpu_seconds()
        # Nothing is answered in this second, and nothing is burnt.
        self.assertEqual(select.select([wire.socket for wire in waiting], [], [], 1.0)[0], [])
        self.assertLess(node.cpu_seconds() - before, 0.1)
        for wire in served:
            self.assert_ok(wire.receive(), "ok")
            self.assert_ok(wire.call("foo"), "ok")
            wire.close()
        since = time.monotonic()
        for wire in waiting[:len(served)]:
            self.assert_ok(wire.receive(), "ok")
        self.assertLess(time.monotonic() - since, SLACK)
        for wire in waiting:
            wire.close()
        self.assertGreaterEqual(node.metric("weft_limit_hits_total", limit="descriptors"), 1)

class Output(MeshCase):
    def test_standard_output_carries_the_ready_line_and_nothing_else(self):
        # The ready line itself is checked whenever a node starts.
        node = self.start_node("--log-level", "trace")
        with Wire(node.address) as wire:
            wire.call("connect", {"name": "client"})
            wire.send_bytes(b"\xff\xff\xff\xff")
            wire.until_closed()
        self.assertEqual(node.set_log_level("debug")["level"], "debug")
        node.terminate()
        rest = os.read(node.process.stdout.fileno(), 1 << 16)
        self.assertEqual(rest, b"", "the end of the stream must follow")
        node.wait()

    def test_the_log_level_changes_at_run_time(self):
        node = self.start_node("--log-level", "info", "--log-format", "text")
        self.provoke(node)
        self.assertNotIn(" debug ", node.log())
        self.assertEqual(node.set_log_level("debug"), {"level": "debug", "previous": "info"})
        self.assertEqual(node.page("/log-level"), {"level": "debug"})
        self.provoke(node)
        eventually(lambda: " debug " in node.log(), "the log has the level debug")
        self.assertEqual(node.set_log_level("off")["previous"], "debug")

        def silent():
            before = node.log()
            self.provoke(node)
            return node.log() == before
        eventually(silent, "nothing is logged any more")

    def provoke(self, node):
        """A connection that ends inside a frame, which is worth a line to whoever looks for such a thing."""
        with Wire(node.address) as wire:
            wire.call("connect", {"name": "client"})
            wire.send_bytes(frame(request(1, "foo"))[:-1])
            wire.finish()
            wire.until_closed()
        eventually(lambda: node.metric("weft_tcp_connections") == 0, "the connection is gone")

    def test_a_wrong_log_level_names_the_right_ones(self):
        node = self.start_node()
        answer = subprocess.run(["curl", "-sS", "-d", "loud", "http://%s:%d/log-level" % node.admin_address],
                                capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertIn("loud", answer)
        self.assertIn("debug", answer)
        self.assertEqual(node.page("/log-level"), {"level": "info"})


if __name__ == "__main__":
    main()
