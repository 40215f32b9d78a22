"""Every way in which a call can end: it is answered once, measured once, and leaves nothing behind, on its own reactor,
on another one and over a link."""

from setup import Closed, MeshCase, eventually, main, notification, request

from service import Service

GAUGES = ("weft_calls_in_flight", "weft_held_request_bytes", "weft_calls_queued", "weft_calls_left_behind", "weft_batches_open",
          "weft_coroutines_running")
LONG_MS = 20_000


class Ends(MeshCase):
    """A method of each test's own, so that its series counts that test's calls alone."""

    def nodes(self):
        options = ("--reactors", "2", "--protocol-cancel-grace", "50ms", "--hedge", "hedged.*=50", "--limits-queue-length", "4",
                   "--limits-share-percent", "100", "--limits-queue-interval", "100ms", "--drain-timeout", "2s",
                   "--retry-backoff-initial", "1ms")
        return self.start_mesh("ab", *options)

    def serve(self, node, serves, handler=None):
        service = Service(node, [serves], handler)
        self.addCleanup(service.close)
        return service

    def measured(self, node, method):
        return node.metric("rpc_server_call_duration_seconds_count", rpc_method=method)

    def run_from(self, node, method, count, act):
        """`act(wire)` makes `count` calls of the method that end; each is measured once, and nothing is left."""
        before = self.measured(node, method)
        with self.connect(node) as wire:
            act(wire)
        eventually(lambda: self.measured(node, method) - before == count, f"{count} calls of {method} are measured")
        eventually(lambda: all(node.metric(gauge) == 0 for gauge in GAUGES), "every gauge is at 0")
        self.assertEqual(self.measured(node, method) - before, count)

    def test_each_once(self):
        mesh = self.nodes()
        own, other = mesh["a"], mesh["b"]
        for place, host in (("here", own), ("over a link", other)):
            for name, end in self.ends().items():
                for _ in range(2):  # On either reactor: connections take turns.
                    with self.subTest(end=name, place=place):
                        end(own, host, f"{name}.{place.split()[0]}.m")

    def ends(self):
        return {"result": self.result, "error": self.error, "malformed": self.malformed, "deadline": self.deadline,
                "cancel": self.cancel, "ignored": self.cancel_ignored, "caller": self.caller_gone, "callee": self.callee_gone,
                "refused": self.refused, "retried": self.retried, "hedged": self.hedge_lost, "second": self.hedge_won,
                "unserved": self.unserved}

    def ready(self, own, *services):
        with self.connect(own) as wire:
            for service in services:
                service.reachable_from(wire)

    def result(self, own, host, method):
        service = self.serve(host, method, lambda got: got.answer("ok"))
        self.ready(own, service)
        self.run_from(own, method, 3, lambda wire: [self.assertEqual(wire.call(method)["result"], "ok") for _ in range(3)])
        service.close()

    def error(self, own, host, method):
        service = self.serve(host, method, lambda got: got.fail(7))
        self.ready(own, service)
        self.run_from(own, method, 1, lambda wire: self.assertEqual(wire.call(method)["error"]["code"], 7))
        service.close()

    def malformed(self, own, host, method):
        service = self.serve(host, method, lambda got: got.answer_raw(b'{"jsonrpc":"2.0","id":ID,"result":1,"error":2}'))
        self.ready(own, service)
        self.run_from(own, method, 1, lambda wire: self.assertEqual(wire.call(method)["error"]["code"], 14))
        service.close()

    def deadline(self, own, host, method):
        service = self.serve(host, method)
        self.ready(own, service)
        self.run_from(own, method, 1, lambda wire: self.assertEqual(wire.call(method, deadline_ms=30)["error"]["code"], 4))
        service.close()

    def cancel(self, own, host, method):
        service = self.serve(host, method)
        self.ready(own, service)

        def act(wire):
            wire.send(request(1, method, deadline_ms=LONG_MS))
            got = service.take_call()
            wire.send(notification("$/cancelRequest", {"id": 1}))
            service.take()
            got.fail(-32800, "stopped")
            self.assertEqual(wire.receive()["error"]["code"], -32800)

        self.run_from(own, method, 1, act)
        service.close()

    def cancel_ignored(self, own, host, method):
        service = self.serve(host, method)
        self.ready(own, service)

        def act(wire):
            wire.send(request(1, method, deadline_ms=LONG_MS), notification("$/cancelRequest", {"id": 1}))
            got = service.take_call()
            self.assertEqual(wire.receive()["error"]["code"], -32800)
            got.answer("too late")

        self.run_from(own, method, 1, act)
        service.close()

    def caller_gone(self, own, host, method):
        service = self.serve(host, method)
        self.ready(own, service)

        def act(wire):
            wire.send(request(1, method, deadline_ms=LONG_MS))
            got = service.take_call()
            wire.close()
            service.take()
            got.answer("for nobody")

        self.run_from(own, method, 1, act)
        service.close()

    def callee_gone(self, own, host, method):
        service = self.serve(host, method)
        self.ready(own, service)

        def act(wire):
            wire.send(request(1, method, deadline_ms=LONG_MS))
            service.take_call()
            service.close()
            self.assertEqual(wire.receive()["error"]["code"], 14)

        self.run_from(own, method, 1, act)

    def refused(self, own, host, method):
        service = self.serve(host, {"method": method, "max_in_flight": 1})
        self.ready(own, service)

        def act(wire):
            wire.send(*(request(id, method, deadline_ms=LONG_MS) for id in range(7)))
            # One is with the service; of the others some find the queue full, some wait too long.
            codes = sorted(wire.receive()["error"]["code"] for _ in range(6))
            self.assertEqual(codes, [8] * 6)
            service.take_call().answer("ok")
            self.assertEqual(wire.receive()["result"], "ok")

        self.run_from(own, method, 7, act)
        service.close()

    def retried(self, own, host, method):
        attempts = []

        def refuse_first(got):
            attempts.append(got.id)
            if len(attempts) % 2:
                got.fail(14, "not now", data={"executed": "no"})
            else:
                got.answer("ok")

        services = [self.serve(host, method, refuse_first) for _ in range(2)]
        self.ready(own, *services)
        self.run_from(own, method, 1, lambda wire: self.assertIn(wire.call(method).get("result", "ok"), ("ok",)))
        for service in services:
            service.close()

    def hedge_lost(self, own, host, method):
        self.hedge(own, host, method, winner=0)

    def hedge_won(self, own, host, method):
        self.hedge(own, host, method, winner=1)

    def hedge(self, own, host, method, winner):
        method = f"hedged.{method}"
        slow = []

        def handle(got):
            if got.params == ["quick"]:
                return got.answer("quick")
            slow.append(got)

        declared = {"method": method, "idempotent": True}
        # The caller's node must know two of them.
        services = [self.serve(own, declared, handle), self.serve(host, declared, handle)]
        self.ready(own, *services)
        quick_calls = 60
        before = self.measured(own, method) + quick_calls
        with self.connect(own) as wire:
            for _ in range(quick_calls):
                self.assertEqual(wire.call(method, ["quick"])["result"], "quick")
            wire.send(request("slow", method, ["slow"], deadline_ms=LONG_MS))
            eventually(lambda: len(slow) == 2, "there is a second attempt")
            slow[winner].answer("winner")
            self.assertEqual(wire.receive()["result"], "winner")
            slow[1 - winner].answer("loser")
        eventually(lambda: self.measured(own, method) - before == 1, "it is measured once")
        eventually(lambda: all(own.metric(gauge) == 0 for gauge in GAUGES), "every gauge is at 0")
        for service in services:
            service.close()

    def unserved(self, own, host, method):
        service = self.serve(host, method)
        self.ready(own, service)
        service.close()
        with self.connect(own) as wire:
            eventually(lambda: wire.call(method)["error"]["code"] == 14, "nobody serves it any more")
        self.run_from(own, method, 2, lambda wire: [self.assertEqual(wire.call(method)["error"]["code"], 14) for _ in range(2)])

    def test_with_the_node(self):
        node = self.start_node("--reactors", "2", "--drain-timeout", "300ms")
        service = self.serve(node, "drained.m")
        with self.connect(node) as wire:
            wire.send(request(1, "drained.m", deadline_ms=LONG_MS))
            service.take_call()
            node.process.terminate()
            with self.assertRaises(Closed):
                while wire.receive().get("id") is None:
                    pass
                self.fail("the call was answered")
        node.wait(expected=0)
        self.assertIn("calls in flight are cut off", node.log())


if __name__ == "__main__":
    main()
