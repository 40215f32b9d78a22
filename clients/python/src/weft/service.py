"""A service: functions that become methods, with what their hints say of them."""

import collections.abc
import functools
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar, overload

from . import codes
from .checks import FLAG, SOME, TEXT, Kind, check
from .errors import Error
from .hints import ANYTHING, Codec, codec_of
from .json_text import loads
from .mismatch import Mismatch
from .parameters import Parameters, hints_of

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

NAME = Kind('a name, such as "users"', str, bool)
KINDS = {"name": TEXT, "idempotent": FLAG, "max_in_flight": SOME, "resumable": FLAG, "thread": FLAG}


class Item(NamedTuple, Generic[T]):
    """An item of a resumable stream: a value, and the JSON value by which a caller can go on behind it."""

    value: T
    cursor: Any


_STREAM_HINTS = (collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator,
                 collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)


def _item_codec(hint: Any) -> Codec:
    """Of what a generator yields: an Item is sent as its value."""
    if hint is Item:
        return ANYTHING
    return codec_of(typing.get_args(hint)[0] if typing.get_origin(hint) is Item else hint)


class Method:
    """A function as the mesh knows it. `plain` ones run at once, others in a task; `streams` says that it generates."""

    def __init__(self, name: str, function: Callable[..., Any], *, idempotent: bool = False,
                 max_in_flight: int | None = None, resumable: bool = False, thread: bool = False) -> None:
        self.name, self.function, self.thread = name, function, thread
        self.idempotent, self.max_in_flight, self.resumable = idempotent, max_in_flight, resumable
        called = _called(function)
        self.generator = inspect.isgeneratorfunction(called)
        self.streams = self.generator or inspect.isasyncgenfunction(called)
        self.plain = not self.streams and not thread and not inspect.iscoroutinefunction(called)
        # For readers: the first paragraph, as schemas have a limit.
        self.doc = (inspect.getdoc(called) or "").partition("\n\n")[0]
        self._check()
        hints = hints_of(called)
        self.parameters = Parameters(name, function, hints)
        self.result = self.item = ANYTHING
        self.input: Codec | None = None
        returned = hints.get("return", inspect.Parameter.empty)
        if self.streams:
            self._read_stream_hint(returned)
        else:
            self.result = codec_of(returned)

    def _check(self) -> None:
        prefix = self.name.removesuffix(".*")
        if not prefix or "*" in prefix:
            raise ValueError(f"'{self.name}' is no name of a method; it is one such as \"users.get\", or \"users.*\" "
                             "for all that begin so")
        if prefix.startswith(("rpc.", "mesh.", "$/")) or prefix in ("connect", "heartbeat", "rpc", "mesh"):
            raise ValueError(f"'{self.name}' is reserved for the node")
        if self.resumable and not self.streams:
            raise ValueError(f"{self.name}: resumable is for a generator, which yields weft.Item(value, cursor)")
        if self.thread and (self.streams or inspect.iscoroutinefunction(_called(self.function))):
            raise ValueError(f"{self.name}: thread is for a plain function, that may block")

    def _read_stream_hint(self, returned: Any) -> None:
        origin, arguments = typing.get_origin(returned), typing.get_args(returned)
        if origin not in _STREAM_HINTS:
            if returned is not inspect.Parameter.empty and returned not in _STREAM_HINTS:
                raise TypeError(f"{self.name} is a generator, so its result is an AsyncIterator[…] or Iterator[…], not "
                                f"{returned!r}")
            return
        self.item = _item_codec(arguments[0])
        if len(arguments) > 1 and arguments[1] not in (None, type(None)):
            self.input = codec_of(arguments[1])

    def check(self, codec: Codec, text: str, what: str) -> None:
        """Raises Error -32603 where what it gives is not what it declares."""
        try:
            codec.read(loads(text.encode()))
        except Mismatch as mismatch:
            raise Error(codes.INTERNAL_ERROR, f"{self.name}: {what} is not as its hint says: "
                                              f"{mismatch.said_of('it')}") from None

    def declaration(self) -> dict[str, Any]:
        """Its entry in `serves`."""
        entry: dict[str, Any] = {"method": self.name}
        if self.idempotent:
            entry["idempotent"] = True
        if self.max_in_flight is not None:
            entry["max_in_flight"] = self.max_in_flight
        entry["params"] = {**self.parameters.schema(), **({"description": self.doc} if self.doc else {})}
        if not self.streams:
            if self.result.schema:
                entry["result"] = self.result.schema
            return entry
        entry["stream"] = True
        if self.item.schema:
            entry["item"] = self.item.schema
        if self.input is not None:
            entry["input"] = self.input.schema
        if self.resumable:
            entry["resumable"] = True
        return entry


def _called(function: Callable[..., Any]) -> Any:
    """The function itself: what a partial or an object with __call__ leads to."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    return function.__call__  # type: ignore[operator]


class Service:
    """Methods by their names. `name` is what the mesh calls it, and what the names of its methods begin with."""

    def __init__(self, name: str, *, prefix: str | None = None) -> None:
        check("weft.Service", {"name": NAME, "prefix": TEXT}, {"name": name, "prefix": prefix})
        self.name = name
        self.methods: dict[str, Method] = {}
        self._prefix = f"{name}." if prefix is None else prefix

    @overload
    def method(self, name: F, /) -> F: ...

    @overload
    def method(self, name: str | None = None, /, *, idempotent: bool = False, max_in_flight: int | None = None,
               resumable: bool = False, thread: bool = False) -> Callable[[F], F]: ...

    def method(self, name: Any = None, /, **about: Any) -> Any:
        """Makes a function a method: `@service.method`, or with a name and what else there is to say of it.

        Without a name it is the service's and the function's. `thread` runs a plain function that blocks in a
        thread. Raises TypeError or ValueError for hints and names that no method can have."""
        if callable(name):
            return self._add(None, name, {})
        check("service.method", KINDS, {"name": name, **about})
        return lambda function: self._add(name, function, about)

    def _add(self, name: str | None, function: F, about: dict[str, Any]) -> F:
        if name is None:
            name = f"{self._prefix}{getattr(function, '__name__', '')}"
        if name in self.methods:
            raise ValueError(f"{self.name} has a method '{name}' already")
        self.methods[name] = Method(name, function, **about)
        return function


class Methods:
    """Those of some services together, found as a node finds them: the exact name, then the longest prefix."""

    def __init__(self, services: Iterable[Service] = ()) -> None:
        # Is what they give read by their hints before it goes out? That is for tests.
        self.checked = False
        self.exact: dict[str, Method] = {}
        self._prefixes: dict[str, Method] = {}
        for service in services:
            for name, method in service.methods.items():
                if name in self.exact or name in self._prefixes:
                    raise ValueError(f"two services have a method '{name}'")
                (self._prefixes if name.endswith(".*") else self.exact)[name] = method

    def __bool__(self) -> bool:
        return bool(self.exact or self._prefixes)

    def __iter__(self) -> "collections.abc.Iterator[Method]":
        yield from self.exact.values()
        yield from self._prefixes.values()

    def find(self, name: str) -> Method:
        """Raises Error -32601."""
        if (found := self.exact.get(name)) is not None:
            return found
        prefix = name
        while self._prefixes and "." in prefix:
            prefix = prefix.rpartition(".")[0]
            if (found := self._prefixes.get(f"{prefix}.*")) is not None:
                return found
        known = ", ".join(each.name for each in self) or "none"
        raise Error(codes.METHOD_NOT_FOUND, f"no method '{name}' here, only {known}")
