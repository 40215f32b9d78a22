"""What `connect` and `mesh.drain` have confirmed is in force on the node; what a client declares has limits."""

import json
import re
import threading
import time

from suite import WireCase, eventually, main, request

from service import Refused, Service


class Registration(WireCase):
    options = ("--reactors", "3")

    def test_what_was_confirmed_can_be_called_at_once(self):
        callers = [self.connect() for _ in range(6)]
        for number in range(60):
            methods = [f"fresh.{number}.{i}" for i in range(50)]
            service = Service(self.node, methods, lambda got: got.answer("yes"))
            answer = callers[number % 6].call(methods[-1])
            self.assertEqual(answer.get("result"), "yes", answer)
            service.close()


class Withdrawal(WireCase):
    # Of its own: a node remembers so many methods that were served once.
    options = ("--reactors", "3")

    def test_what_was_withdrawn_is_not_called_any_more(self):
        callers = [self.connect() for _ in range(6)]
        for number in range(30):
            service = Service(self.node, [f"gone.{number}"], lambda got: got.answer("still there"))
            self.assertEqual(service.call("connect", {"serves": []})["result"]["node"], self.node.id)
            self.assertEqual(callers[number % 6].call(f"gone.{number}")["error"]["code"], 14)
            service.close()

    def test_a_drain_that_was_confirmed_brings_no_call_any_more(self):
        for number in range(30):
            service = Service(self.node, [f"drained.{number}"])
            wire = self.connect()
            self.assertEqual(service.call("mesh.drain")["result"], "ok")
            self.assertEqual(wire.call(f"drained.{number}")["error"]["code"], 14)
            self.assertTrue(service.idle())
            service.close()


class Order(WireCase):
    options = ("--reactors", "3")

    def test_the_answer_comes_before_the_first_call(self):
        stop = threading.Event()

        def call_all_the_time(wire):
            while not stop.is_set():
                wire.call("busy.m", deadline_ms=50)

        callers = [threading.Thread(target=call_all_the_time, args=(self.connect(),)) for _ in range(3)]
        for caller in callers:
            caller.start()
        try:
            for _ in range(40):
                wire = self.connect()
                wire.send(request("connect", "connect", {"serves": ["busy.m"]}))
                self.assertEqual(wire.receive()["id"], "connect")
                wire.close()
        finally:
            stop.set()
            for caller in callers:
                caller.join()

    def test_in_a_batch(self):
        wire = self.connect()
        wire.send([request(1, "connect", {"serves": ["batched.m"]}), request(2, "foo"), request(3, "mesh.drain")])
        self.assertEqual([answer["id"] for answer in wire.receive()], [1, 2, 3])

    def test_two_hundred_times_under_load(self):
        wire = self.connect()
        service = Service(self.node, ["again.m"], lambda got: got.answer("here"))
        self.addCleanup(service.close)
        for number in range(200):
            self.assertIn("result", service.call("connect", {"serves": ["again.m", f"again.{number}"]}))
            self.assertEqual(wire.call("again.m")["result"], "here")

    def test_an_exact_name_wins_over_a_longer_over_a_shorter_prefix(self):
        for pattern in ("deep.*", "deep.er.*", "deep.er.exact"):
            service = Service(self.node, [pattern], lambda got, pattern=pattern: got.answer(pattern))
            self.addCleanup(service.close)
        wire = self.connect()
        for method, pattern in (("deep.er.exact", "deep.er.exact"), ("deep.er.other", "deep.er.*"), ("deep.x.y.z", "deep.*"),
                                ("deep.er.exact.not", "deep.er.*")):
            self.assertEqual(wire.call(method)["result"], pattern)
        self.assertEqual(wire.call("deepest.x")["error"]["code"], -32601)


class OwnMethods(WireCase):
    def test_cannot_be_served_by_others(self):
        for method in ("foo", "demo.echo"):
            with self.assertRaises(Refused) as refused:
                Service(self.node, [method])
            self.assertEqual(refused.exception.error["code"], -32602)
            self.assertIn(f"'{method}' is a method of the node itself", refused.exception.error["message"])


class Log(WireCase):
    """What an operator reads of services that come and go."""

    def title(self, wire, name="'users', instance 'users-1',"):
        return "service %s at 127.0.0.1:%d" % (name, wire.socket.getsockname()[1])

    def test_a_service_that_comes_changes_and_goes(self):
        who = {"name": "users", "instance": "users-1"}
        service = Service(self.node, ["users.get", "users.list"], **who)
        title = self.title(service.wire)
        # The services of the tests have one method more.
        self.node.await_log(f"{title} has joined, with 3 methods")
        service.wire.send(request("same", "connect", {**who, "serves": ["users.get", "users.list", service.ready]}),
                          request("less", "connect", {**who, "serves": ["users.get"]}))
        self.node.await_log(f"{title} now serves 1 method instead of 3")
        self.assertEqual(self.node.log().count(f"{title} now serves"), 1, "the same again is no news")
        service.close()
        self.node.await_log(f"{title} is gone, with 1 method\n")

    def test_one_that_withdraws_is_gone_once(self):
        wire = self.connect()
        wire.call("connect", {"serves": ["nameless.m"]})
        title = self.title(wire, "without a name")
        self.node.await_log(f"{title} has joined, with 1 method\n")
        wire.call("mesh.drain")
        address = '"127.0.0.1:%d"' % wire.socket.getsockname()[1]
        wire.close()
        eventually(lambda: address not in self.node.admin("/connections")[1], "the connection is closed")
        self.assertEqual(self.node.await_log(f"{title} is gone").count(f"{title} is gone"), 1)

    def test_clients_that_serve_nothing_are_no_news(self):
        wire = self.connect()
        wire.call("connect", {"name": "client", "serves": []})
        wire.call("connect", {"name": "client"})
        self.assertNotIn(self.title(wire, "'client'"), self.node.log())


class LogFlood(WireCase):
    def test_lines_are_few_and_say_how_many_were_left_out(self):
        wire = self.connect()
        began = time.monotonic()
        for number in range(300):
            wire.send(request(number, "connect", {"serves": [f"flood.m{number}"]}))
        for _ in range(300):
            self.assertIn("result", wire.receive())

        def lines():
            return [line for line in self.node.log().splitlines() if "service without a name at" in line]

        def told():
            """Lines, and those that they say are missing."""
            wire.call("connect", {"serves": [f"later.m{time.monotonic_ns()}"]})
            missing = (re.search(r"\((\d+) such lines left out\)", line) for line in lines())
            return len(lines()) + sum(int(found[1]) for found in missing if found)

        eventually(lambda: len(lines()) >= 10, "there are lines")
        self.assertLessEqual(len(lines()), 10 * (time.monotonic() - began + 2))
        eventually(lambda: told() >= 300, "every change has a line or is counted")


class Members(WireCase):
    def test_one_that_is_not_known_is_refused_with_those_that_are(self):
        with self.assertRaises(Refused) as refused:
            Service(self.node, ["fine.m", {"method": "typo.m", "idempotant": True}])
        self.assertEqual(refused.exception.error["code"], -32602)
        self.assertEqual(refused.exception.error["message"],
                         "'typo.m': there is no member 'idempotant' of 'serves'; there are method, idempotent, max_in_flight, "
                         "params, result, stream, item, input, resumable")
        self.assertNotIn("fine.m", self.node.admin("/routes")[1])

    def test_of_another_node_is_ignored_it_may_be_newer(self):
        wire = self.connect()
        wire.call("connect", {"node": "newer"})
        wire.send(request("routes", "mesh.routes", {"seq": 1, "reset": True,
                                                    "add": [{"method": "newer.m", "instances": 1, "of_the_future": 1}]}))
        while (message := wire.receive()).get("id") != "routes":
            pass
        eventually(lambda: '"newer.m"' in self.node.admin("/routes")[1], "the method is known")


class SchemasOfAll(WireCase):
    options = ("--limits-schema-total-bytes", "10000B")

    def serve(self, name, methods):
        service = Service(self.node, [{"method": f"{name}.m{i}", "params": ["x" * 996]} for i in range(methods)])
        self.addCleanup(service.close)
        return service

    def is_refused(self, name, methods):
        with self.assertRaises(Refused) as refused:
            self.serve(name, methods)
        self.assertEqual(refused.exception.error["code"], 8)
        self.assertIn("limits.share_percent of limits.schema_total_bytes", refused.exception.error["message"])

    def has_room(self, name, methods):
        try:
            self.serve(name, methods)
        except Refused:
            return False
        return True

    def test_one_connection_has_its_share_and_all_together_have_a_limit(self):
        first = self.serve("first", 2)
        self.is_refused("second", 3)
        for k in range(4):
            self.serve(f"other{k}", 2)
        self.is_refused("last", 1)
        self.assertEqual(self.node.metric("weft_limit_hits_total", limit="schema_total_bytes"), 2)
        first.close()
        eventually(lambda: self.has_room("last", 2), "what is gone leaves its room")


class Schemas(WireCase):
    options = ("--limits-schema-bytes", "1000B", "--limits-routes", "100", "--limits-share-percent", "100")

    def schema(self, size):
        text = json.dumps(["x"], separators=(",", ":"))
        return ["x" * (size - len(text) + 1)]

    def test_have_a_limit(self):
        for size in (999, 1000):
            Service(self.node, [{"method": "fits.m", "params": self.schema(size)}]).close()
        with self.assertRaises(Refused) as refused:
            Service(self.node, [{"method": "large.m", "result": self.schema(1001)}])
        self.assertEqual(refused.exception.error["code"], -32602)
        self.assertIn("limits.schema_bytes", refused.exception.error["message"])
        self.assert_alive()

    def test_the_methods_of_all_have_a_limit(self):
        known = sum(bool(route["instances"]) or route["policy"] == "in_process"
                    for route in json.loads(self.node.admin("/routes")[1]))
        room = 100 - known
        # The service of the tests has one method more.
        first = Service(self.node, [f"many.{i}" for i in range(room - 2)])
        second = Service(self.node, [])
        with self.assertRaises(Refused) as refused:
            Service(self.node, [])
        self.assertEqual(refused.exception.error["code"], 8)
        self.assertIn("limits.routes", refused.exception.error["message"])
        self.assertEqual(self.node.metric("weft_limit_hits_total", limit="routes"), 1)
        first.close()
        second.close()


class Controls(WireCase):
    def test_every_request_is_answered(self):
        wire = self.connect()
        wire.call("connect", {"node": "somebody"})
        for method, params in (("mesh.resync", None), ("mesh.routes", {"seq": 1, "reset": True}), ("mesh.routes", {"seq": "x"}),
                               ("mesh.drain", None), ("heartbeat", None), ("$/goaway", None), ("$/cancelRequest", {"id": 1})):
            with self.subTest(method):
                wire.send(request("single", method, params), [request(1, method, params), request(2, "foo")])
                waiting = {"single", "batch"}
                while waiting:
                    message = wire.receive()
                    if isinstance(message, list):
                        self.assertEqual([part["id"] for part in message], [1, 2])
                        waiting.remove("batch")
                    elif message.get("id") == "single":
                        waiting.remove("single")

    def test_wrong_members_are_named(self):
        wire = self.connect()
        for params, named in (({"node": 1}, "'node'"), ({"limits": 1}, "'limits'"), ({"limits": {"frame_bytes": "x"}}, "'frame_bytes'"),
                              ({"limits": {"frame_bytes": 1023}}, "at least 1024"),
                              ({"incarnation": []}, "'incarnation'"), ({"heartbeat_ms": "x"}, "'heartbeat_ms'"),
                              ({"serves": "x"}, "'serves'"), ({"serves": [{"method": 1}]}, "serves")):
            answer = wire.call("connect", params)
            self.assertEqual(answer["error"]["code"], -32602)
            self.assertIn(named, answer["error"]["message"])
        wire.call("connect", {"node": "somebody"})

        def ask(params):
            wire.send(request("asked", "mesh.routes", params))
            while (message := wire.receive()).get("id") != "asked":
                pass
            return message

        for params, named in ((None, "params"), ({"seq": "x"}, "'seq'"), ({}, "'seq'"), ({"seq": -1}, "'seq'"), ({"seq": 1.5}, "'seq'"),
                              ({"seq": 1, "reset": "yes"}, "'reset'"), ({"seq": 1, "add": {}}, "'add'"),
                              ({"seq": 1, "remove": [1]}, "'remove'"), ([1], "params")):
            answer = ask(params)
            self.assertEqual(answer["error"]["code"], -32602, params)
            self.assertIn(named, answer["error"]["message"])
        self.assertEqual(ask({"seq": 1, "reset": True, "add": ["x.y", 7, {"method": "x.z", "instances": "many"}]})["result"], "ok")
        self.assertIn('"x.y"', self.node.admin("/routes")[1])
        self.assertNotIn('"x.z"', self.node.admin("/routes")[1])
        self.assertGreater(self.node.metric("weft_control_messages_invalid_total"), 5)
        self.assertEqual(self.node.metric("weft_actor_failures_total"), 0)
        service = Service(self.node, ["later.m"], lambda got: got.answer(1))
        self.addCleanup(service.close)
        self.assertEqual(self.connect().call("later.m")["result"], 1)


if __name__ == "__main__":
    main()
