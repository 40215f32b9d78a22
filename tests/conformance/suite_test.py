"""The suite passes its own client, finds each fault that this one can be given, and stands on docs/protocol.md."""

import asyncio
import concurrent.futures
import json
import sys
import tempfile
import textwrap
import unittest
import unittest.mock

from suite import ROOT, SERVE, conformance, walked

from conformance import registry
from conformance.peer import Peer
from conformance.service import FAULTS, Service

# Fault, the edge that must fail for it, and what its complaint must say.
FOUND = [
    ("frame_per_read", "frames.split_everywhere", "connection|expected|response"),
    ("takes_any_length", "frames.length_zero", "end the connection"),
    ("closes_on_garbage", "malformed.not_json", "connection"),
    ("no_heartbeat", "messages.heartbeat$", "the answer to the id|the response"),
    ("ids_as_floats", "ids.large", "came back"),
    ("null_id_is_notification", "ids.null", "the id null"),
    ("one_id_space", "ids.of_both_directions", "expected a result"),
    ("ids_by_value", "ids.one_and_its_text", "expected"),
    ("answers_notifications", "messages.notification_is_never_answered", "nobody expected"),
    ("answers_responses", "malformed.response_is_never_answered", "was answered"),
    ("batch_in_pieces", "batches.requests", "a batch of answers"),
    ("serial", "messages.calls_get_through_while_it_works", "the response"),
    ("dies", "messages.bug", "has ended with 3"),
    ("hangs", "messages.bug", "not within"),
    ("ignores_cancel", "cancel.under_way", "the response"),
    ("cancel_unanswered", "cancel.under_way", "the response"),
    ("answers_twice", "cancel.under_way", "nobody expected"),
    ("no_cancel_sent", "deadlines.passes", "cancelRequest"),
    ("no_deadline", "deadlines.of_a_call", "deadline_ms"),
    ("deadline_not_inherited", "deadlines.inherited$", "deadline_ms"),
    ("trace_lost", "trace.passed_on", "traceparent"),
    ("retries_unknown", "errors.executed_unknown", "was sent 2 times"),
    ("drops_data", "errors.data", "data"),
    ("leaves_on_goaway", "goaway.on_its_way_is_answered", "connection"),
    ("calls_while_draining", "goaway.nothing_new", "a new call was sent|expected 14"),
    ("ignores_credit", "served.credit", "more came than was granted"),
    ("ignores_bytes", "served.bytes$", "more came than was granted"),
    ("seq_from_one", "served.items", "seq was"),
    ("answers_before_cleanup", "served.cancel$", "cleaned up"),
    ("no_cursor", "served.cursors", "cursor"),
    ("begins_anew", "served.not_resumable", "the response"),
    ("ignores_after", "served.resumed", "behind the cursor"),
    ("never_grants", "read.credit", "stream/credit"),
    ("grants_too_much", "read.window", "were granted"),
    ("sends_without_credit", "read.send_waits_for_credit", "one was granted"),
    ("takes_gaps", "read.gap", "was taken|expected an error"),
    ("leaves_early", "read.close_waits", "did not wait"),
    ("no_back_off", "connect.back_off", "do not grow|without a pause"),
    ("silent", "heartbeats.of_the_client", "a heartbeat of the client"),
    ("never_leaves", "heartbeats.silent_node", "silent for three intervals"),
    ("impatient", "heartbeats.silent_node", "before three intervals"),
    ("forgets_serves", "connect.again", "introduced itself"),
    ("forgets_route_key", "calls.route_key", "route_key"),
    ("leaves_silently", "leave.is_told", "mesh.drain"),
    ("leaves_calls_behind", "leave.under_way_finishes", "connection|expected"),
    ("comes_back", "leave.is_told", "came back"),
    ("grants_late", "served.values_granted_first", "what came first"),
    ("waits_for_no_credit", "read.takes_no_values", "cancelRequest"),
    ("stays_on_goaway", "goaway.elsewhere", "elsewhere"),
]
AT_A_TIME = 8


class OwnClient(unittest.TestCase):
    maxDiff = None

    def test_passes_every_edge(self):
        outcomes = walked("run", "--adapter", f"{SERVE} {{other}}", "--limit", "30")
        self.assertEqual({name: each for name, each in outcomes.items() if each[0] != "passed"}, {})
        self.assertEqual(len(outcomes), sum(each.role != registry.NODE for each in registry.all_edges()))

    def test_fails_the_edge_that_its_fault_is_about(self):
        def find(row):
            fault, edge, _ = row
            other = " {other}" if "elsewhere" in edge else ""
            return row, walked("run", "--adapter", f"{SERVE}{other} --fault {fault}", "--only", f"^{edge}", "--limit", "3")
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            for (fault, edge, says), outcomes in pool.map(find, FOUND):
                with self.subTest(fault, edge=edge):
                    self.assertEqual(len(outcomes), 1, outcomes)
                    state, why = next(iter(outcomes.values()))
                    self.assertEqual(state, "failed")
                    self.assertRegex(why, says)

    def test_has_an_edge_for_each_of_its_faults(self):
        self.assertEqual({fault for fault, *_ in FOUND}, FAULTS)


class Adapters(unittest.TestCase):
    def test_one_that_dies_or_hangs_fails_its_edge_only(self):
        for fault, edges in ("dies", "messages.(bug|own_error|wrong_params)"), ("hangs", "messages.(bug|own_error|wrong_params)"):
            outcomes = walked("run", "--adapter", f"{SERVE} --fault {fault}", "--only", edges, "--limit", "3", "--lanes", "1")
            self.assertEqual({name: state for name, (state, _) in outcomes.items()},
                             {"messages.bug": "failed", "messages.own_error": "passed", "messages.wrong_params": "passed"})

    def test_one_that_ends_at_once_says_so(self):
        adapter = f"{sys.executable} -c 'raise SystemExit(\"no such library\")' {{address}}"
        (state, why), = walked("run", "--adapter", adapter, "--only", "^messages.heartbeat$").values()
        self.assertEqual(state, "failed")
        self.assertRegex(why, "the adapter ended with 1, expected the client to connect\nno such library")

    def test_a_method_that_the_client_has_not_is_skipped(self):
        service = textwrap.dedent("""
            import sys
            from conformance import service
            class Less(service.Service):
                def __init__(self, *arguments):
                    super().__init__(*arguments)
                    del self.methods["conformance.stream"]
            service.Service = Less
            host, port = sys.argv[1].split(":")
            service.main([(host, int(port))], [])
        """)
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write(service)
            file.flush()
            adapter = f"env PYTHONPATH=. {sys.executable} {file.name} {{address}}"
            outcomes = walked("run", "--adapter", adapter, "--only", "^(read.items|served.items)$")
        self.assertEqual({name: state for name, (state, _) in outcomes.items()},
                         {"read.items": "skipped", "served.items": "passed"})

    def test_the_teaching_clients_pass_what_is_minimal(self):
        python = ROOT / "examples/python"
        callers = walked("run", "--adapter", f"{sys.executable} {python}/minimal.py {{address}} {{method}} {{params}}",
                         "--level", "minimal")
        services = walked("run", "--adapter", f"{sys.executable} {python}/minimal_service.py {{address}}", "--level", "minimal")
        for outcomes in callers, services:
            self.assertEqual({name: each for name, each in outcomes.items() if each[0] != "passed"}, {})
        minimal = {each.name for each in registry.all_edges() if each.level == registry.MINIMAL}
        self.assertEqual(callers.keys() | services.keys(), minimal)


class Cleanup(unittest.IsolatedAsyncioTestCase):
    async def test_is_not_cut_off_by_a_second_end_of_its_call(self):
        # Its cleanup takes half a second then.
        service = Service([], ["answers_before_cleanup"])
        peer = Peer(None, unittest.mock.Mock(), service.methods, set(), frozenset())
        for id, ends in enumerate([(), ("cancel",), ("cancel", "close")]):
            call = {"jsonrpc": "2.0", "id": id, "method": "conformance.wait", "deadline_ms": 100}
            peer._hear(json.dumps(call).encode())
            await asyncio.sleep(0.02)
            self.assertEqual(service.waiting, 1)
            if "cancel" in ends:
                for _ in range(2):
                    peer._hear(json.dumps({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}}).encode())
            await asyncio.sleep(0.2)
            if "close" in ends:
                peer.close()
            await peer.until_idle()
            self.assertEqual((service.waiting, service.cleaned), (0, id + 1), ends)


class Arguments(unittest.TestCase):
    def test_that_are_wrong_end_with_64_and_say_what_would_be_right(self):
        for arguments, says in (((), "required: run\\|node\\|serve"), (("run",), "--adapter is missing"),
                                (("run", "--adapter", "true"), "holds {address}"),
                                (("run", "--adapter", "/no/such {address}"), "cannot be started"),
                                (("run", "--adapter", "x {address}", "--only", "("), "no regular expression"),
                                (("run", "--adapter", "x {address}", "--only", "nothing has it"), "--list shows them"),
                                (("run", "--adapter", "x {address}", "--limit", "0"), "above 0"),
                                (("run", "--adapter", "x {address}", "--level", "most"), "invalid choice"),
                                (("node", "here"), "give HOST:PORT"), (("serve", "127.0.0.1:x"), "give HOST:PORT"),
                                (("serve", "127.0.0.1:1", "--fault", "none"), "no fault is called none; there are")):
            with self.subTest(arguments=arguments):
                status, output, problems = conformance(*arguments)
                self.assertEqual((status, output), (64, ""))
                self.assertRegex(problems, says)

    def test_list_shows_the_edges(self):
        status, output, _ = conformance("run", "--adapter", "x {address}", "--list", "--only", "^ids")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"(?m)^minimal  ids\.integers +echoed byte for byte")

    def test_table_says_what_came_and_which_sentence_it_is(self):
        status, output, _ = conformance("run", "--adapter", f"{SERVE} --fault seq_from_one", "--only", "^served.items", "--show")
        self.assertEqual(status, 1)
        self.assertRegex(output, r"^FAILED   served\.items +`seq` counts from 0 without a gap; .*\n +expected 0, seq was 1\n")
        self.assertRegex(output, r'(?m)^ +← {"jsonrpc":"2.0","method":"\$/stream/item"')
        self.assertRegex(output, r"\nfull: 0 passed, 1 failed, 0 skipped\n$")


class Sentences(unittest.TestCase):
    def test_stand_in_the_protocol_page(self):
        page = registry.words_of(registry.protocol_page().read_text())
        for edge in registry.all_edges():
            with self.subTest(edge.name):
                self.assertIn(registry.words_of(edge.says), page)
                self.assertGreater(len(edge.says), 9)

    def test_json_has_them(self):
        _, output, _ = conformance("run", "--adapter", SERVE, "--only", "^ids.null", "--json")
        edge, = json.loads(output)["edges"]
        self.assertEqual(edge["says"], "a request, answered with id null; only an absent id makes a notification")


if __name__ == "__main__":
    unittest.main(verbosity=2)
