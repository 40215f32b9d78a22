"""What `/routes` and `weft routes` tell: where calls go at this moment, and why."""

import re
import subprocess

from setup import eventually, main, request
from service_case import ServiceCase

from service import echo


class Routes(ServiceCase):
    options = ("--reactors", "2", "--ejection-consecutive-failures", "3", "--ejection-base-time", "30s",
               "--balance", "hashed.*=consistent_hash")

    def route(self, node, method):
        """What the node says of a method of this test; empty when it knows none."""
        return next((each for each in self.mesh[node].page("/routes") if each["method"] == self.name(method)), {})

    def instances(self, node, method):
        return {each["instance"] or each["node"]: each for each in self.route(node, method).get("instances", [])}

    def told(self, node):
        """The lines of `weft routes`."""
        node = self.mesh[node]
        done = subprocess.run([node.binary, "routes", "%s:%d" % node.admin_address], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_instances_here_and_nodes_elsewhere(self):
        service = self.serve("a", {"method": "get", "idempotent": True, "max_in_flight": 7}, handler=echo,
                             name="users", instance="users-1")
        self.client("b", service)
        here = self.instances("a", "get")["users-1"]
        self.assertEqual({key: here[key] for key in ("node", "service", "local", "idempotent", "max_in_flight", "state")},
                         {"node": "node-a", "service": "users", "local": True, "idempotent": True, "max_in_flight": 7,
                          "state": "healthy"})
        there = self.instances("b", "get")["node-a"]
        self.assertEqual((there["local"], there["instances"], there["idempotent"]), (False, 1, True))
        for node, told in ("a", "users-1"), ("b", "node-a"):
            lines = [line for line in self.told(node).splitlines() if told in line]
            self.assertTrue(any("healthy" in line for line in lines), self.told(node))

    def test_the_command_s_columns_are_aligned(self):
        long = "a_method_with_a_name_that_is_longer_than_any_column_would_be"
        service = self.serve("a", "get", long, "öffnen", handler=echo, name="users", instance="users-1")
        self.client("a", service)
        lines = self.told("a").splitlines()
        titles = ["METHOD", "POLICY", "NODE", "INSTANCE", "STATE", "IN FLIGHT", "LATENCY ms", "CALLS", "FAILURES", "EJECTIONS"]
        self.assertEqual(re.split(" {2,}", lines[0]), titles)
        begins = [lines[0].index(title) for title in titles[:5]]
        ends = [lines[0].index(title) + len(title) for title in titles[5:]]
        for method in "get", long, "öffnen":
            line, = (line for line in lines if line.startswith(self.name(method) + " "))
            cells = [line[begin:end].rstrip() for begin, end in zip(begins, [*begins[1:], ends[0] - len("IN FLIGHT")])]
            self.assertEqual(cells, [self.name(method), "p2c", "node-a (this)", "users/users-1", "healthy"])
            numbers = [line[:end].split()[-1] for end in ends]
            self.assertRegex(" ".join(numbers), r"^\d+ \d+\.\d{3} \d+ \d+ \d+$")
            self.assertEqual(len(line), ends[-1])
        self.assertIn(["foo", "in_process", "(this)", "in the process", "healthy"], [re.split(" {2,}", line) for line in lines])

    def test_calls_under_way_failures_and_latency(self):
        service = self.serve("a", "get", instance="one")
        wire = self.client("a", service)
        wire.send(request(1, self.name("get")))
        got = service.take()
        eventually(lambda: self.instances("a", "get")["one"]["in_flight"] == 1, "one call is under way")
        got.answer("ok")
        wire.receive()
        after = self.instances("a", "get")["one"]
        self.assertEqual((after["in_flight"], after["calls"], after["failures"]), (0, 1, 0))
        self.assertGreater(after["latency_ms"], 0)

    def test_an_ejected_instance(self):
        well = self.serve("a", "get", instance="well", handler=echo)
        ill = self.serve("a", "get", instance="ill", handler=lambda got: got.fail(-32603, "broken"))
        wire = self.client("a", well, ill)

        def ejected():
            wire.send(*(request(id, self.name("get")) for id in range(10)))
            for _ in range(10):
                wire.receive()
            return self.instances("a", "get")["ill"]["state"] == "ejected"

        eventually(ejected, "the instance that fails is ejected")
        self.assertEqual(self.instances("a", "get")["well"]["state"], "healthy")
        self.assertGreaterEqual(self.instances("a", "get")["ill"]["ejections"], 1)
        self.assertGreaterEqual(self.instances("a", "get")["ill"]["failures"], 3)
        self.assertRegex(self.told("a"), r"ill\b.*ejected|ejected.*\bill\b")

    def test_the_policy_and_the_methods_of_the_process(self):
        self.serve("a", "get", handler=echo)
        eventually(lambda: self.route("a", "get").get("policy") == "p2c", "the default policy is told")
        service = self.serve("a", "other", handler=echo)
        service.wire.send(request("again", "connect", {"serves": ["hashed.get"]}))
        eventually(lambda: ["consistent_hash"] == [each["policy"] for each in self.mesh["a"].page("/routes")
                                                   if each["method"] == "hashed.get"], "the rule's policy is told")
        self.assertIn({"method": "foo", "policy": "in_process", "instances": []}, self.mesh["a"].page("/routes"))
        self.assertIn("demo.echo", self.told("a"))

    def test_what_is_gone_is_gone(self):
        service = self.serve("a", "get", handler=echo)
        self.client("a", service)
        self.assertEqual(len(self.route("a", "get")["instances"]), 1)
        service.close()
        eventually(lambda: not self.route("a", "get").get("instances"), "no instance is listed")

    def test_the_command_without_a_node(self):
        done = subprocess.run([self.mesh["a"].binary, "routes", "127.0.0.1:1"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("127.0.0.1:1", done.stderr)


if __name__ == "__main__":
    main()
