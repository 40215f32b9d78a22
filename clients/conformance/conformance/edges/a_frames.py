"""Bytes to messages: where a frame begins and ends."""

import json
import time

from ..client import equal, expect
from ..registry import CALLS, MINIMAL, edge
from ..wire import HEADER, Failed, check_message, frame, request

FRAME = ("A signed 32-bit big-endian length, then that many bytes of UTF-8 JSON: one JSON-RPC object or one batch.")
BOUNDARY = ("A length of 0, a negative one (answered with -32600) and one over the limit (answered with 8 "
            "RESOURCE_EXHAUSTED) end the connection: there is no frame boundary to go on from.")
TOGETHER = "Nothing stands between frames."
A_MOMENT = 0.001  # so that two writes are two reads


@edge("frames.request", FRAME, level=MINIMAL, role=CALLS)
def request_is_framed(client):
    call = client.calls("demo.echo", ["a", {"b": [1, None]}])
    equal(call.message.get("params"), ["a", {"b": [1, None]}], "the params were")
    call.reply("done")
    equal(call.result(), "done", "the client took the result as")


@edge("frames.answer_byte_by_byte", FRAME, level=MINIMAL, role=CALLS)
def answer_byte_by_byte(client):
    call = client.calls("demo.slow", [])
    for byte in frame({"jsonrpc": "2.0", "id": call.id, "result": {"text": "grüße"}}):
        call.link.send_bytes(bytes([byte]))
        time.sleep(A_MOMENT)
    equal(call.result(), {"text": "grüße"}, "the client took the result as")


@edge("frames.large_answer", "The length counts the bytes behind it and is at least 1.", level=MINIMAL, role=CALLS)
def large_answer(client):
    call = client.calls("demo.large", [])
    text = "x" * 700_000
    call.reply(text)
    equal(len(call.result()), len(text), "the length of the result was")


@edge("frames.answer_and_more", TOGETHER, level=MINIMAL, role=CALLS)
def answer_and_more(client):
    call = client.calls("demo.echo", [])
    call.link.send({"jsonrpc": "2.0", "id": call.id, "result": 1}, {"jsonrpc": "2.0", "method": "heartbeat"})
    equal(call.result(), 1, "the client took the result as")


@edge("frames.byte_by_byte", FRAME, level=MINIMAL)
def byte_by_byte(client):
    for byte in frame(request("slow", "heartbeat")):
        client.link.send_bytes(bytes([byte]))
        time.sleep(A_MOMENT)
    equal(client.link.result("slow"), "ok", "the answer was")


@edge("frames.split_everywhere", FRAME, level=MINIMAL)
def split_everywhere(client):
    whole = frame(request("s", "heartbeat"))
    for at in range(1, len(whole)):
        client.link.send_bytes(whole[:at])
        time.sleep(A_MOMENT)
        client.link.send_bytes(whole[at:])
        equal(client.link.result("s"), "ok", f"split behind byte {at} the answer was")


@edge("frames.together", TOGETHER, level=MINIMAL)
def together(client):
    ids = list(range(1000))
    client.link.send(*(request(id, "heartbeat") for id in ids))
    for id in ids:
        equal(client.link.result(id), "ok", f"the answer to number {id} was")


@edge("frames.end_of_one_with_begin_of_next", TOGETHER, level=MINIMAL)
def overlapping(client):
    data = b"".join(frame(request(id, "heartbeat")) for id in range(20))
    for at in range(0, len(data), 37):
        client.link.send_bytes(data[at:at + 37])
        time.sleep(A_MOMENT)
    for id in range(20):
        client.link.result(id)


@edge("frames.large_call", "The length counts the bytes behind it and is at least 1.")
def large_call(client):
    value = "ü" * 250_000
    equal(client.do("echo", {"value": value}) == value, True, "the same value came back:")


@edge("frames.whitespace", FRAME, level=MINIMAL)
def whitespace(client):
    client.link.send(b' \r\n\t{ "method" : "heartbeat" ,\n"id":\t"w", "jsonrpc" : "2.0" } \n')
    equal(client.link.result("w"), "ok", "the answer was")


@edge("frames.byte_order", FRAME)
def byte_order(client):
    # More than 255 bytes, so that each byte of the length matters.
    client.link.send(request("b", "heartbeat", {"padding": "x" * 70_000}))
    equal(client.link.result("b"), "ok", "the answer was")


def ends_behind(client, data):
    client.link.send_bytes(data)
    client.link.ends("the client to end the connection, behind which there is no frame boundary")
    client.again().quiet()


@edge("frames.length_zero", BOUNDARY, ends=True)
def length_zero(client):
    ends_behind(client, HEADER.pack(0))


@edge("frames.length_negative", BOUNDARY, ends=True)
def length_negative(client):
    ends_behind(client, HEADER.pack(-1))


@edge("frames.length_huge", BOUNDARY, ends=True)
def length_huge(client):
    before = client.adapter.resident_bytes() if client.has_link or client.link else 0
    client.link.send_bytes(HEADER.pack(0x7FFFFFFF))
    client.link.ends("the client to refuse a frame of 2 GiB")
    grown = client.adapter.resident_bytes() - before
    expect(grown < 512 << 20, f"the client took {grown >> 20} MiB for a frame that was only announced")
    client.again().quiet()


@edge("frames.end_inside_header", "A stream that ends inside a frame is counted as an error; at a frame boundary it is "
      "a clean end.", ends=True)
def end_inside_header(client):
    client.link.send_bytes(HEADER.pack(10)[:2])
    client.link.close()
    client.again().quiet()


@edge("frames.end_inside_payload", "A stream that ends inside a frame is counted as an error; at a frame boundary it is "
      "a clean end.", ends=True)
def end_inside_payload(client):
    client.link.send_bytes(frame(request(1, "heartbeat"))[:-3])
    client.link.close()
    client.again().quiet()


@edge("frames.limit_of_the_client", "A client may tell its own: with `\"limits\": {\"frame_bytes\": 65536}` it gets no "
      "larger frame, and a call that would need one fails with 8.", ends=True)
def limit_of_the_client(client):
    told = client.link.introduced.get("limits", {}).get("frame_bytes")
    if told is None:
        client.link.quiet()
        return
    payload = json.dumps(request("l", "conformance.echo", {"value": ""})).encode()
    payload = payload.replace(b'""', b'"' + b"x" * (told - len(payload)) + b'"')
    equal(len(payload), told, "the frame has")
    client.link.send(payload)
    answer = client.link.response("l")
    check_message(answer)
    if "error" in answer and answer["error"]["code"] != 8:
        raise Failed(f"a frame of the {told} bytes that the client has told is refused: {answer['error']}")
