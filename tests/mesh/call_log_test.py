"""The line of a call in the log: what it says, which calls get one, and that there are not too many."""

import json

from setup import MeshCase, eventually, main, relay

from service import Service
from wire import request

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
JSON = ("--log-format", "json")


class CallLog(MeshCase):
    def lines(self, node, **members):
        """The lines of calls that have these members."""
        lines = [json.loads(line) for line in node.log().splitlines()]
        return [line for line in lines if line["logger"] == "call" and members.items() <= line.items()]

    def line(self, node, **members):
        """The one line with these members, which may be on its way."""
        found = eventually(lambda: self.lines(node, **members), f"a line with {members} in\n{node.log()}")
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_a_failed_call_has_a_line_with_all_that_is_known(self):
        node = self.start_node("--id", "n1", *JSON)
        service = Service(node, ["users.get"], name="users", instance="a")
        self.addCleanup(service.close)
        client = self.connect(node)
        service.reachable_from(client)
        self.assertIn("result", client.call("connect", {"name": "shop", "instance": "7"}))
        client.send(request(1, "users.get", traceparent=f"00-{TRACE}-{SPAN}-01"))
        service.take_call().fail(-32602, "no")
        self.assert_error(client.receive(), -32602)
        line = self.line(node, method="users.get")
        self.assertGreater(line.pop("duration_ms"), 0)
        self.assertRegex(line.pop("ts"), r"^\d{4}-\d\d-\d\dT")
        self.assertEqual(line, {
            "level": "warn", "logger": "call", "node": "n1", "side": "server", "method": "users.get",
            "caller": "shop/7", "caller_address": "%s:%d" % client.socket.getsockname(),
            "callee": "users/a", "callee_node": "n1", "code": -32602, "status": "INVALID_PARAMS", "attempts": 1,
            "trace_id": TRACE, "span_id": SPAN})

    def test_successes_have_none_unless_all_calls_are_logged(self):
        quiet = self.start_node(*JSON)
        every = self.start_node("--log-calls", "all", *JSON)
        for node in (quiet, every):
            client = self.connect(node)
            self.assert_ok(client.call("foo"), "ok")
            self.assert_error(client.call("no.such"), -32601)
        self.assertEqual(self.line(quiet)["method"], "no.such")
        self.assertEqual(self.line(every, method="foo")["status"], "OK")
        self.assertEqual(self.line(every, method="no.such")["code"], -32601)

    def test_off_is_off(self):
        node = self.start_node("--log-calls", "off", *JSON)
        client = self.connect(node)
        self.assert_error(client.call("no.such"), -32601)
        node.terminate()
        node.wait()
        self.assertEqual(self.lines(node), [])

    def test_failures_without_end_do_not_flood_the_log(self):
        node = self.start_node("--reactors", "1", "--log-calls-per-second", "5", *JSON)
        client = self.connect(node)
        count = 500
        client.send(*[request(i, "no.such") for i in range(count)])
        for _ in range(count):
            client.receive()
        hits = eventually(lambda: node.metric("weft_limit_hits_total", limit="calls_per_second"), "the limit is hit")
        self.assertEqual(len(self.lines(node)) + hits, count)
        self.assertLess(len(self.lines(node)), count / 10)

    def test_a_handlers_own_call_has_a_line_of_its_own(self):
        mesh = self.start_mesh(["a", "b"], *JSON)
        client = mesh.connect("a")
        self.addCleanup(client.close)
        client.send(relay(1, "b", method="no.such"))
        self.assert_error(client.receive(), -32601)
        self.assertEqual(self.line(mesh["a"], side="client")["callee"], "b")
        self.assertEqual(self.line(mesh["a"], side="server")["method"], "demo.relay")
        self.assertEqual(self.line(mesh["b"])["caller"], "node-a")

    def test_text_lines_hold_the_same_and_cannot_be_forged(self):
        node = self.start_node()
        client = self.connect(node)
        self.assert_error(client.call('x" code=0\nlevel=info'), -32601)
        (line,) = eventually(lambda: [line for line in node.log().splitlines() if " call: " in line], "a line")
        self.assertIn(' warn     call: node=', line)
        self.assertIn('method="x\\" code=0\\nlevel=info"', line)
        self.assertIn("code=-32601 status=METHOD_NOT_FOUND", line)


if __name__ == "__main__":
    main()
