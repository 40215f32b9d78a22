"""Classes as JSON: dataclasses, TypedDicts, NamedTuples, enums, and pydantic's models."""

import dataclasses
import enum
import typing
from collections.abc import Callable
from typing import Any

from .json_text import shown
from .mismatch import Mismatch, read_part, wrong

Parts = tuple[Callable[[Any], Any], dict[str, Any], str]


def codec_parts(kind: Any) -> Parts | None:
    """What a Codec is made of, or None for a class that is none of these."""
    made = typing.get_origin(kind) or kind
    if dataclasses.is_dataclass(made):
        return _dataclass(made, _arguments(kind))
    if typing.is_typeddict(made):
        return _typed_dict(made)
    if issubclass(made, tuple) and hasattr(made, "_fields"):
        return _named_tuple(made, _arguments(kind))
    if issubclass(made, enum.Enum):
        return _enum(made)
    if hasattr(made, "model_validate") or hasattr(made, "parse_obj"):
        return _pydantic(made)
    return None


def _arguments(kind: Any) -> dict[Any, Any]:
    """What the type parameters of a generic class stand for."""
    return dict(zip(getattr(typing.get_origin(kind), "__parameters__", ()), typing.get_args(kind)))


def _member_codecs(kind: Any, stands_for: dict[Any, Any]) -> dict[str, Any]:
    from .hints import codec_of

    hints = typing.get_type_hints(kind, include_extras=True)
    return {name: codec_of(_filled(hint, stands_for)) for name, hint in hints.items()}


def _filled(hint: Any, stands_for: dict[Any, Any]) -> Any:
    if isinstance(hint, typing.TypeVar):
        return stands_for.get(hint, hint)
    parameters = () if isinstance(hint, type) else getattr(hint, "__parameters__", ())
    return hint[tuple(stands_for.get(each, each) for each in parameters)] if parameters else hint


def _object_schema(kind: Any, codecs: dict[str, Any], required: list[str]) -> dict[str, Any]:
    properties = {name: each.schema for name, each in codecs.items()}
    return {"type": "object", "title": kind.__name__, "properties": properties,
            **({"required": required} if required else {})}


def _read_members(codecs: dict[str, Any], required: frozenset[str], value: Any) -> dict[str, Any]:
    """Those that are there. Unknown ones are passed over: a newer caller may say more."""
    if type(value) is not dict:
        raise wrong("an object", value)
    for name in required:
        if name not in value:
            raise Mismatch(f"is missing; it is {codecs[name].word}", name)
    members = {}
    for name, codec in codecs.items():
        if name in value:
            member = value[name]
            members[name] = member if type(member) is codec.exact else read_part(codec.read, name, member)
    return members


def _dataclass(kind: Any, stands_for: dict[Any, Any]) -> Parts:
    every = _member_codecs(kind, stands_for)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    codecs = {field.name: every[field.name] for field in fields}
    required = [field.name for field in fields
                if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING]
    needed = frozenset(required)

    def read(value: Any) -> Any:
        members = _read_members(codecs, needed, value)
        try:
            return kind(**members)
        except (ValueError, TypeError) as refused:
            # Of its __post_init__.
            raise Mismatch(f"is no {kind.__name__}: {refused}") from None

    return read, _object_schema(kind, codecs, required), "an object"


def _typed_dict(kind: Any) -> Parts:
    codecs = _member_codecs(kind, {})
    required = [name for name in codecs if name in kind.__required_keys__]
    needed = frozenset(required)

    def read(value: Any) -> Any:
        return _read_members(codecs, needed, value)

    return read, _object_schema(kind, codecs, required), "an object"


def _named_tuple(kind: Any, stands_for: dict[Any, Any]) -> Parts:
    from .hints import ANYTHING

    hinted = _member_codecs(kind, stands_for)
    codecs = [(name, hinted.get(name, ANYTHING)) for name in kind._fields]
    least, most = len(codecs) - len(kind._field_defaults), len(codecs)
    word = f"an array [{', '.join(kind._fields)}]"

    def read(value: Any) -> Any:
        if type(value) is not list or not least <= len(value) <= most:
            raise wrong(word, value)
        return kind(*(read_part(codec.read, name, each) for (name, codec), each in zip(codecs, value)))

    schema = {"type": "array", "title": kind.__name__, "prefixItems": [codec.schema for _, codec in codecs],
              "minItems": least, "maxItems": most}
    return read, schema, word


def _enum(kind: type[enum.Enum]) -> Parts:
    from .hints import either

    by_value = [(member.value, member) for member in kind]
    word = either([shown(value) for value, _ in by_value])

    def read(value: Any) -> Any:
        for each, member in by_value:
            if type(each) is type(value) and each == value:
                return member
        raise wrong(word, value)

    return read, {"enum": [value for value, _ in by_value], "title": kind.__name__}, word


def _pydantic(kind: Any) -> Parts:
    validate = getattr(kind, "model_validate", None) or kind.parse_obj
    schema = kind.model_json_schema() if hasattr(kind, "model_json_schema") else kind.schema()

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise wrong("an object", value)
        try:
            return validate(value)
        except ValueError as refused:
            raise _first_of(refused, value) from None

    return read, schema, "an object"


def _first_of(refused: Any, value: Any) -> Mismatch:
    """The first of the errors that pydantic found, in our words."""
    errors = refused.errors() if hasattr(refused, "errors") else []
    if not errors:
        return Mismatch(f"is refused: {refused}")
    found = Mismatch("")
    inner = value
    for place in errors[0]["loc"]:
        try:
            inner = inner[place]
        except (KeyError, IndexError, TypeError):
            inner = None
    found.text = f"is refused, {errors[0]['msg']}; it is {shown(inner)}"
    for place in reversed(errors[0]["loc"]):
        found = found.inside(f"[{place}]" if isinstance(place, int) else str(place))
    return found
