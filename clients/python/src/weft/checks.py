"""What options may be: one with another value is refused where it is written, with what would be right."""

import math
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """What an option is, in words, by its type and then by its value. Whether None is one of them says `optional`."""

    words: str
    types: type | tuple[type, ...]
    fits: Callable[..., bool] | None = None
    optional: bool = False
    secret: bool = False


def _positive(value: float) -> bool:
    return 0 < value < math.inf


def _from_zero(value: float) -> bool:
    return 0 <= value < math.inf


FLAG = Kind("True or False", bool)
COUNT = Kind("an integer from 1", int, (1).__le__)
SOME = COUNT._replace(words="an integer from 1, or None for any number", optional=True)
TEXT = Kind("a text, or None", str, optional=True)
SECRET = TEXT._replace(secret=True)
PATH = Kind("the path of a file, or None", (str, os.PathLike), optional=True)
FUNCTION = Kind("a function, or None", object, callable, optional=True)
INTERVAL = Kind("a number of seconds above 0", (int, float), _positive)
LIMIT = INTERVAL._replace(words="a number of seconds above 0, or None for no limit", optional=True)
# What is left of some time may be less than nothing.
LEFT = Kind("a number of seconds, or None for no limit", (int, float), math.isfinite, optional=True)
PATIENCE = Kind("a number of seconds from 0", (int, float), _from_zero)
HINT = Kind("a type, such as User or list[User]", object,
            lambda value: not isinstance(value, (str, bytes, int, float, list, tuple, dict, set)), optional=True)
ANYTHING = Kind("any JSON value", object, optional=True)


def check(whose: str, kinds: Mapping[str, Kind], options: Mapping[str, object]) -> None:
    """Raises TypeError or ValueError, which names the option, its value and what would be right."""
    for name, value in options.items():
        if (kind := kinds.get(name)) is None:
            raise TypeError(_unknown(whose, kinds, name))
        if value is None and kind.optional:
            continue
        # True is an int, and none that anybody means.
        typed = isinstance(value, kind.types) and (type(value) is not bool or kind.types not in (int, (int, float)))
        if not typed or kind.fits is not None and not kind.fits(value):
            said = f"of type {type(value).__name__}" if kind.secret else f"{value!r:.100}"
            wrong = ValueError if typed and kind.types is not object else TypeError
            raise wrong(f"{whose}: {name} is {said}; it must be {kind.words}")


def _unknown(whose: str, kinds: Mapping[str, Kind], name: str) -> str:
    import difflib
    near = difflib.get_close_matches(name, kinds, 1)
    return (f"{whose}: there is no option '{name}'; there are {', '.join(kinds)}"
            + (f"; did you mean '{near[0]}'?" if near else ""))
