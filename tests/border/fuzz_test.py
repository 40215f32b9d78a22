"""Valid frames around mutated messages of the protocol, from clients, services and whoever calls itself a node, at two
real nodes. After each burst others are answered in time, every actor lives, and in the end nothing is kept.

WEFT_FUZZ_SECONDS is how long, WEFT_FUZZ_SEED repeats a run. Add a message to MESSAGES."""

import os
import random
import select
import time

from setup import Closed, MeshCase, Service, Wire, eventually, frame, main, notification, request

SECONDS = float(os.environ.get("WEFT_FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("WEFT_FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))
IN_TIME_S = 5
MEMORY_BYTES = 400 << 20
FRAME_BYTES = 1 << 20

# Well-formed params of every message of docs/protocol.md; each member is replaced by values of every kind.
MESSAGES = {
    "connect": {"name": "f", "instance": "i", "serves": ["fuzz.a", {"method": "fuzz.s", "stream": True, "resumable": True,
                                                                     "item": {}, "input": {}},
                           {"method": "fuzz.b.*", "idempotent": True, "max_in_flight": 2,
                                                                     "params": [{"name": "p"}], "result": {}}],
                "token": "t", "heartbeat_ms": 15000, "node": "fuzz", "incarnation": "x", "limits": {"frame_bytes": 1000,
                                                                                                    "link_frame_bytes": 2000}},
    "heartbeat": {},
    "mesh.routes": {"seq": 1, "reset": True, "add": [{"method": "fuzz.c", "instances": 1, "idempotent": False}], "remove": ["fuzz.c"]},
    "mesh.resync": {},
    "mesh.drain": {},
    "mesh.health": {},
    "rpc.discover": {},
    "$/cancelRequest": {"id": 1},
    "$/stream/item": {"id": 1, "seq": 0, "value": 1, "cursor": 1},
    "$/stream/credit": {"id": 1, "credit": 10, "bytes": 1000},
    "$/stream/accept": {"id": 1, "credit": 10, "bytes": 1000},
    "$/stream/send": {"id": 1, "seq": 0, "value": 1},
    "$/stream/end": {"id": 1},
    "$/stream/throw": {"id": 1, "error": {"code": 1, "message": "m"}},
    "demo.count": {"to": 3, "from": 1, "ms": 0},
    "demo.total": {},
    "fuzz.s": [],
    "$/goaway": {"reason": "r", "deadline_ms": 1, "handover_ms": 1},
    "fuzz.a": {"x": 1},
    "fuzz.nowhere": [],
    "demo.echo": [1],
    "demo.sleep": {"ms": 1},
    "demo.blocking": {"ms": 1},
    "demo.relay": {"to": "b", "method": "demo.whoami", "params": {}},
    "demo.callback": {"method": "ask", "params": []},
}
MEMBERS = {"deadline_ms": 100, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=b",
           "route_key": "k", "stream": {"credit": 1, "bytes": 100, "after": 0}, "jsonrpc": "2.0"}


class Source:
    """What a seed chooses."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self):
        choose = self.random
        return choose.choice((
            None, True, False, 0, 1, -1, 0.5, 2**63, 2**64, -2**63, 10**30, "", "x", "fuzz.a", "fuzz.*", "*", "\u202e\x00", "x" * 256, "x" * 257,
            "y" * 70_000, [], {}, [[]], [None, 1, "fuzz.a"], {"method": "fuzz.a"}, [{"method": None}], {"a": {"b": {"c": []}}},
            [[[[[[[[[[]]]]]]]]]], choose.randrange(1 << 40), ["fuzz." + str(choose.random())] * 3))

    def mutated(self, template):
        choose = self.random
        if choose.random() < 0.1:
            return self.value()
        if isinstance(template, dict):
            changed = dict(template)
            for name in list(changed):
                roll = choose.random()
                if roll < 0.25:
                    changed[name] = self.value()
                elif roll < 0.4:
                    del changed[name]
                elif roll < 0.5:
                    changed[name] = self.mutated(changed[name])
            return changed
        if isinstance(template, list) and template:
            return [self.mutated(each) for each in template]
        return template

    def message(self):
        choose = self.random
        if choose.random() < 0.15:
            answer = {"jsonrpc": "2.0", "id": choose.choice((choose.randrange(1 << 34), "heartbeat", None, 1.5, [])),
                      choose.choice(("result", "error")): self.value()}
            return self.mutated(answer) if choose.random() < 0.5 else answer
        method = choose.choice(list(MESSAGES))
        params = self.mutated(MESSAGES[method])
        # A node may say anything but that it is one that is there.
        more = {name: self.value() if choose.random() < 0.5 else usual for name, usual in MEMBERS.items() if choose.random() < 0.15}
        if choose.random() < 0.7:
            return request(choose.choice((1, 2, 3, "a", "a" * 1000, 2**70, None, 1.25)), method, params, **more)
        return notification(method, params, **more)

    def payload(self):
        choose = self.random
        roll = choose.random()
        if roll < 0.1:
            return [self.message() for _ in range(choose.choice((1, 2, 99, 100, 101)))]
        if roll < 0.13:
            size = FRAME_BYTES + choose.choice((-1, 0))
            empty = len(frame(request(1, "fuzz.a", [""]))) - 4
            return request(1, "fuzz.a", ["x" * (size - empty)])
        if roll < 0.15:
            depth = choose.choice((63, 64, 65))
            return b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        return self.message()


class Fuzz(MeshCase):
    def test_nobody_else_notices(self):
        print(f"WEFT_FUZZ_SEED={SEED}", flush=True)
        source = Source(SEED)
        mesh = self.start_mesh("ab", "--drain-timeout", "2s", "--log-calls", "off", "--protocol-cancel-grace", "100ms")
        calm = [Service(mesh[name], [f"calm.{name}"], lambda got: got.answer("calm")) for name in "ab"]
        for service in calm:
            self.addCleanup(service.close)
        innocents = {name: mesh.connect(name) for name in "ab"}
        for wire in innocents.values():
            self.addCleanup(wire.close)
            for service in calm:
                service.reachable_from(wire)
        until = time.monotonic() + SECONDS
        bursts = 0
        while time.monotonic() < until:
            self.burst(source, mesh)
            for wire in innocents.values():
                for target in "ab":
                    began = time.monotonic()
                    answer = wire.call(f"calm.{target}", id=f"{bursts}.{target}")
                    self.assertEqual(answer.get("result"), "calm", (bursts, answer))
                    self.assertLess(time.monotonic() - began, IN_TIME_S, bursts)
            bursts += 1
            if bursts % 20 == 0:
                self.assert_well(mesh)
        print(f"{bursts} bursts", flush=True)
        self.assert_well(mesh)
        for node in mesh.nodes.values():
            for gauge in ("weft_calls_in_flight", "weft_calls_left_behind", "weft_calls_queued", "weft_held_request_bytes",
                          "weft_batches_open", "weft_coroutines_running"):
                eventually(lambda: node.metric(gauge) == 0, f"{gauge} of {node.id} is 0")
            self.assertLess(self.resident(node), MEMORY_BYTES)

    def burst(self, source, mesh):
        choose = source.random
        node = mesh[choose.choice("ab")]
        wire = Wire(node.address)
        wire.socket.settimeout(IN_TIME_S)
        try:
            role = choose.choice(("stranger", "client", "service", "node"))
            if role != "stranger":
                params = {"name": role} | ({"serves": ["fuzz.a", "fuzz.b.*"]} if role == "service" else {}) | \
                    ({"node": f"fuzz-{choose.randrange(3)}", "incarnation": str(choose.randrange(3))} if role == "node" else {})
                wire.send(request("hello", "connect", params))
            for _ in range(choose.randrange(1, 80)):
                wire.send(source.payload())
                # Whoever does not read at all is another matter (neighbour_test).
                while select.select([wire.socket], [], [], 0)[0] and wire.socket.recv(1 << 18):
                    pass
            if choose.random() < 0.5:
                wire.finish()
                wire.socket.settimeout(0.2)
                while wire.socket.recv(1 << 18):
                    pass
        except (OSError, Closed):
            pass
        finally:
            if choose.random() < 0.2:
                wire.reset()
            else:
                wire.close()

    def assert_well(self, mesh):
        for node in mesh.nodes.values():
            status, checks = node.admin("/readyz?verbose")
            self.assertEqual(status, 200, checks)
            self.assertIn("[+]actors ok", checks)
            self.assertEqual(node.metric("weft_actor_failures_total"), 0, node.log()[-3000:])
            self.assertEqual(node.metric("weft_peers", state="up"), 1)

    def resident(self, node):
        with open(f"/proc/{node.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


if __name__ == "__main__":
    main()
