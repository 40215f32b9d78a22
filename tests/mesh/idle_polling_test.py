"""A reactor that polls before it sleeps: where calls follow each other soon, not where nothing happens."""

import time

from setup import MeshCase, eventually, main

POLLS, SECONDS = "weft_reactor_polls_total", "weft_reactor_poll_seconds_total"
# Of one core, in percent.
IDLE_CPU_PERCENT = 0.5
IDLE_S = 6
# Whatever else this machine does, an answer takes less.
PATIENT = ("--reactor-poll-window", "1ms", "--reactors", "1")


def call(wire, count):
    for id in range(count):
        answer = wire.call("foo", id=id)
        assert answer["result"] == "ok", answer


def cpu_percent(nodes):
    """Of each, over a time in which nobody asks them for anything."""
    before, began = [node.cpu_seconds() for node in nodes], time.monotonic()
    time.sleep(IDLE_S)
    passed = time.monotonic() - began
    return [100 * (node.cpu_seconds() - used) / passed for node, used in zip(nodes, before)]


class Polling(MeshCase):
    def call_until_polled(self, node, wire):
        def polled():
            call(wire, 200)
            return node.metric(POLLS) > 0
        eventually(polled, "a reactor polls between calls that follow each other")

    def test_calls_in_a_row_are_polled_for(self):
        node = self.start_node(*PATIENT)
        self.call_until_polled(node, self.connect(node))
        self.assertGreater(node.metric(SECONDS), 0)

    def test_without_a_window_nobody_polls(self):
        node = self.start_node("--reactor-poll-window", "0s", "--reactors", "1")
        call(self.connect(node), 2_000)
        self.assertEqual((node.metric(POLLS), node.metric(SECONDS)), (0, 0))

    def test_a_node_that_polled_sleeps_when_calls_end(self):
        node = self.start_node(*PATIENT)
        wire = self.connect(node)
        self.call_until_polled(node, wire)
        self.assertLess(cpu_percent([node])[0], IDLE_CPU_PERCENT)
        call(wire, 1)


class Idle(MeshCase):
    def test_introduced_connections_with_heartbeats(self):
        # Some heartbeats, but no silence long enough to end a connection.
        node = self.start_node("--protocol-heartbeat-interval", "3s")
        for number in range(3):
            answer = self.connect(node).call("connect", {"name": f"client-{number}"})
            self.assertIn("result", answer)
        self.assertLess(cpu_percent([node])[0], IDLE_CPU_PERCENT)
        self.assertEqual(node.metric("weft_tcp_connections"), 3)

    def test_three_nodes(self):
        mesh = self.start_mesh(["a", "b", "c"])
        used = cpu_percent([mesh[name] for name in "abc"])
        self.assertLess(max(used), IDLE_CPU_PERCENT, used)


if __name__ == "__main__":
    main()
