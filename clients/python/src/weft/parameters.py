"""The parameters of a function: by position or by name, each read by its hint."""

import collections.abc
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from . import codes
from .errors import Error
from .hints import ANYTHING, Codec, codec_of
from .json_text import shown
from .mismatch import Mismatch

_NOTHING: list[Any] = []


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Raises TypeError where one names what does not exist."""
    target: Any = function if inspect.isroutine(function) else function.__call__  # type: ignore[operator]
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError as missing:
        raise TypeError(f"the hints of {getattr(function, '__qualname__', function)} cannot be read: {missing}; what "
                        f"they name must be there when the method is declared") from None


class Parameters:
    """What a function takes. `arrange` makes the arguments of a call out of its params, or raises Error -32602."""

    def __init__(self, method: str, function: Callable[..., Any], hints: Mapping[str, Any]) -> None:
        self.method = method
        self._codecs: dict[str, Codec] = {}
        self._by_position: list[str] = []
        self._unnamed: set[str] = set()           # which can come by position only
        self._required: list[str] = []
        self._more: Codec | None = None           # of *args
        self._more_named: Codec | None = None     # of **kwargs
        for each in inspect.signature(function).parameters.values():
            self._add(each, codec_of(hints.get(each.name, each.empty)))
        self._readers = [self._codecs[name].read for name in self._by_position]
        self._exact = {} if self._unnamed else {name: codec.exact for name, codec in self._codecs.items()}
        self._least = sum(name in self._required for name in self._by_position)
        # By position nothing else has to be looked at.
        self._simple = self._more is None and self._least == len(self._required)

    def _add(self, parameter: inspect.Parameter, codec: Codec) -> None:
        match parameter.kind:
            case inspect.Parameter.VAR_POSITIONAL:
                self._more = codec
                return
            case inspect.Parameter.VAR_KEYWORD:
                self._more_named = codec
                return
            case inspect.Parameter.POSITIONAL_ONLY:
                self._unnamed.add(parameter.name)
                self._by_position.append(parameter.name)
            case inspect.Parameter.POSITIONAL_OR_KEYWORD:
                self._by_position.append(parameter.name)
        self._codecs[parameter.name] = codec
        if parameter.default is parameter.empty:
            self._required.append(parameter.name)

    def arrange(self, params: Any) -> tuple[list[Any], dict[str, Any]]:
        if type(params) is dict:
            return self._named(params)
        if params is None:
            params = _NOTHING
        if type(params) is not list:
            raise self._refuse(f"params are an object or an array, not {shown(params)}")
        if self._simple and self._least <= len(params) <= len(self._readers):
            arguments: list[Any] = []
            try:
                for read, value in zip(self._readers, params):
                    arguments.append(read(value))
            except Mismatch as mismatch:
                raise self._misfit(self._by_position[len(arguments)], mismatch) from None
            return arguments, {}
        return self._placed(params)

    def _placed(self, params: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        if len(params) > len(self._by_position) and self._more is None:
            raise self._refuse(f"{len(params)} params came")
        self._check_all_there({*self._by_position[:len(params)]})
        names = [*self._by_position, *("*" for _ in params[len(self._by_position):])]
        return [self._read(name, self._codecs.get(name, self._more or ANYTHING), value)
                for name, value in zip(names, params)], {}

    def _named(self, params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        exact = self._exact
        if len(params) == len(exact):
            for name, value in params.items():
                if type(value) is not exact.get(name):
                    break
            else:
                # All are there, and right as they are.
                return [], params
        named = {}
        for name, value in params.items():
            codec = self._codecs.get(name, self._more_named)
            if codec is None:
                raise self._refuse(f"'{name}' is no parameter of it")
            try:
                named[name] = codec.read(value)
            except Mismatch as mismatch:
                raise self._misfit(name, mismatch) from None
        if len(named) < len(self._codecs) or self._more_named:
            self._check_all_there(named.keys())
        placed: list[Any] = []
        if not self._unnamed:
            return placed, named
        for name in self._by_position:
            if name not in self._unnamed or name not in named:
                break
            placed.append(named.pop(name))
        return placed, named

    def _check_all_there(self, names: collections.abc.Set[str]) -> None:
        for name in self._required:
            if name not in names:
                raise self._refuse(f"'{name}' is missing, {self._codecs[name].word}")

    def _read(self, name: str, codec: Codec, value: Any) -> Any:
        try:
            return codec.read(value)
        except Mismatch as mismatch:
            raise self._misfit(name, mismatch) from None

    def _misfit(self, name: str, mismatch: Mismatch) -> Error:
        return Error(codes.INVALID_PARAMS, f"{self.method}: {mismatch.inside(name).said_of('it')}")

    def _refuse(self, what: str) -> Error:
        return Error(codes.INVALID_PARAMS, f"{self.method}: {what}; it takes {self._shape()}")

    def _shape(self) -> str:
        parts = [f'"{name}"{"" if name in self._required else "?"}: {codec.word}'
                 for name, codec in self._codecs.items()]
        if self._more or self._more_named:
            parts.append("…")
        return f"{{{', '.join(parts)}}}, or the same in an array" if parts else "no params"

    def schema(self) -> dict[str, Any]:
        """Of the params as an object, in the order in which they may come in an array."""
        return {"type": "object", "properties": {name: codec.schema for name, codec in self._codecs.items()},
                **({"required": self._required} if self._required else {}),
                **({} if self._more_named else {"additionalProperties": False})}
