"""A limit on everything: what happens at each of them, and that others do not notice."""

import select
import time

from suite import Closed, Wire, WireCase, frame, main, notification, request

from service import Service

LONG = {"ms": 25_000}


class LimitCase(WireCase):
    def hits(self, limit):
        return self.node.metric("weft_limit_hits_total", limit=limit)

    def assert_hit(self, limit, times=1):
        self.assertGreaterEqual(self.hits(limit), times, f"{limit} was not counted")


class InFlight(LimitCase):
    options = ("--limits-in-flight-per-connection", "4")

    def test_calls_over_the_limit_are_refused(self):
        wire = self.connect()
        wire.send(*(request(id, "demo.sleep", LONG) for id in range(5)))
        error = self.assert_mesh_error(wire.receive(), 8, "no", id=4)
        self.assertGreater(error["data"]["retry_after_ms"], 0)
        self.assertIn("4", error["message"], "the message should name the limit")
        self.assert_hit("in_flight_per_connection")
        # Room again as soon as one is over; other connections have their own.
        wire.send(notification("$/cancelRequest", {"id": 0}))
        self.assert_error(wire.receive(), -32800, 0)
        wire.send(request("fits", "demo.sleep", {"ms": 1}))
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "fits", "result": "ok"})
        self.assertEqual(self.connect().call("demo.sleep", {"ms": 1})["result"], "ok")

    def test_in_a_batch(self):
        wire = self.connect()
        wire.send([request(id, "demo.sleep", {"ms": 50}) for id in range(6)])
        self.assertEqual([a.get("error", {}).get("code") for a in wire.receive()], [None] * 4 + [8, 8])


class CallsPerReactor(LimitCase):
    options = ("--reactors", "1", "--limits-calls-per-reactor", "16")

    def test_calls_over_the_limit_are_refused_until_some_are_over(self):
        service = Service(self.node, ["silent.m"])
        self.addCleanup(service.close)
        # A quarter of them is what one connection may have.
        wires = [self.connect() for _ in range(4)]
        for wire in wires:
            wire.send(*(request(id, "silent.m") for id in range(4)))
        got = [service.take() for _ in range(16)]
        error = self.assert_mesh_error(self.connect().call("silent.m", id="more"), 8, "no", id="more")
        self.assertIn("the limit (limits.calls_per_reactor)", error["message"])
        error = self.assert_mesh_error(wires[0].call("silent.m", id="more"), 8, "no", id="more")
        self.assertIn("limits.share_percent of limits.calls_per_reactor", error["message"])
        self.assertEqual(self.hits("calls_per_reactor"), 2)
        got[0].answer("done")
        self.assertEqual(wires[0].receive()["result"], "done")
        wires[0].send(request("fits", "silent.m"))
        service.take().answer("fits")
        self.assertEqual(wires[0].receive()["result"], "fits")


class Blocking(LimitCase):
    options = ("--limits-blocking-calls", "1")

    def test_calls_over_the_limit_are_refused(self):
        wire = self.connect()
        wire.send(request(1, "demo.blocking", {"ms": 500}), request(2, "demo.blocking", {"ms": 1}))
        self.assert_mesh_error(wire.receive(), 8, "no", id=2)
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": 1, "result": "ok"})
        self.assert_hit("blocking_calls")


class SlowSender(LimitCase):
    options = ("--limits-frame-timeout", "200ms")

    def test_half_a_header(self):
        self.assert_cut(b"\x00\x00")

    def test_half_a_payload(self):
        self.assert_cut(frame(request(1, "foo"))[:-1])

    def assert_cut(self, data):
        before = self.hits("frame_timeout")
        wire, quiet = self.connect(), self.connect()
        since = time.monotonic()
        wire.send_bytes(data)
        self.assertEqual(wire.until_closed(), [])
        self.assertGreaterEqual(time.monotonic() - since, 0.19)
        self.assertEqual(self.hits("frame_timeout"), before + 1)
        self.assertEqual(quiet.call("foo")["result"], "ok", "silence between frames is no fault")

    def test_one_byte_now_and_then_does_not_help(self):
        wire = self.connect()
        wire.send_bytes(b"\x00\x00\x10\x00")
        deadline = time.monotonic() + 30
        with self.assertRaises(OSError):
            while time.monotonic() < deadline:
                # Readable means closed here: the wait is what makes the dripping slow.
                if select.select([wire.socket], [], [], 0.05)[0] and not wire.socket.recv(1):
                    raise ConnectionResetError
                wire.send_bytes(b" ")


class SlowReader(LimitCase):
    options = ("--limits-output-soft-bytes", "256KiB", "--limits-write-deadline", "500ms")

    def test_is_pushed_back_and_then_cut(self):
        wire = self.connect(receive_buffer=4096)
        echo = frame(request(None, "demo.echo", ["x" * 60_000]))
        self.flood(wire, echo)
        # What it did not read is bounded by the soft limit plus one read, not by what it sent.
        self.assertLess(self.node.resident_bytes(), self.resident_before + (64 << 20))
        poller = select.poll()
        poller.register(wire.socket, 0)
        self.assertTrue(poller.poll(30_000), "the connection was not cut")
        self.assert_hit("write_deadline")
        self.assert_hit("output_soft_bytes")
        self.assert_alive()

    def flood(self, wire, data):
        """Sends until the node takes no more, because of its limit and not because it gets no time."""
        self.resident_before = self.node.resident_bytes()
        before = self.hits("output_soft_bytes")
        wire.socket.setblocking(False)
        sent = 0
        while sent < 256 << 20:
            try:
                sent += wire.socket.send(data)
            except BlockingIOError:
                if not select.select([], [wire.socket], [], 0.2)[1] and self.hits("output_soft_bytes") > before:
                    return
            except ConnectionError:
                return
        self.fail("the node took 256 MiB from a peer that reads nothing")

    def test_others_do_not_notice(self):
        slow = self.connect(receive_buffer=4096)
        self.flood(slow, frame(request(None, "demo.echo", ["x" * 60_000])))
        other = self.connect()
        for id in range(100):
            self.assertEqual(other.call("foo", id=id)["result"], "ok")


class HardOutputLimit(LimitCase):
    # All requests are looked at in one slice, also by a slow node.
    options = ("--limits-batch-size", "10000", "--limits-output-hard-bytes", "8MiB",
               "--limits-write-deadline", "10m", "--reactor-slice", "100ms")

    def test_pending_output_over_it_cuts(self):
        # Answers that come later, from elsewhere: nothing could hold them back.
        service = Service(self.node, ["large.m"], lambda got: got.answer("x" * 100_000))
        self.addCleanup(service.close)
        wire = self.connect(receive_buffer=4096)
        wire.send(*(request(id, "large.m") for id in range(500)))
        poller = select.poll()
        poller.register(wire.socket, 0)
        self.assertTrue(poller.poll(30_000), "the connection was not cut")
        self.assert_hit("output_hard_bytes")
        self.assert_alive()


class Connections(LimitCase):
    options = ("--limits-connections", "3")

    def test_connections_over_the_limit_are_told_and_closed(self):
        held = [self.connect() for _ in range(3)]
        for wire in held:
            self.assertEqual(wire.call("foo")["result"], "ok")
        refused = self.connect()
        (answer,) = refused.until_closed()
        error = self.assert_mesh_error(answer, 8, "no", id=None)
        self.assertIn("3", error["message"], "the message should name the limit")
        self.assert_hit("connections")
        held.pop().reset()
        self.assertEqual(self.call_once_there_is_room()["result"], "ok")
        for wire in held:
            self.assertEqual(wire.call("foo")["result"], "ok")

    def call_once_there_is_room(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with Wire(self.node.address) as wire:
                try:
                    answer = wire.call("foo")
                    if "result" in answer:
                        return answer
                except (Closed, OSError):
                    continue
        self.fail("a connection that was closed made no room for another one")


class Idle(LimitCase):
    options = ("--limits-idle-timeout", "200ms")

    def test_plain_connections_that_say_nothing_are_closed(self):
        wire = self.connect()
        self.assertEqual(wire.call("foo")["result"], "ok")
        self.assertEqual(wire.until_closed(), [])
        self.assert_hit("idle_timeout")


class SmallFrames(LimitCase):
    options = ("--limits-frame-bytes", "1KiB", "--limits-depth", "4", "--limits-method-name-bytes", "8B")

    def test_sizes_are_configurable(self):
        wire = self.connect()
        self.assertEqual(wire.call("connect")["result"]["limits"]["frame_bytes"], 1024)
        self.assertEqual(wire.call("demo.echo"[:9])["error"]["code"], -32600)
        self.assertEqual(wire.call("foo", [[[]]])["result"], "ok")
        self.assertEqual(wire.call("foo", [[[[]]]])["error"]["code"], -32700)
        wire.send_bytes(b"\x00\x00\x04\x01")
        (answer,) = wire.until_closed()
        self.assert_mesh_error(answer, 8, "no", id=None)
        for limit in "frame_bytes", "depth", "method_name_bytes":
            self.assert_hit(limit)


if __name__ == "__main__":
    main()
