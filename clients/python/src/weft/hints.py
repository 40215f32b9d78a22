"""Type hints to what they mean on the wire: how a value is read, its JSON Schema, and the words for it in errors."""

import base64
import binascii
import collections.abc
import datetime
import decimal
import enum
import inspect
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from . import records
from .json_text import shown
from .mismatch import Mismatch, Read, read_part, wrong


class Codec(NamedTuple):
    """`read` makes a value of what JSON brought, or raises Mismatch; `word` says what it takes. What JSON brought as an
    `exact` is right as it is."""

    read: Read
    schema: dict[str, Any]
    word: str
    exact: type | None = None


def _anything(value: Any) -> Any:
    return value


ANYTHING = Codec(_anything, {}, "any value")


def _exactly(kind: type, word: str, schema: str) -> Codec:
    def read(value: Any) -> Any:
        # A bool is an int to isinstance.
        if type(value) is not kind:
            raise wrong(word, value)
        return value

    return Codec(read, {"type": schema}, word, kind)


def _read_float(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise wrong("a number", value)
    return float(value)


def _from_text(parse: Callable[[str], Any], word: str, format: str | None = None) -> Codec:
    def read(value: Any) -> Any:
        if type(value) is not str:
            raise wrong(word, value)
        try:
            return parse(value)
        except (ValueError, ArithmeticError, binascii.Error):
            raise wrong(word, value) from None

    return Codec(read, {"type": "string", **({"format": format} if format else {})}, word)


def _read_decimal(value: Any) -> decimal.Decimal:
    if type(value) in (str, int, float):
        try:
            return decimal.Decimal(str(value))
        except ArithmeticError:
            pass
    raise wrong("a decimal number, as a string", value)


def _read_seconds(value: Any) -> datetime.timedelta:
    return datetime.timedelta(seconds=_read_float(value))


_LEAVES: dict[Any, Codec] = {
    Any: ANYTHING,
    object: ANYTHING,
    inspect.Parameter.empty: ANYTHING,
    bool: _exactly(bool, "true or false", "boolean"),
    int: _exactly(int, "an integer", "integer"),
    float: Codec(_read_float, {"type": "number"}, "a number", float),
    str: _exactly(str, "a string", "string"),
    None: _exactly(type(None), "null", "null"),
    type(None): _exactly(type(None), "null", "null"),
    datetime.datetime: _from_text(datetime.datetime.fromisoformat, 'a date and time such as "2026-01-02T03:04:05Z"',
                                  "date-time"),
    datetime.date: _from_text(datetime.date.fromisoformat, 'a date such as "2026-01-02"', "date"),
    datetime.time: _from_text(datetime.time.fromisoformat, 'a time of day such as "03:04:05"', "time"),
    datetime.timedelta: Codec(_read_seconds, {"type": "number"}, "a number of seconds"),
    uuid.UUID: _from_text(uuid.UUID, "a UUID", "uuid"),
    decimal.Decimal: Codec(_read_decimal, {"type": "string", "format": "decimal"}, "a decimal number, as a string"),
    bytes: _from_text(lambda text: base64.b64decode(text, validate=True), "bytes in base64", "byte"),
    list: _exactly(list, "an array", "array"),
    dict: _exactly(dict, "an object", "object"),
}


def _array(item: Codec, make: Callable[[list[Any]], Any] | None = None, **schema: Any) -> Codec:
    read_item, exact = item.read, {item.exact}

    def read(value: Any) -> Any:
        if type(value) is not list:
            raise wrong("an array", value)
        if exact.issuperset(map(type, value)):
            return make(value) if make else value
        items: list[Any] = []
        try:
            for each in value:
                items.append(read_item(each))
        except Mismatch as inner:
            raise inner.inside(f"[{len(items)}]") from None
        return make(items) if make else items

    return Codec(read, {"type": "array", **({"items": item.schema} if item.schema else {}), **schema}, "an array")


def _tuple(items: list[Codec]) -> Codec:
    word = f"an array of {len(items)}"

    def read(value: Any) -> Any:
        if type(value) is not list or len(value) != len(items):
            raise wrong(word, value)
        return tuple(read_part(codec.read, f"[{place}]", each)
                     for place, (codec, each) in enumerate(zip(items, value)))

    return Codec(read, {"type": "array", "prefixItems": [each.schema for each in items],
                        "minItems": len(items), "maxItems": len(items)}, word)


def _key(hint: Any) -> Codec:
    """Of a dictionary: JSON has only strings there."""
    if hint is int:
        return _from_text(int, "an integer, as a string")
    return codec_of(hint)


def _mapping(key: Codec, item: Codec) -> Codec:
    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise wrong("an object", value)
        return {read_part(key.read, f"the name '{name}'", name): read_part(item.read, name, each)
                for name, each in value.items()}

    return Codec(read, {"type": "object", **({"additionalProperties": item.schema} if item.schema else {})},
                 "an object")


def either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _literal(values: tuple[Any, ...]) -> Codec:
    # An enum's member stands for its value.
    written = [(value.value if isinstance(value, enum.Enum) else value, value) for value in values]
    word = either([shown(each) for each, _ in written])

    def read(value: Any) -> Any:
        for each, means in written:
            if _same(each, value):
                return means
        raise wrong(word, value)

    return Codec(read, {"enum": [each for each, _ in written]}, word)


def _union(choices: list[Codec], optional: bool) -> Codec:
    """What fits the first of them. With only one beside null, what is wrong is what is wrong with that one."""
    word = either([each.word for each in choices] + (["null"] if optional else []))

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        for each in choices:
            try:
                return each.read(value)
            except Mismatch as inner:
                if len(choices) == 1:
                    raise inner if inner.path else wrong(word, value) from None
        raise wrong(word, value)

    schemas = [each.schema for each in choices] + ([{"type": "null"}] if optional else [])
    return Codec(read, {"anyOf": schemas} if all(schemas) else {}, word)


def _union_of(arguments: tuple[Any, ...]) -> Codec:
    choices = [each for each in arguments if each not in (None, type(None))]
    # A float reads every integer, too.
    choices.sort(key=lambda each: each is float)
    return _union([codec_of(each) for each in choices], len(choices) < len(arguments))


_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection,
          collections.abc.MutableSequence)
_SETS = {set: set, frozenset: frozenset, collections.abc.Set: frozenset, collections.abc.MutableSet: set}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def _generic(hint: Any, origin: Any, arguments: tuple[Any, ...]) -> Codec | None:
    if origin in (typing.Union, types.UnionType):
        return _union_of(arguments)
    if origin is typing.Literal:
        return _literal(arguments)
    if origin is typing.Annotated:
        return _annotated(arguments)
    if origin in (typing.Required, typing.NotRequired):
        return codec_of(arguments[0])
    if origin is tuple or hint is tuple:
        return _tuple_of(arguments)
    origin = origin or hint
    if origin in _LISTS:
        return _array(codec_of(arguments[0]) if arguments else ANYTHING)
    if origin in _SETS:
        return _array(codec_of(arguments[0]) if arguments else ANYTHING, _SETS[origin], uniqueItems=True)
    if origin in _MAPPINGS:
        return _mapping(_key(arguments[0]), codec_of(arguments[1])) if arguments else _LEAVES[dict]
    return None


def _tuple_of(arguments: tuple[Any, ...]) -> Codec:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _array(codec_of(arguments[0]), tuple)
    return _tuple([codec_of(each) for each in arguments]) if arguments else _array(ANYTHING, tuple)


def _annotated(arguments: tuple[Any, ...]) -> Codec:
    codec = codec_of(arguments[0])
    said = next((each for each in arguments[1:] if isinstance(each, str)), None)
    return codec._replace(schema={**codec.schema, "description": said}) if said else codec


_known: dict[Any, Codec] = {}


def codec_of(hint: Any) -> Codec:
    """Raises TypeError for a hint that means nothing on the wire."""
    if (leaf := _LEAVES.get(hint) if isinstance(hint, collections.abc.Hashable) else None) is not None:
        return leaf
    if isinstance(hint, typing.NewType):
        return codec_of(hint.__supertype__)
    if isinstance(hint, typing.TypeVar):
        return codec_of(hint.__bound__ or Any)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if (found := _generic(hint, origin, arguments)) is not None:
        return found
    if isinstance(hint, type) or origin is not None:
        return _class(hint)
    raise TypeError(f"{hint!r} is no type that a method can take or give")


def _class(kind: Any) -> Codec:
    if kind in _known:
        return _known[kind]

    def read(value: Any) -> Any:
        return _known[kind].read(value)

    # A type that contains itself finds this while it is made.
    _known[kind] = Codec(read, {"type": "object", "title": getattr(kind, "__name__", str(kind))}, "an object")
    try:
        made = records.codec_parts(kind)
        if made is None:
            raise TypeError(f"{kind!r} is no type that a method can take or give")
    except BaseException:
        del _known[kind]
        raise
    _known[kind] = Codec(*made)
    return _known[kind]


_readers: dict[Any, Read] = {}


def reader_of(hint: Any) -> Read:
    """`read` of what calls are told that they return, so it is kept for classes, for list[User] and such. A union is
    equal to one in another order, which reads otherwise."""
    if not isinstance(hint, type) and not (
            type(hint) is types.GenericAlias and all([isinstance(each, type) for each in hint.__args__])):
        return codec_of(hint).read
    if (found := _readers.get(hint)) is None:
        found = _readers[hint] = codec_of(hint).read
    return found
