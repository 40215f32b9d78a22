"""The last rung of examples/history: the service and its caller, byte by byte and together."""

import socket
import unittest

from history import TIMEOUT, Case
from mesh import Mesh, eventually
from recorder import Recorder
from wire import Wire, notification, request


class Streams(Case):
    def setUp(self):
        self.server, self.at = self.serve("10_streaming_service")

    def open(self, to=1000, **stream):
        wire = self.wire(self.at)
        wire.send(request("s", "numbers.count", {"to": to}, stream=stream))
        self.assertEqual(wire.receive()["method"], "$/stream/accept")
        return wire

    def tell(self, wire, what, **params):
        wire.send(notification(what, {"id": "s", **params}))

    def items(self, wire, count):
        got = [wire.receive() for _ in range(count)]
        self.assertEqual({item["method"] for item in got}, {"$/stream/item"}, got)
        return [(item["params"]["seq"], item["params"]["value"]) for item in got]

    def assert_nothing_more(self, wire):
        """Whatever had been sent before would come before this answer."""
        for _ in range(3):
            self.assertEqual(wire.call("heartbeat", id="h").get("result"), "ok")

    def test_the_client_does_to_it_what_can_be_done_to_a_generator(self):
        lines, status = self.start("10_streaming_client", self.at).rest()
        self.assertEqual(status, 0)
        self.assertEqual(lines, [f"for: {list(range(20))}", "anext: 0 1", "asend: 500 501",
                                 "athrow: {'caught': 'catch this'} 501",
                                 "aclose: the other side has cleaned up"])
        self.assertEqual([self.server.line(), self.server.line()], ["cleanup at 20", "cleanup at 501"])

    def test_client_and_service_never_exceed_the_credit_that_they_have(self):
        recorder = Recorder(self.at)
        lines, status = self.start("10_streaming_client", recorder.address).rest()
        recorder.close()
        self.assertEqual(status, 0, lines)
        credit, sends, seqs, sent = {}, {}, {}, {}
        for who, message in recorder.messages:
            params = message.get("params", {})
            id = params.get("id")
            if "stream" in message:
                credit[message["id"]] = message["stream"]["credit"]
            elif message.get("method") == "$/stream/credit":
                credit[id] += params["credit"]
            elif message.get("method") == "$/stream/accept":
                sends[id] = sends.get(id, 0) + params["credit"]
            elif message.get("method") == "$/stream/item":
                seqs.setdefault(id, []).append(params["seq"])
                credit[id] -= 1
                self.assertGreaterEqual(credit[id], 0, recorder.messages)
            elif message.get("method") == "$/stream/send":
                sent.setdefault(id, []).append(params["seq"])
                sends[id] -= 1
                self.assertGreaterEqual(sends[id], 0, recorder.messages)
        self.assertEqual([len(seq) for seq in seqs.values()], [20, 6])
        for numbers in (*seqs.values(), *sent.values()):
            self.assertEqual(numbers, list(range(len(numbers))))

    def test_so_many_items_come_as_there_is_credit_for(self):
        wire = self.open(credit=3)
        self.assertEqual(self.items(wire, 3), [(0, 0), (1, 1), (2, 2)])
        self.assert_nothing_more(wire)
        self.tell(wire, "$/stream/credit", credit=2)
        self.assertEqual(self.items(wire, 2), [(3, 3), (4, 4)])
        self.assert_nothing_more(wire)

    def test_so_many_bytes_come_as_there_is_room_for(self):
        wire = self.open(credit=100, bytes=12)
        self.assertEqual(len(self.items(wire, 11)), 11)  # Ten of one digit, one of two.
        self.assert_nothing_more(wire)
        self.tell(wire, "$/stream/credit", bytes=1)
        self.assert_nothing_more(wire)
        self.tell(wire, "$/stream/credit", bytes=1)
        self.assertEqual(self.items(wire, 1), [(11, 11)])

    def test_the_end_is_the_response(self):
        wire = self.open(2, credit=3)
        self.assertEqual(len(self.items(wire, 2)), 2)
        end = wire.receive()
        self.assertEqual((end["id"], end["result"]), ("s", None))

    def test_cancelling_runs_the_cleanup_and_answers_once(self):
        wire = self.open(credit=3)
        self.items(wire, 3)
        self.tell(wire, "$/cancelRequest")
        self.assertEqual(wire.receive()["error"]["code"], -32800)
        self.assertEqual(self.server.line(), "cleanup at 2")
        self.tell(wire, "$/cancelRequest")
        self.assert_nothing_more(wire)

    def test_one_that_is_cancelled_at_once_is_answered_too(self):
        wire = self.wire(self.at)
        wire.send(request("s", "numbers.count", {"to": 9}, stream={"credit": 0}),
                  notification("$/cancelRequest", {"id": "s"}))
        while (end := wire.receive()).get("method") == "$/stream/accept":
            pass
        self.assertEqual((end["id"], end["error"]["code"]), ("s", -32800))

    def test_a_caller_that_goes_leaves_no_generator_behind(self):
        wire = self.open(credit=5)
        self.items(wire, 5)
        wire.close()
        self.assertEqual(self.server.line(), "cleanup at 4")

    def test_an_error_that_is_thrown_may_be_caught(self):
        wire = self.open(credit=1)
        self.items(wire, 1)
        self.tell(wire, "$/stream/throw", error={"code": 1, "message": "no"})
        self.tell(wire, "$/stream/credit", credit=2)
        self.assertEqual(self.items(wire, 2), [(1, {"caught": "no"}), (2, 0)])

    def test_an_error_that_is_not_caught_ends_the_stream(self):
        wire = self.open(credit=0)
        self.tell(wire, "$/stream/throw", error={"code": 42, "message": "before it began"})
        self.assertEqual(wire.receive()["error"], {"code": 42, "message": "before it began"})

    def test_who_sends_too_much_ahead_ends_its_own_stream(self):
        wire = self.open(credit=1)
        self.items(wire, 1)
        for seq in range(17):
            self.tell(wire, "$/stream/send", seq=seq, value=seq)
        end = wire.receive()
        self.assertEqual((end["id"], end["error"]["code"]), ("s", 8))
        self.assert_nothing_more(wire)

    def test_who_asked_for_no_stream_gets_all_items_in_one_answer(self):
        wire = self.wire(self.at)
        self.assertEqual(wire.call("numbers.count", [4])["result"], [0, 1, 2, 3])
        self.assertEqual(wire.call("numbers.count", "4")["error"]["code"], -32602)

    def test_client_and_service_do_the_same_through_nodes(self):
        direct = self.start("10_streaming_client", self.at).rest()
        self.assertEqual(direct[1], 0)
        node = self.node()
        mesh = Mesh("ab")
        self.addCleanup(mesh.stop)
        for number, (at, called) in enumerate([(node, node), (mesh["b"], mesh["a"])]):
            with self.subTest(nodes=number + 1):
                service = self.join("10_streaming_service", "--at", at.listen)
                wire = self.wire(called.listen)
                eventually(lambda: "result" in wire.call("numbers.count", [0], id="n"), "the way there is known")
                self.assertEqual(service.line(), "cleanup at 0")
                self.assertEqual(self.start("10_streaming_client", called.listen).rest(), direct)
                self.assertEqual([service.line(), service.line()], ["cleanup at 20", "cleanup at 501"])
                self.assertEqual(wire.call("numbers.count", [4], id="n")["result"], [0, 1, 2, 3])


class StreamingClient(Case):
    def test_it_sends_a_value_when_that_was_accepted_and_not_before(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(TIMEOUT)
            self.start("10_streaming_client", "%s:%d" % listener.getsockname())
            server = Wire.__new__(Wire)
            server.socket, server.timeout, server._buffer = listener.accept()[0], TIMEOUT, bytearray()
        self.addCleanup(server.close)
        first = server.receive()
        server.send({"jsonrpc": "2.0", "id": first["id"], "result": None})
        while "stream" not in (second := server.receive()):
            pass
        id = second["id"]
        for seq in range(2):
            self.assertEqual(server.receive()["method"], "$/stream/credit")
            server.send(notification("$/stream/item", {"id": id, "seq": seq, "value": seq}))
        # It has both items, and would have sent the value before this answer.
        for _ in range(3):
            self.assertEqual(server.call("heartbeat", id="h").get("result"), "ok")
        server.send(notification("$/stream/accept", {"id": id, "credit": 1}))
        sent = server.receive()
        self.assertEqual((sent["method"], sent["params"]), ("$/stream/send", {"id": id, "seq": 0, "value": 500}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
