"""JSON text to values and back, and what Python's types are in it."""

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import json.decoder
import json.encoder
import uuid
from collections.abc import Callable
from typing import Any


_known_names: dict[Any, tuple[str, ...]] = {}


def _names(kind: Any) -> tuple[str, ...]:
    if (names := _known_names.get(kind)) is None:
        names = _known_names[kind] = tuple(field.name for field in dataclasses.fields(kind))
    return names


def plain(value: Any) -> Any:
    """What `value`, which JSON has no type for, is in it. Raises TypeError where it is nothing."""
    kind = type(value)
    if kind in _known_names or dataclasses.is_dataclass(value):
        return {name: getattr(value, name) for name in _names(kind)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "parse_obj"):
        return json.loads(value.json())
    raise TypeError(f"a {kind.__name__} is nothing that JSON can say: {value!r:.100}")


_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=plain)
_make = json.encoder.c_make_encoder  # type: ignore[attr-defined]


def _fast_encoder() -> Callable[[Any], str]:
    # JSONEncoder.encode makes one of these for every value.
    quote = json.encoder.encode_basestring  # type: ignore[attr-defined]
    chunks = _make(None, plain, quote, None, ":", ",", False, False, False)

    def dumps(value: Any) -> str:
        return "".join(chunks(value, 0))

    return dumps


# Raises TypeError, ValueError or RecursionError for what cannot be written.
dumps: Callable[[Any], str] = _fast_encoder() if _make else _encoder.encode


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_number)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]


def loads(payload: bytes) -> Any:
    """Raises ValueError for what is no JSON, no UTF-8, or nested too deep."""
    text = payload.decode()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        # White space comes first, or it is malformed, which this says better.
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if end != len(text):
        value = _decoder.decode(text)
    if "\\" in text and ("\\ud" in text or "\\uD" in text):
        # Raises for a lone surrogate, which UTF-8 cannot express.
        dumps(value).encode()
    return value


_WHITESPACE = " \t\r\n"


def raw_member(text: str, name: str) -> str | None:
    """The text of a member of the object that `text` is, as it was written. `text` is known to be well-formed."""
    def skip(at: int) -> int:
        while at < len(text) and text[at] in _WHITESPACE:
            at += 1
        return at

    at, found = skip(0) + 1, None
    while text[at := skip(at)] != "}":
        if text[at] == ",":
            at = skip(at + 1)
        key, at = json.decoder.scanstring(text, at + 1)  # type: ignore[attr-defined]
        begin = skip(skip(at) + 1)
        _, at = _scan(text, begin)
        if key == name:
            found = text[begin:at]
    return found


def shown(value: Any, most: int = 60) -> str:
    """A value in an error message: as JSON, and not the whole of a long one."""
    try:
        text = dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= most else text[:most - 1] + "…"
