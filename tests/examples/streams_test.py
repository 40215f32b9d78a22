"""Streams between the example clients: Python and Node.js at either end, through one real node and through two."""

import contextlib
import itertools
import json
import pathlib
import queue
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from mesh import eventually  # noqa: E402
from mesh_case import SharedMesh, main  # noqa: E402
from node_process import _die_with_parent  # noqa: E402
from recorder import Recorder  # noqa: E402
from wire import notification, request  # noqa: E402

TIMEOUT = 60
HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"python": [sys.executable, "-B", HERE / "stream_peer.py"], "node": ["node", HERE / "stream_peer.mjs"]}
OPTIONS = "--limits-stream-window-bytes", "16KiB"


class Peer:
    """A stream_peer program; its output a line at a time."""

    def __init__(self, language, *arguments):
        self.language = language
        self.process = subprocess.Popen([*PEERS[language], *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=_die_with_parent)
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def line(self):
        line = self._lines.get(timeout=TIMEOUT)
        assert line is not None, f"{self.process.args} ended"
        return line

    def tell(self, *step):
        self.process.stdin.write(json.dumps(step) + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


class Stream:
    """A stream that a caller program has opened."""

    _keys = itertools.count()

    def __init__(self, caller, method, params, **options):
        self.caller, self.key = caller, next(self._keys)
        self.do("open", method, params, options)

    def do(self, what, *arguments):
        self.caller.tell(what, self.key, *arguments)
        return self.caller.line()

    def take(self, most=1 << 30):
        return self.do("take", most)


class Clients(SharedMesh):
    names = "ab"
    options = OPTIONS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.services = {(language, node): cls.start("serve", language, cls.mesh[node].listen, f"{language}{node}")
                        for language in PEERS for node in cls.names}
        cls.callers = {language: cls.start("call", language, cls.mesh["a"].listen) for language in PEERS}

    def setUp(self):
        self.wire = self.connect(self.mesh["a"])
        for language, node in self.services:
            name = f"{language}{node}"
            eventually(lambda: "result" in self.wire.call(f"{name}.state"), f"{name} can be reached")

    @classmethod
    def start(cls, what, language, *arguments):
        peer = Peer(language, what, *arguments)
        cls.addClassCleanup(peer.stop)
        return peer

    def state(self, name):
        return self.wire.call(f"{name}.state")["result"]

    def each_way(self):
        """A caller, and the name of a service: both languages at both ends, by one node and by two."""
        for (of, node), (by, caller) in itertools.product(self.services, self.callers.items()):
            with self.subTest(caller=by, service=of, at=node):
                yield caller, f"{of}{node}"

    def assert_cleaned_up(self, name, tag):
        eventually(lambda: tag in self.state(name)["cleaned_up"], f"{tag} is cleaned up")

    def assert_over(self):
        for node in self.names:
            eventually(lambda: self.mesh[node].metric("weft_streams_open") == 0, f"no stream is open at {node}")

    def test_items_come_in_order_and_end(self):
        for caller, name in self.each_way():
            for credit in 1, 2, 64, 10_000:
                got = Stream(caller, f"{name}.count", {"to": 1000}, credit=credit).take()
                self.assertEqual(got, {"items": list(range(1000)), "ended": True})
        self.assert_over()

    def test_items_of_the_nodes_own_generators(self):
        for caller in self.callers.values():
            got = Stream(caller, "demo.count", {"to": 1000}).take()
            self.assertEqual(got, {"items": list(range(1001)), "ended": True})
            total = Stream(caller, "demo.total", [])
            self.assertEqual(total.take(1)["items"], [0])
            self.assertEqual([total.do("send", n)["items"] for n in range(100)], [[n * (n + 1) // 2] for n in range(100)])
            self.assertEqual(total.do("throw", 42, "enough")["error"]["code"], 42)
        self.assert_over()

    def test_with_a_credit_of_one_the_generator_runs_when_it_is_asked(self):
        for caller, name in self.each_way():
            total = Stream(caller, f"{name}.total", [], credit=1)
            self.assertEqual(total.take(1)["items"], [0])
            self.assertEqual([total.do("send", n)["items"][0] for n in (1, 10, 100)], [1, 11, 111])
            self.assertEqual(total.do("throw", 1, "catch this")["items"], [{"caught": "catch this"}])
            self.assertEqual(total.do("close"), {})
            self.assertEqual(total.take(1), {"items": [], "ended": True})
        self.assert_over()

    def test_values_are_sent_both_ways(self):
        for caller, name in self.each_way():
            total = Stream(caller, f"{name}.total", [])
            self.assertEqual(total.take(1)["items"], [0])
            got = [total.do("send", n)["items"][0] for n in range(100)]
            self.assertEqual(got, [n * (n + 1) // 2 for n in range(100)])
            self.assertEqual(total.do("throw", 42, "enough")["error"], {"code": 42, "message": "enough"})
        self.assert_over()

    def test_the_end_of_the_callers_side_reaches_the_generator(self):
        for (language, node) in self.services:
            wire = self.connect(self.mesh["a"])
            wire.send(request("s", f"{language}{node}.total", [], stream={"credit": 9}))
            accepted = 0
            while accepted == 0:
                message = wire.receive()
                accepted += message["params"]["credit"] if message["method"] == "$/stream/accept" else 0
            wire.send(notification("$/stream/send", {"id": "s", "seq": 0, "value": 7}),
                      notification("$/stream/end", {"id": "s"}))
            while "method" in (message := wire.receive()):
                pass
            self.assertEqual(message, {"jsonrpc": "2.0", "id": "s", "result": None})
        self.assert_over()

    def test_leaving_a_loop_takes_the_stream_back(self):
        for caller, name in self.each_way():
            tag = f"left by {caller.language}"
            caller.tell("leave", None, f"{name}.count", {"to": 1 << 40, "tag": tag}, 10)
            self.assertEqual(caller.line(), {})
            # In Python the loop that was left goes on at once, and the stream is closed by the event loop.
            if caller.language == "node":
                self.assertIn(tag, self.state(name)["cleaned_up"])
            self.assert_cleaned_up(name, tag)
        self.assert_over()

    def test_closing_waits_for_the_cleanup(self):
        for caller, name in self.each_way():
            for method, params in ("count", {"to": 1 << 40}), ("wait", {}):
                tag = f"{method} closed by {caller.language}"
                stream = Stream(caller, f"{name}.{method}", {**params, "tag": tag})
                stream.take(1)
                self.assertNotIn(tag, self.state(name)["cleaned_up"])
                self.assertEqual(stream.do("close"), {})
                self.assertIn(tag, self.state(name)["cleaned_up"])
        self.assert_over()

    def test_a_caller_that_goes_leaves_no_generator_behind(self):
        for language, name in itertools.product(PEERS, (f"{of}{node}" for of, node in self.services)):
            with self.subTest(caller=language, service=name):
                caller = self.start("call", language, self.mesh["a"].listen)
                for method in "count", "wait":
                    Stream(caller, f"{name}.{method}", {**({"to": 1 << 40} if method == "count" else {}),
                                                        "tag": f"{method} abandoned by {language}"}).take(1)
                caller.stop()
                for method in "count", "wait":
                    self.assert_cleaned_up(name, f"{method} abandoned by {language}")
        self.assert_over()

    def test_an_error_of_the_generator_is_the_callers(self):
        for caller, name in self.each_way():
            got = Stream(caller, f"{name}.fail", {"code": 77}).take()
            self.assertEqual(got["error"], {"code": 77, "message": "broken", "data": ["data"]})
            got = Stream(caller, f"{name}.fail", {"code": 0}).take()
            self.assertEqual(got["error"]["code"], -32603)
            # What a bug says is the service's own affair.
            self.assertNotIn("no luck", got["error"]["message"])
        for caller in self.callers.values():
            self.assertEqual(Stream(caller, "nobody.has.it", []).take()["error"]["code"], -32601)
        self.assert_over()

    def test_a_deadline_holds_for_the_whole_stream(self):
        for caller, name in self.each_way():
            tag = f"late for {caller.language}"
            stream = Stream(caller, f"{name}.wait", {"tag": tag}, deadline=0.5)
            self.assertEqual(stream.take()["error"]["code"], 4)
            self.assert_cleaned_up(name, tag)
        self.assert_over()

    def test_who_does_not_ask_gets_an_array(self):
        for caller, name in self.each_way():
            caller.tell("call", None, f"{name}.count", {"to": 1000})
            self.assertEqual(caller.line(), {"result": list(range(1000))})
        self.assert_over()

    def test_a_plain_method_is_no_stream(self):
        for caller, name in self.each_way():
            got = Stream(caller, f"{name}.state", []).take()
            self.assertEqual(got["error"]["code"], -32603)
            self.assertIn("does not stream: it has answered with one result; call it", got["error"]["message"])
        self.assert_over()


class Credit(SharedMesh):
    """What passes between a client and its node, message by message."""

    names = "a"
    options = OPTIONS

    def test_is_never_exceeded_by_either_end(self):
        for language in PEERS:
            with self.subTest(language):
                recorders = service, caller = [Recorder(self.mesh["a"].listen) for _ in range(2)]
                peers = [Peer(language, "serve", service.address, "s"), Peer(language, "call", caller.address)]
                try:
                    self.drive(peers[1])
                finally:
                    for peer in peers:
                        peer.stop()
                    for recorder in recorders:
                        recorder.close()
                for recorder in recorders:
                    self.check(recorder.messages)

    def drive(self, caller):
        wire = self.connect(self.mesh["a"])
        eventually(lambda: "result" in wire.call("s.state"), "the service can be reached")
        for credit in 1, 7, 100:
            self.assertEqual(len(Stream(caller, "s.count", {"to": 300}, credit=credit).take()["items"]), 300)
        self.assertEqual(len(Stream(caller, "s.blobs", {"to": 300, "size": 1000}, credit=200).take()["items"]), 300)
        total = Stream(caller, "s.total", [])
        total.take(1)
        for n in range(60):
            total.do("send", n)
        total.do("close")

    def check(self, messages):
        """The ends of a stream on one connection, by who may send: [items, bytes], or None before they are told."""
        items, sends, counts = {}, {}, {"item": 0, "send": 0}
        for _, message in messages:
            params = message.get("params") if isinstance(message.get("params"), dict) else {}
            what = message.get("method", "").removeprefix("$/stream/")
            if "stream" in message:
                items[message["id"]] = [message["stream"]["credit"], message["stream"].get("bytes")]
                sends[message["id"]] = [0, None]
            elif what in ("credit", "accept"):
                window = (items if what == "credit" else sends)[params["id"]]
                window[0] += params["credit"]
                if "bytes" in params:
                    window[1] = params["bytes"] + (window[1] or 0)
            elif what in ("item", "send"):
                window = (items if what == "item" else sends)[params["id"]]
                self.assertGreater(window[0], 0, message)
                window[0] -= 1
                if window[1] is not None:
                    self.assertGreater(window[1], 0, message)
                    window[1] -= len(json.dumps(params["value"], separators=(",", ":")))
                counts[what] += 1
        self.assertEqual(counts["send"], 60)
        self.assertGreater(counts["item"], 1200)


class Resumed(SharedMesh):
    names = "ab"
    options = OPTIONS

    def test_behind_its_cursor_when_an_instance_is_killed(self):
        for number, (first, second, by) in enumerate(itertools.product(PEERS, PEERS, PEERS)):
            with self.subTest(first=first, second=second, caller=by):
                names = f"one{number}", f"two{number}"
                services = dict(zip(names, (Peer(first, "serve", self.mesh["b"].listen, names[0]),
                                            Peer(second, "serve", self.mesh["a"].listen, names[1]))))
                caller = Peer(by, "call", self.mesh["a"].listen)
                try:
                    self.go_on(services, caller)
                finally:
                    for peer in (*services.values(), caller):
                        peer.stop()
                wire = self.connect(self.mesh["a"])
                for name in names:
                    eventually(lambda: "error" in wire.call(f"{name}.state"), f"{name} is gone")

    def go_on(self, services, caller):
        wire = self.connect(self.mesh["a"])
        began = lambda name: wire.call(f"{name}.state").get("result", {}).get("began")  # noqa: E731
        for name in services:
            eventually(lambda: began(name) is not None, f"{name} can be reached")
        stream = Stream(caller, "shared.tail", {"to": 1000}, credit=10)
        items = stream.take(10)["items"]
        first = next(name for name in services if began(name))
        other = next(name for name in services if name != first)
        services[first].process.kill()
        got = stream.take()
        self.assertEqual((items + got["items"], got.get("ended")), (list(range(1000)), True))
        self.assertEqual(len(began(other)), 1)
        self.assertGreaterEqual(began(other)[0], 9)

    def test_behind_a_cursor_that_the_caller_has_kept(self):
        for of, by in itertools.product(PEERS, PEERS):
            with self.subTest(service=of, caller=by):
                service, caller = Peer(of, "serve", self.mesh["b"].listen, of), Peer(by, "call", self.mesh["a"].listen)
                try:
                    wire = self.connect(self.mesh["a"])
                    eventually(lambda: "result" in wire.call(f"{of}.state"), "the service can be reached")
                    got = Stream(caller, "shared.tail", {"to": 50}, cursors=True).take(20)["items"]
                    last = got[-1]["cursor"] if by == "node" else got[-1][1]
                    self.assertEqual(last, 19)
                    got = Stream(caller, "shared.tail", {"to": 50}, after=last).take()
                    self.assertEqual(got, {"items": list(range(20, 50)), "ended": True})
                finally:
                    service.stop()
                    caller.stop()
                eventually(lambda: "error" in wire.call(f"{of}.state"), "the service is gone")


class Disconnected(SharedMesh):
    names = "a"

    def test_a_service_that_loses_its_node_cleans_up(self):
        for language in PEERS:
            with self.subTest(language):
                node = self.start_node("--id", "n")
                service = Peer(language, "serve", node.listen, "s")
                self.addCleanup(service.stop)
                wire = self.connect(node)
                eventually(lambda: "result" in wire.call("s.state"), "the service can be reached")
                for method, params in ("count", {"to": 1 << 40}), ("wait", {}):
                    wire.send(request(method, f"s.{method}", {**params, "tag": method}, stream={"credit": 1}))
                    while wire.receive().get("method") != "$/stream/item":
                        pass
                node.kill()
                self.assertEqual(sorted(service.line()), ["count", "wait"])


if __name__ == "__main__":
    main()
