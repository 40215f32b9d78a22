"""What hints mean: values, what is wrong with others, and JSON Schema."""

import dataclasses
import datetime
import decimal
import enum
import typing
import uuid
from typing import (Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict, TypeVar,
                    Union)

import pydantic
import pytest

import weft
from weft.hints import codec_of, reader_of
from weft.json_text import dumps, loads
from weft.mismatch import Mismatch


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Address:
    street: str
    number: int = 1


@dataclasses.dataclass
class User:
    name: str
    home: Address
    color: Color = Color.RED
    tags: list[str] = dataclasses.field(default_factory=list)
    boss: Optional["User"] = None


@dataclasses.dataclass
class Positive:
    value: int

    def __post_init__(self):
        if self.value <= 0:
            raise ValueError("value must be above 0")


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Model(pydantic.BaseModel):
    id: int
    names: list[str] = []


T = TypeVar("T")


@dataclasses.dataclass
class Page(Generic[T]):
    items: list[T]


UserId = NewType("UserId", int)
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)

# A hint, a value, and what it is in JSON. Both ways.
BOTH_WAYS = [
    (int, 1, 1), (str, "é", "é"), (bool, True, True), (float, 1.5, 1.5), (None, None, None), (Any, [1, {}], [1, {}]),
    (list[int], [1, 2], [1, 2]), (dict[str, list[int]], {"a": [1]}, {"a": [1]}), (dict[int, str], {1: "a"}, {"1": "a"}),
    (tuple[int, str], (1, "a"), [1, "a"]), (tuple[int, ...], (1, 2), [1, 2]), (set[int], {1}, [1]),
    (Optional[int], None, None), (int | None, 3, 3), (Union[int, str], "a", "a"), (int | float, 1, 1),
    (Literal["a", 1], 1, 1), (Color, Color.GREEN, "green"), (Level, Level.HIGH, 2), (UserId, 7, 7),
    (Annotated[int, "of the user"], 7, 7),
    (datetime.datetime, MOMENT, "2026-01-02T03:04:05+00:00"), (datetime.date, MOMENT.date(), "2026-01-02"),
    (datetime.time, datetime.time(3, 4), "03:04:00"), (datetime.timedelta, datetime.timedelta(seconds=90), 90.0),
    (uuid.UUID, uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (decimal.Decimal, decimal.Decimal("1.10"), "1.10"), (bytes, b"\0\1", "AAE="),
    (Address, Address("Main", 3), {"street": "Main", "number": 3}),
    (User, User("a", Address("b")), {"name": "a", "home": {"street": "b", "number": 1}, "color": "red", "tags": [],
                                     "boss": None}),
    (Page[Address], Page([Address("b")]), {"items": [{"street": "b", "number": 1}]}),
    (Movie, {"title": "a"}, {"title": "a"}), (Point, Point(1.0, 2.0), [1.0, 2.0]),
    (Address | Point, Point(1.0, 2.0), [1.0, 2.0]), (Model, Model(id=1), {"id": 1, "names": []}),
    (list[Model | None], [Model(id=1), None], [{"id": 1, "names": []}, None]),
]


@pytest.mark.parametrize("hint, value, json", BOTH_WAYS, ids=[str(each[0]) for each in BOTH_WAYS])
def test_values_go_both_ways(hint, value, json):
    assert loads(dumps(value).encode()) == json
    read = weft.convert(hint, json)
    assert read == value and type(read) is type(value)


def test_types_that_take_more():
    assert weft.convert(float, 1) == 1.0 and type(weft.convert(float, 1)) is float
    assert weft.convert(datetime.datetime, "2026-01-02T03:04:05Z") == MOMENT
    assert weft.convert(Point, [1]) == Point(1.0)
    assert weft.convert(Address, {"street": "a", "of a newer caller": 1}) == Address("a")
    assert weft.convert(decimal.Decimal, 1.1) == decimal.Decimal("1.1")
    assert weft.convert(User, {"name": "a", "home": {"street": "b"}, "boss": {"name": "c", "home": {"street": "d"}}}
                        ).boss.home.street == "d"


MISFITS = [
    (int, "one", 'is an integer, not "one"'), (int, True, "is an integer, not true"),
    (int, 1.0, "is an integer, not 1.0"),
    (str, 1, "is a string, not 1"), (bool, 1, "is true or false, not 1"), (float, "1", 'is a number, not "1"'),
    (list[int], {}, "is an array, not {}"), (list[int], [1, "a"], "'[1]' is an integer, not \"a\""),
    (dict[str, list[int]], {"a": [1, None]}, "'a[1]' is an integer, not null"),
    (dict[int, str], {"x": ""}, "is an integer, as a string, not \"x\""),
    (tuple[int, str], [1], "is an array of 2, not [1]"),
    (Optional[int], "a", 'is an integer or null, not "a"'),
    (Union[int, str, None], [], "is an integer, a string or null, "),
    (Optional[Address], {}, "'street' is missing; it is a string"),
    (Literal["a", "b"], "c", 'is "a" or "b", not "c"'), (Literal[1], True, "is 1, not true"),
    (Color, "blue", 'is "red" or "green", not "blue"'), (Level, True, "is 1 or 2, not true"),
    (datetime.datetime, "yesterday", 'is a date and time such as "2026-01-02T03:04:05Z", not "yesterday"'),
    (uuid.UUID, "1", 'is a UUID, not "1"'), (bytes, "?", 'is bytes in base64, not "?"'),
    (User, {"name": "a", "home": {"street": 1}}, "'home.street' is a string, not 1"),
    (User, {"name": "a"}, "'home' is missing; it is an object"),
    (Positive, {"value": 0}, "is no Positive: value must be above 0"),
    (Movie, {"year": 1}, "'title' is missing; it is a string"), (Point, {"x": 1}, "is an array [x, y], not "),
    (Model, {"id": 1, "names": [[]]}, "'names[0]' is refused, str type expected; it is []"),
    (str, {"a": "x" * 100}, "…"),
]


@pytest.mark.parametrize("hint, json, text", MISFITS, ids=[f"{each[0]}-{each[1]}"[:60] for each in MISFITS])
def test_what_does_not_fit_is_said(hint, json, text):
    with pytest.raises(weft.Mismatch) as said:
        weft.convert(hint, json)
    assert text in str(said.value)


SCHEMAS = [
    (int, {"type": "integer"}), (Any, {}), (list, {"type": "array"}),
    (typing.List[int], {"type": "array", "items": {"type": "integer"}}),
    (Optional[str], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    (Color, {"enum": ["red", "green"], "title": "Color"}),
    (Literal["a", 1], {"enum": ["a", 1]}), (datetime.date, {"type": "string", "format": "date"}),
    (Annotated[int, "of the user"], {"type": "integer", "description": "of the user"}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (Address, {"type": "object", "title": "Address", "required": ["street"],
               "properties": {"street": {"type": "string"}, "number": {"type": "integer"}}}),
    (Movie, {"type": "object", "title": "Movie", "required": ["title"],
             "properties": {"title": {"type": "string"}, "year": {"type": "integer"}}}),
    (tuple[int, str], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2,
                       "maxItems": 2}),
]


@pytest.mark.parametrize("hint, schema", SCHEMAS, ids=[str(each[0]) for each in SCHEMAS])
def test_schemas(hint, schema):
    assert codec_of(hint).schema == schema


def test_what_is_kept_of_a_hint_is_not_taken_for_another_one():
    text = "2026-01-02"
    date = datetime.date.fromisoformat(text)
    for hint, value in ((datetime.date | str, date), (str | datetime.date, text), (list[datetime.date | str], [date]),
                        (list[str | datetime.date], [text]), (list[datetime.date], [date]), (list[str], [text]),
                        (dict[str, datetime.date], {"a": date}), (list[Address], [Address("a")])):
        for _ in range(2):
            assert reader_of(hint)(loads(dumps(value).encode())) == value
    assert reader_of(list[Address]) is reader_of(list[Address])


def test_a_list_of_what_is_right_as_it_is_is_no_reason_to_look_less():
    assert codec_of(list[int]).read([1, 2]) == [1, 2] and codec_of(set[str]).read(["a", "a"]) == {"a"}
    for hint, value in ((list[int], [1, True]), (list[int], [1, 1.0]), (list[str], ["a", None]),
                        (list[float], [1.0, "1"])):
        with pytest.raises(Mismatch, match=r"\[1\]"):
            codec_of(hint).read(value)
    floats = codec_of(list[float]).read([1, 2.5])
    assert floats == [1.0, 2.5] and type(floats[0]) is float


def test_a_type_that_contains_itself_has_a_schema():
    assert codec_of(User).schema["properties"]["boss"]["anyOf"][0] == {"type": "object", "title": "User"}


def test_a_pydantic_model_has_its_own_schema():
    assert codec_of(Model).schema["properties"]["id"]["type"] == "integer"


@pytest.mark.parametrize("hint", [object, Any])
def test_everything_fits_what_says_nothing(hint):
    assert weft.convert(hint, [{}]) == [{}]


@pytest.mark.parametrize("hint", [complex, typing.Callable[[], int], type("Opaque", (), {})])
def test_a_hint_that_means_nothing_on_the_wire_is_refused_when_it_is_declared(hint):
    service = weft.Service("s")

    def method(x):
        pass

    method.__annotations__["x"] = hint
    with pytest.raises(TypeError, match="is no type that a method can take"):
        service.method(method)
