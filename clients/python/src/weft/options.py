"""What is said of a call itself, beside its parameters."""

import contextvars
from types import TracebackType
from typing import Any, NamedTuple, Self

from .checks import ANYTHING, COUNT, FLAG, HINT, LEFT, check

_UNSET: Any = type("Unset", (), {"__repr__": lambda self: "unset"})()
KINDS = {"timeout": LEFT, "idempotent": FLAG, "attempts": COUNT, "route_key": ANYTHING, "returns": HINT,
         "window": COUNT, "after": ANYTHING, "resume": FLAG}


class Settings(NamedTuple):
    """Options with every one decided. Calls with options of their own make one each, so it is what is made fastest."""

    timeout: float | None = None
    timeout_given: bool = False
    idempotent: bool = False
    attempts: int = 3
    route_key: Any = None
    returns: Any = None
    window: int = 64
    after: Any = None
    resume: bool = False


class Options:
    """Made by `options`. As a context manager it holds for all calls in the block, also of tasks that begin there."""

    __slots__ = ("given", "_outside")

    def __init__(self, given: dict[str, Any], outside: "Options | None" = None) -> None:
        self.given, self._outside = given, outside

    def over(self, below: "Options | None") -> "Options":
        return self if below is None else Options({**below.given, **self.given})

    def __enter__(self) -> Self:
        # Several tasks may be in blocks of one Options at a time, so what was outside is kept for each.
        outside = _ambient.get()
        _ambient.set(Options(self.over(outside).given, outside))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        inside = _ambient.get()
        assert inside is not None
        _ambient.set(inside._outside)

    def __repr__(self) -> str:
        return f"weft.options({', '.join(f'{name}={value!r}' for name, value in self.given.items())})"


_ambient: contextvars.ContextVar[Options | None] = contextvars.ContextVar("weft_options", default=None)


def options(*, timeout: float | None = _UNSET, idempotent: bool = _UNSET, attempts: int = _UNSET,
            route_key: Any = _UNSET, returns: Any = _UNSET, window: int = _UNSET, after: Any = _UNSET,
            resume: bool = _UNSET) -> Options:
    """Options of a call or a stream: given to it among its positional arguments, or around a block.

    `timeout` in seconds travels with the call; None for no limit. `idempotent`: it may be made again also where it may
    have run. `attempts`: how often at most. `route_key`: any JSON value, calls with one key reach one instance where
    that is how they are balanced. `returns`: the type of the result, or of the items. Of streams: at most `window`
    items are on their way; `after` is the cursor to begin behind; `resume` goes on behind the last one when the
    connection was lost."""
    values = (timeout, idempotent, attempts, route_key, returns, window, after, resume)
    given = {name: value for name, value in zip(KINDS, values) if value is not _UNSET}
    check("weft.options", KINDS, given)
    return Options(given)


def split(arguments: tuple[Any, ...], default: Settings) -> tuple[tuple[Any, ...], Settings]:
    """The parameters among the arguments, and what holds for the call."""
    above = _ambient.get()
    for each in arguments:
        if type(each) is Options:
            above = each.over(above)
            arguments = tuple([other for other in arguments if type(other) is not Options])
    return arguments, default if above is None else decide(above, default)


def decide(given: Options, default: Settings) -> Settings:
    if "timeout" in given.given:
        return default._replace(**given.given, timeout_given=True)
    return default._replace(**given.given)
