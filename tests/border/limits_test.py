"""A case at every limit, one below and one beyond it: for the limits that this file can drive, here and across a node;
for the others, the tests that do are named and must exist. The program says which limits there are: one that is not in
the table fails the suite."""

import json
import os
import pathlib
import re
import subprocess

from setup import MeshCase, Service, StreamService, _environment, eventually, frame, main, request


TESTS = pathlib.Path(__file__).resolve().parents[1]
LONG_MS = 25_000


def tested_in(file, *names):
    return {"file": file, "names": names}


# Of the limits that need more than so many of something: where their tests are.
ELSEWHERE = {
    "limits.connections": tested_in("wire/limits_test.py", "Connections"),
    "limits.output_soft_bytes": tested_in("wire/limits_test.py", "class SlowReader"),
    "limits.output_hard_bytes": tested_in("wire/limits_test.py", "class HardOutputLimit"),
    "limits.write_deadline": tested_in("wire/limits_test.py", "limits-write-deadline"),
    "limits.frame_timeout": tested_in("wire/limits_test.py", "limits-frame-timeout"),
    "limits.idle_timeout": tested_in("wire/limits_test.py", "class Idle"),
    "limits.blocking_threads": tested_in("actors/mesh_node_test.cpp", "blocking_threads"),
    "limits.calls_per_reactor": tested_in("wire/limits_test.py", "calls_per_reactor"),
    "limits.handshakes": tested_in("wire/tls_test.py", "limits-handshakes"),
    "limits.handshake_timeout": tested_in("wire/tls_test.py", "limits-handshake-timeout"),
    "limits.unfinished_frame_bytes": tested_in("wire/budget_test.py", "Unfinished"),
    "limits.share_percent": tested_in("wire/budget_test.py", "Shares", "SharesOfConnections"),
    "limits.method_in_flight": tested_in("mesh/admission_test.py", "method_in_flight", "in-flight"),
    "limits.queue_interval": tested_in("mesh/admission_test.py", "queue-interval"),
    "limits.queue_target": tested_in("mesh/admission_test.py", "queue-target"),
    "limits.call_series": tested_in("actors/telemetry/call_stats_test.cpp", "share_a_series"),
    "limits.call_series_retention": tested_in("actors/telemetry/call_stats_test.cpp", "retention"),
    "limits.held_request_bytes": tested_in("wire/budget_test.py", "test_of_the_requests_that_are_kept"),
    "limits.stream_window_bytes": tested_in("actors/router/stream_flow_test.cpp", "an_item_counts_with_what_is_around_it"),
    "protocol.max_deadline": tested_in("wire/answers_test.py", "test_are_at_most_the_longest_allowed"),
    "protocol.cancel_grace": tested_in("wire/answers_test.py", "Cancellation"),
    "auth.max_failures": tested_in("wire/auth_test.py", "max_failures"),
    "mesh.max_discovered_nodes": tested_in("mesh/discovery_test.py", "max-discovered"),
    "log.queue_bytes": tested_in("node/life_cycle_test.py", "log-queue-bytes"),
    "log.calls_per_second": tested_in("mesh/call_log_test.py", "calls-per-second"),
    "tracing.queue_spans": tested_in("mesh/tracing_test.py", "queue-spans"),
}


def known_limits():
    """From the program: everything under limits., and what else is called a queue, a maximum or a grace."""
    page = subprocess.run([os.environ["WEFT_BIN"], "node", "--print-config"], capture_output=True, text=True,
                          env=_environment(), check=True).stdout
    text = re.sub(r"//[^\n]*", "", page)
    config = json.loads(re.sub(r",(\s*[}\]])", r"\1", text))

    def flat(value, name=""):
        for key, inner in value.items():
            path = f"{name}.{key}" if name else key
            if isinstance(inner, dict):
                yield from flat(inner, path)
            else:
                yield path
    limits = [name for name in flat(config) if name.startswith("limits.") or
              re.search(r"\.(max_(deadline|failures|discovered_nodes)|queue_\w+|cancel_grace|calls_per_second)$", name)]
    assert len(limits) > 20, page
    return limits


class Case:
    """How a limit is reached: `option` sets it to `limit`, and `size` of whatever it bounds fits while it is at most
    that. `reach` does it over a connection to node `node` and says whether it was allowed."""

    def __init__(self, limit, option, reach, code):
        self.limit, self.option, self.reach, self.code = limit, option, reach, code


def sized(size, method):
    empty = len(frame(request(1, method, [""]))) - 4
    return request(1, method, ["x" * (size - empty)])


def frame_bytes(test, wire, size, method):
    wire.send(sized(size, method))
    return wire.receive()


def depth(test, wire, size, method):
    # The message itself is one level, its params another.
    wire.send(b'{"jsonrpc":"2.0","id":1,"method":"%s","params":' % method.encode() + b"[" * (size - 1) + b"]" * (size - 1) + b"}")
    return wire.receive()


def batch_size(test, wire, size, method):
    wire.send([request(id, method) for id in range(size)])
    answer = wire.receive()
    return answer[0] if isinstance(answer, list) else answer


def method_name_bytes(test, wire, size, method):
    return wire.call(method + "n" * (size - len(method)))


def in_flight(test, wire, size, method):
    wire.send(*(request(id, test.silent) for id in range(size - 1)), request("last", method))
    return wire.receive()


def served(test, wire, size, method):
    return wire.call("connect", {"serves": [f"many.{i}" for i in range(size)]})


def schema_bytes(test, wire, size, method):
    return wire.call("connect", {"serves": [{"method": "schema.m", "params": ["x" * (size - 4)]}]})


def connect_bytes(test, wire, size, method):
    # An object with one member takes so much besides its text.
    return wire.call("connect", {"more": "x" * (size - 48 - 80 - len('{"more":""}'))})


def schema_total_bytes(test, wire, size, method):
    return wire.call("connect", {"serves": [{"method": f"schema.m{i}", "params": ["x" * (part - 4)]}
                                            for i, part in enumerate((size // 2, size - size // 2))]})


def blocking_calls(test, wire, size, method):
    wire.send(*(request(id, "demo.blocking", {"ms": 300}) for id in range(size - 1)))
    return wire.call("demo.blocking", {"ms": 300}, id="last") if size == 1 else last_of(wire, size)


def last_of(wire, size):
    wire.send(request("last", "demo.blocking", {"ms": 300}))
    while (answer := wire.receive())["id"] != "last":
        pass
    return answer


def queue_length(test, wire, size, method):
    # One call is with the service, so many wait. It keeps its place until its deadline, whether its caller is there or not.
    wire.send(request("first", test.narrow, deadline_ms=1000), *(request(id, test.narrow, deadline_ms=400) for id in range(size)))
    answers = [wire.receive() for _ in range(size)]
    return next((answer for answer in answers if answer["error"]["code"] == 8), {"id": 0, "result": "they waited"})


def routes(test, wire, size, method):
    return wire.call("connect", {"serves": [f"route.{i}" for i in range(size - test.known_routes(wire))]})


def gathered(test, wire, size, method):
    # One item, and the brackets.
    return wire.call(method.replace(".", "_stream."), [size - 2])


def one_item(emitter):
    emitter.emit("x" * (emitter.got.params[0] - 2))


# Limits whose size is a number of bytes or things, small enough to be reached here.
CASES = [
    Case("limits.frame_bytes", ("--limits-frame-bytes", "2000B"), (frame_bytes, 2000), 8),
    Case("limits.depth", ("--limits-depth", "8"), (depth, 8), -32700),
    Case("limits.batch_size", ("--limits-batch-size", "5"), (batch_size, 5), -32600),
    Case("limits.method_name_bytes", ("--limits-method-name-bytes", "64B"), (method_name_bytes, 64), -32600),
    Case("limits.in_flight_per_connection", ("--limits-in-flight-per-connection", "6"), (in_flight, 6), 8),
    Case("limits.served_methods_per_connection", ("--limits-served-methods-per-connection", "7"), (served, 7), -32602),
    Case("limits.schema_bytes", ("--limits-schema-bytes", "500B"), (schema_bytes, 500), -32602),
    Case("limits.connect_bytes", ("--limits-connect-bytes", "2000B"), (connect_bytes, 2000), -32602),
    Case("limits.schema_total_bytes", ("--limits-schema-total-bytes", "4000B"), (schema_total_bytes, 1000), 8),
    Case("limits.blocking_calls", ("--limits-blocking-calls", "3", "--limits-share-percent", "100"), (blocking_calls, 3), 8),
    Case("limits.queue_length", ("--limits-queue-length", "4", "--limits-share-percent", "100", "--limits-queue-interval", "20s",
                                 "--limits-queue-target", "20s"), (queue_length, 4), 8),
    Case("limits.stream_gather_bytes", ("--limits-stream-gather-bytes", "3000B"), (gathered, 3000), 8),
    Case("limits.routes", ("--limits-routes", "60", "--limits-share-percent", "100"), (routes, 60), 8),
]


class Table(MeshCase):
    def test_every_limit_is_in_it(self):
        driven = {case.limit for case in CASES}
        missing = [limit for limit in known_limits() if limit not in driven and limit not in ELSEWHERE]
        self.assertFalse(missing, "a limit needs its three cases: here, or tests that ELSEWHERE names")

    def test_tests_elsewhere_exist(self):
        for limit, where in ELSEWHERE.items():
            text = (TESTS / where["file"]).read_text()
            found = [name for name in where["names"] if name.lower().replace("-", "_") in text.lower().replace("-", "_")]
            self.assertTrue(found, f"{limit}: {where}")


class Limits(MeshCase):
    def known_routes(self, wire):
        def own(name):
            return sum(1 if route["policy"] == "in_process" else sum(instance["local"] for instance in route["instances"])
                       for route in self.mesh[name].page("/routes"))
        # Over each of the two links the other node tells the same.
        return own("a") + 2 * own("b")

    def drive(self, case):
        reach, limit = case.reach
        self.mesh = self.start_mesh("ab", *case.option, "--reactors", "1", "--drain-timeout", "1s", "--protocol-heartbeat-interval", "60s")
        self.silent, self.narrow = "s.m", "n.m"
        services = [Service(self.mesh["b"], ["far.*"], lambda got: got.answer("ok")),
                    Service(self.mesh["a"], ["near.*"], lambda got: got.answer("ok")), Service(self.mesh["a"], [self.silent]),
                    Service(self.mesh["a"], [{"method": self.narrow, "max_in_flight": 1}]),
                    StreamService(self.mesh["b"], ["far_stream.*"], one_item), StreamService(self.mesh["a"], ["near_stream.*"], one_item)]
        with self.mesh.connect("a") as wire:
            for service in services:
                self.addCleanup(service.close)
                service.reachable_from(wire)
        # Across a node where it means something there.
        targets = ("near.m", "far.m") if reach in (frame_bytes, depth, batch_size, method_name_bytes, in_flight, gathered) else ("near.m",)
        for method in targets:
            for size in (limit - 1, limit, limit + 1):
                with self.subTest(method=method, size=size), self.mesh.connect("a") as wire:
                    answer = reach(self, wire, size, method)
                    if size <= limit:
                        self.assertIn("result", answer, answer)
                    else:
                        self.assertEqual(answer["error"]["code"], case.code, answer)
                        self.assertIn(case.limit, answer["error"]["message"])
                self.settle()
        self.assertTrue(self.mesh["a"].peer_is("b", "up"))

    def settle(self):
        """Until what the connection left behind is over."""
        node = self.mesh["a"]
        eventually(lambda: node.in_flight() == 0 and not any(r["method"].startswith(("many.", "route.", "schema.")) and r["instances"]
                                                             for r in node.page("/routes")), "the node is quiet")


for each in CASES:
    setattr(Limits, "test_" + each.limit.split(".")[1], lambda self, case=each: self.drive(case))


if __name__ == "__main__":
    main()
