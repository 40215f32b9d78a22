"""W3C trace context: that of the call that runs here, or, where OpenTelemetry is installed, its current span."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from .context import Call, _current

try:
    _propagate: Any = importlib.import_module("opentelemetry.propagate")
    _trace: Any = importlib.import_module("opentelemetry.trace")
except ImportError:
    _propagate = _trace = None

NOTHING: dict[str, str] = {}
MEMBERS = ("traceparent", "tracestate")


def outgoing() -> dict[str, str]:
    """The members that a request made here carries."""
    if _propagate is not None:
        carrier: dict[str, str] = {}
        _propagate.inject(carrier)
        if "traceparent" in carrier:
            return {name: carrier[name] for name in MEMBERS if name in carrier}
    call = _current.get()
    if call is None or call.traceparent is None:
        return NOTHING
    return {"traceparent": call.traceparent, **({"tracestate": call.tracestate} if call.tracestate else {})}


@contextlib.contextmanager
def span(call: Call) -> Iterator[None]:
    """A span of the kind server around a method, a child of what its request brought."""
    carrier: dict[str, Any] = {name: value for name in MEMBERS if (value := getattr(call, name))}
    parent = _propagate.extract(carrier)
    tracer = _trace.get_tracer("weft")
    attributes = {"rpc.system.name": "jsonrpc", "rpc.method": call.method}
    with tracer.start_as_current_span(call.method, context=parent, kind=_trace.SpanKind.SERVER, attributes=attributes):
        yield


INSTALLED = _propagate is not None
