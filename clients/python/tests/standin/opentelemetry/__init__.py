"""Stands in for opentelemetry-api, which Debian 12 does not have: of its interface what the package uses, with W3C's
propagation, and the spans in a list."""

import contextlib
import contextvars
import itertools

current = contextvars.ContextVar("span", default=None)
spans = []
numbers = itertools.count(1)


class Span:
    def __init__(self, name, trace_id, parent, kind, attributes):
        self.name, self.trace_id, self.parent, self.kind, self.attributes = name, trace_id, parent, kind, attributes
        self.id = f"{next(numbers):016x}"
        spans.append(self)


@contextlib.contextmanager
def begin(name, trace_id, parent, kind, attributes):
    token = current.set(Span(name, trace_id, parent, kind, attributes))
    try:
        yield current.get()
    finally:
        current.reset(token)
