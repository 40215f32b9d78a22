"""An OTLP/HTTP collector that checks what it is sent, and answers as a test wants."""

import http.server
import json
import queue
import re
import threading

from mesh import eventually, own_host

TRACE_ID = re.compile(r"^[0-9a-f]{32}$")
SPAN_ID = re.compile(r"^[0-9a-f]{16}$")
DIGITS = re.compile(r"^[0-9]+$")
INTERNAL, SERVER, CLIENT = 1, 2, 3
ERROR = 2


def value_of(value):
    """An attribute's value, which is one member named after its type."""
    ((kind, content),) = value.items()
    assert kind in ("stringValue", "intValue"), value
    assert isinstance(content, str), f"64-bit numbers are strings: {value}"
    return int(content) if kind == "intValue" else content


def attributes_of(list):
    attributes = {each["key"]: value_of(each["value"]) for each in list}
    assert len(attributes) == len(list), f"an attribute stands twice: {list}"
    return attributes


class Event:
    """Something that happened within a span."""

    def __init__(self, raw):
        assert raw.keys() == {"timeUnixNano", "name", "attributes"}, raw
        assert DIGITS.match(raw["timeUnixNano"]), raw
        self.at = int(raw["timeUnixNano"])
        self.name = raw["name"]
        self.attributes = attributes_of(raw["attributes"])


class Span:
    """One span, checked against OTLP's JSON encoding."""

    def __init__(self, raw, resource):
        known = {"traceId", "spanId", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano",
                 "endTimeUnixNano", "attributes", "status", "traceState", "events"}
        assert raw.keys() <= known, f"unknown members: {raw.keys() - known}"
        assert TRACE_ID.match(raw["traceId"]) and SPAN_ID.match(raw["spanId"]), raw
        assert "parentSpanId" not in raw or SPAN_ID.match(raw["parentSpanId"]), raw
        assert DIGITS.match(raw["startTimeUnixNano"]) and DIGITS.match(raw["endTimeUnixNano"]), raw
        assert raw["kind"] in (INTERNAL, SERVER, CLIENT), raw
        assert isinstance(raw["flags"], int) and raw["flags"] & 0x01, f"only sampled spans are exported: {raw}"
        self.raw = raw
        self.trace = raw["traceId"]
        self.id = raw["spanId"]
        self.parent = raw.get("parentSpanId")
        self.name = raw["name"]
        self.kind = raw["kind"]
        self.start = int(raw["startTimeUnixNano"])
        self.end = int(raw["endTimeUnixNano"])
        self.status = raw.get("status", {})
        self.attributes = attributes_of(raw["attributes"])
        self.events = [Event(each) for each in raw.get("events", [])]
        self.resource = resource
        assert 0 < self.start <= self.end, raw

    @property
    def node(self):
        return self.attributes["weft.node"]

    def __repr__(self):
        return json.dumps(self.raw)


class Collector:
    """Listens on an address of its own. `answers` is a queue of (status, headers, body) for the next requests."""

    def __init__(self):
        self.answers = queue.Queue()
        self.requests = 0
        self.problems = []
        self._spans = []
        self._lock = threading.Lock()
        self._release = threading.Event()
        self._release.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = collector._on_request(self.path, self.headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                try:
                    self.end_headers()
                    self.wfile.write(answer)
                except ConnectionError:
                    # A node that ends does not wait for a collector that hangs.
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((own_host(), 0), Handler)
        self._server.daemon_threads = True
        # Otherwise closing waits for requests that a test left hanging.
        self._server.block_on_close = False
        self.url = "http://%s:%d/v1/traces" % self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _on_request(self, path, headers, body):
        with self._lock:
            self.requests += 1
        self._release.wait()
        try:
            status, more, answer = self.answers.get_nowait()
        except queue.Empty:
            status, more, answer = 200, {}, b"{}"
        try:
            assert path == "/v1/traces", path
            assert headers["Content-Type"] == "application/json", headers["Content-Type"]
            spans = list(self._read(json.loads(body)))
            assert spans, "a request without spans"
        except (AssertionError, KeyError, ValueError, TypeError) as problem:
            self.problems.append(f"{problem!r} in {body[:2000]!r}")
            return 400, {}, b"{}"
        if status == 200:
            with self._lock:
                self._spans += spans
        return status, more, answer

    @staticmethod
    def _read(request):
        assert request.keys() == {"resourceSpans"}, request.keys()
        for per_resource in request["resourceSpans"]:
            resource = attributes_of(per_resource["resource"]["attributes"])
            assert resource["service.name"] == "weft", resource
            for per_scope in per_resource["scopeSpans"]:
                assert per_scope["scope"]["name"] == "weft", per_scope["scope"]
                for raw in per_scope["spans"]:
                    span = Span(raw, resource)
                    assert span.node == resource["service.instance.id"], raw
                    yield span

    def spans(self, trace=None):
        """Those that came so far, of one trace or of all."""
        if self.problems:
            raise AssertionError("\n".join(self.problems))
        with self._lock:
            return [span for span in self._spans if trace in (None, span.trace)]

    def wait_for(self, count, trace=None):
        """The spans of a trace, once that many have come."""
        eventually(lambda: len(self.spans(trace)) >= count, f"{count} spans, have {self.spans(trace)}")
        return self.spans(trace)

    def hold(self):
        """From now on requests are taken and not answered, until `let_go`."""
        self._release.clear()

    def let_go(self):
        self._release.set()

    def close(self):
        self.let_go()
        self._server.shutdown()
        self._server.server_close()


def chain(test, spans, first_parent):
    """The spans from the first to the last, each the child of the one before; nothing else may be there."""
    by_parent = {span.parent: span for span in spans}
    test.assertEqual(len(by_parent), len(spans), "two spans have one parent")
    ordered = []
    parent = first_parent
    while parent in by_parent:
        ordered.append(by_parent.pop(parent))
        parent = ordered[-1].id
    test.assertEqual(by_parent, {}, "spans that do not belong to the chain")
    return ordered
