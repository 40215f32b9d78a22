import enum

from . import begin


class SpanKind(enum.Enum):
    SERVER = 1


class Tracer:
    def start_as_current_span(self, name, context=None, kind=None, attributes=None):
        traceparent, _ = context
        _, trace_id, parent, _ = traceparent.split("-") if traceparent else (None, f"{7:032x}", None, None)
        return begin(name, trace_id, parent, kind, attributes)


def get_tracer(_):
    return Tracer()
