"""Bytes, frames and JSON text."""

import struct

import pytest

from weft.json_text import dumps, loads, raw_member
from weft.wire import FrameReader, frame

PAYLOADS = [b"1", b"[]", b'{"a":1}', b"x" * 300]


def test_a_stream_split_at_every_byte_is_the_same_frames():
    stream = b"".join(map(frame, PAYLOADS))
    for at in range(len(stream) + 1):
        reader = FrameReader()
        assert reader.feed(stream[:at]) + reader.feed(stream[at:]) == PAYLOADS, at
        assert not reader.inside_frame


def test_a_stream_byte_by_byte_is_the_same_frames():
    reader = FrameReader()
    got = [payload for byte in b"".join(map(frame, PAYLOADS)) for payload in reader.feed(bytes([byte]))]
    assert got == PAYLOADS


def test_the_end_within_a_frame_is_known():
    reader = FrameReader()
    reader.feed(frame(b"abc")[:-1])
    assert reader.inside_frame


@pytest.mark.parametrize("length", [0, -1, 101, -(2**31)])
def test_a_wrong_length_breaks_behind_the_frames_before_it(length):
    reader = FrameReader(limit=100)
    assert reader.feed(frame(b"good") + struct.pack(">i", length) + b"xxxx") == [b"good"]
    assert reader.broken == length


def test_the_largest_frame_is_taken():
    reader = FrameReader(limit=100)
    assert reader.feed(frame(b"x" * 100)) == [b"x" * 100]
    assert reader.broken is None


@pytest.mark.parametrize("text", ["", "{", '{"a":1}}', "NaN", "[1,]", '"\ud800', "[" * 100_000, "\ufeff1"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):
        loads(text.encode("utf-8", "surrogatepass"))


def test_white_space_around_a_value_is_none_of_it():
    assert loads(b" \n[1] \r\t") == [1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {object(): 1}])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises((TypeError, ValueError)):
        dumps(value)


def test_members_are_found_as_they_were_written():
    text = '{ "a" : {"id": 9} , "id":1e2,"b":"}", "c": ["id", 3] }'
    assert raw_member(text, "id") == "1e2"
    assert raw_member(text, "a") == '{"id": 9}'
    assert raw_member(text, "d") is None
    assert raw_member('{"\\u0069d":"\\u0041"}', "id") == '"\\u0041"'
    assert raw_member("{}", "id") is None
