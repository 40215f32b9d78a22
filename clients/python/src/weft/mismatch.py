"""What does not fit a type: where it is, what came, what would be right."""

from collections.abc import Callable
from typing import Any

from .json_text import shown

Read = Callable[[Any], Any]


class Mismatch(Exception):
    """`path` leads from the outside to the value that `text` is about."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.text, self.path = text, path

    def inside(self, place: str) -> "Mismatch":
        if not self.path:
            return Mismatch(self.text, place)
        return Mismatch(self.text, f"{place}{'' if self.path.startswith('[') else '.'}{self.path}")

    def __str__(self) -> str:
        return self.said_of("it")

    def said_of(self, whole: str) -> str:
        """`whole` is what the value as such is called."""
        return f"'{self.path}' {self.text}" if self.path else f"{whole} {self.text}"


def wrong(word: str, value: Any) -> Mismatch:
    return Mismatch(f"is {word}, not {shown(value)}")


def read_part(read: Read, place: str, value: Any) -> Any:
    """A value within another one: what is wrong with it is said with its place."""
    try:
        return read(value)
    except Mismatch as inner:
        raise inner.inside(place) from None
