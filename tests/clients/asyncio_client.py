"""A thousand calls in flight on one connection: one task writes, another reads, answers are matched by id."""

import asyncio
import json
import random
import struct
import sys

HEADER = struct.Struct(">i")
CALLS = 1000
TIMEOUT = 60


def frame(message):
    payload = json.dumps(message).encode()
    return HEADER.pack(len(payload)) + payload


async def read_answers(reader, pending):
    """Takes each answer's id out of `pending` until the stream ends; returns the answers as they came."""
    answers = []
    while True:
        try:
            (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
            message = json.loads(await reader.readexactly(length))
        except asyncio.IncompleteReadError as end:
            assert not end.partial, f"the node closed inside a frame, after {end.partial!r}"
            return answers
        pending.remove(message["id"])
        answers.append(message)


async def write_calls(writer, messages):
    for message in messages:
        writer.write(frame(message))
        await writer.drain()
    writer.write_eof()


def calls():
    """Calls that finish in another order than they are sent in, each with an answer of its own."""
    order = random.Random(7)
    for id in range(CALLS):
        if order.random() < 0.2:
            call = {"method": "demo.sleep", "params": {"ms": order.randrange(1, 200)}}
        else:
            call = {"method": "demo.echo", "params": [id, "x" * order.randrange(2000)]}
        yield {"jsonrpc": "2.0", "id": id, **call}


def check(message, answer):
    expected = "ok" if message["method"] == "demo.sleep" else message["params"]
    assert answer == {"jsonrpc": "2.0", "id": message["id"], "result": expected}, f"{message} got {answer}"


async def main(host, port):
    reader, writer = await asyncio.open_connection(host, int(port))
    messages = list(calls())
    pending = {message["id"] for message in messages}
    async with asyncio.timeout(TIMEOUT):
        answers, _ = await asyncio.gather(read_answers(reader, pending), write_calls(writer, messages))
    assert not pending, f"{len(pending)} calls got no answer, for example id {min(pending)}"
    for answer in answers:
        check(messages[answer["id"]], answer)
    order = [answer["id"] for answer in answers]
    assert order != sorted(order), "the answers came in the order of the calls: sleeping holds up others"
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1].split(":")))
    print("passed")
