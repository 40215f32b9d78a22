"""The edges of docs/protocol.md that a real node does not bring about on demand, from the other side of the socket."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from script import Script
from until import until

import weft
from weft.wire import HEADER, frame


def service():
    made = weft.Service("s")

    @made.method
    def echo(*params):
        return list(params)

    @made.method
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @made.method
    async def wait() -> None:
        await asyncio.Event().wait()

    @made.method
    async def count(to: int) -> AsyncIterator[int]:
        for n in range(to):
            yield n

    @made.method
    async def total() -> AsyncGenerator[int, int]:
        sum = 0
        while (value := (yield sum)) is not None:
            sum += value

    return made


@contextlib.asynccontextmanager
async def scripted(**about):
    limits = about.pop("limits", {})
    async with Script() as script:
        connecting = asyncio.ensure_future(_connect(script.address, about))
        await script.accept(**limits)
        async with await connecting as node:
            yield script, node


async def _connect(address, about):
    return await weft.connect(address, services=[service()], **about)


async def test_a_service_says_once_why_it_waits_until_it_is_for_another_reason_or_there_was_a_node(caplog):
    caplog.set_level(logging.INFO, "weft")
    async with Script() as script:
        serving = asyncio.create_task(weft.serve(script.address, service(), signals=False))
        for _ in range(3):
            await script.turn_away()
        await script.turn_away("full")
        await script.turn_away("full")
        await (await script.accept()).hang_up()
        await script.turn_away("full")
        await script.turn_away("full")
        await script.accept()
        serving.cancel()
        await asyncio.wait([serving])
    said = [each.getMessage() for each in caplog.records if "cannot connect" in each.getMessage()]
    assert len(said) == 3 and "closed" in said[0] and "full" in said[1] and said[2] == said[1], said


async def test_the_last_words_of_a_node_are_told(caplog):
    async with Script() as script:
        connecting = asyncio.ensure_future(_connect(script.address, {}))
        await script.turn_away("another port, please", about_the_connection=True)
        with pytest.raises(weft.Error, match=r"the node closed the connection: another port, please \(code 14\)$"):
            await connecting
        assert not caplog.records
    async with scripted() as (script, node):
        call = asyncio.ensure_future(node.call("x"))
        await script.read()
        script.send(id=None, error={"code": 8, "message": "too many"})
        await script.hang_up()
        with pytest.raises(weft.Error, match="x: the node closed the connection: too many"):
            await call


async def test_connect_says_who_it_is_and_what_it_serves(monkeypatch):
    monkeypatch.setenv("WEFT_TOKEN", "of the environment")
    async with scripted(name="me", instance="1", heartbeat=5) as (script, _):
        said = script.introduction["params"]
        assert (said["name"], said["instance"], said["token"]) == ("me", "1", "of the environment")
        assert said["heartbeat_ms"] == 5000 and said["limits"] == {"frame_bytes": 16 << 20}
        serves = {each["method"]: each for each in said["serves"]}
        assert serves["s.count"]["stream"] is True and serves["s.count"]["item"] == {"type": "integer"}
        assert serves["s.total"]["input"] == {"type": "integer"} and "stream" not in serves["s.echo"]


IDS = ["1", "-3", "1.0", "1e2", '"1"', '"\\u0041"', "null", "18446744073709551616", "0", "-0"]


async def test_ids_come_back_as_they_were_written():
    async with scripted() as (script, _):
        for id in IDS:
            script.send_text('{"jsonrpc":"2.0","id":%s,"method":"s.later","params":[7]}' % id)
            length, = HEADER.unpack(await script.reader.readexactly(4))
            payload = await script.reader.readexactly(length)
            assert payload == b'{"jsonrpc":"2.0","id":%s,"result":7}' % id.encode()


async def test_equal_ids_of_other_types_are_other_calls():
    async with scripted() as (script, _):
        for id in ("1", "1.0", '"1"'):
            script.send_text('{"jsonrpc":"2.0","id":%s,"method":"s.wait"}' % id)
        script.send_text('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1.0}}')
        answer = await script.read()
        assert answer["id"] == 1.0 and type(answer["id"]) is float and answer["error"]["code"] == -32800
        twice = await script.ask(id="1", method="s.echo")
        assert twice["error"]["code"] == -32600
        script.send_text('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"1"}}')
        assert (await script.read())["id"] == "1"


async def test_the_deadline_of_a_call_is_not_that_of_a_later_one_with_its_id():
    async with scripted() as (script, _):
        assert (await script.ask(id=1, method="s.later", params=[1], deadline_ms=1))["result"] == 1
        script.send(id=1, method="s.wait", deadline_ms=4000)
        # Of the same time, and so ended by the same timer as the first one would have been.
        assert (await script.ask(id=2, method="s.wait", deadline_ms=1))["error"]["code"] == 4
        assert (await script.ask(id=1, method="s.echo"))["error"]["code"] == -32600, "it is under way"


async def test_frames_split_at_every_byte():
    async with scripted() as (script, _):
        request = frame(b'{"jsonrpc":"2.0","id":5,"method":"s.echo","params":["\xc3\xa9"]}')
        for at in range(len(request)):
            script.writer.write(request[:at])
            await script.writer.drain()
            await asyncio.sleep(0)
            script.writer.write(request[at:])
            assert (await script.read())["result"] == ["é"]


REFUSED = [
    ("{", -32700, None), ('"\xff"', None, None), ("[]", -32600, None), ("7", -32600, None), ("{}", -32600, None),
    ('{"jsonrpc":"2.0","id":1,"method":7}', -32600, 1), ('{"id":1,"method":"s.echo"}', -32600, 1),
    ('{"jsonrpc":"1.0","id":1,"method":"s.echo"}', -32600, 1),
    ('{"jsonrpc":"2.0","id":[],"method":"s.echo"}', -32600, None),
    ('{"jsonrpc":"2.0","id":true,"method":"s.echo"}', -32600, None),
    ('{"jsonrpc":"2.0","id":1,"method":"s.echo","params":7}', -32600, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"nothing"}', -32601, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"s.later","params":["x"]}', -32602, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"s.echo","deadline_ms":0}', 4, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"s.count","params":[1],"stream":{"credit":-1}}', -32600, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"s.count","params":[1],"stream":7}', -32600, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"s.count","params":[1],"stream":null}', -32600, 1),
    ('{"jsonrpc":"2.0","id":1,"method":"s.echo","params":["\\ud800"]}', -32700, None),
    ('{"jsonrpc":"2.0","id":1,"method":"s.echo","params":["\ud800"]}', -32700, None),
    ("[" * 5000, -32700, None),
]


async def test_malformed_messages_are_refused_and_the_connection_goes_on():
    async with scripted() as (script, _):
        for text, code, id in REFUSED:
            if code is not None:
                script.send_text(text)
                answer = await script.read()
                assert (answer["error"]["code"], answer["id"]) == (code, id), text
        assert (await script.ask(id=2, method="s.echo"))["result"] == []


async def test_null_params_are_none():
    async with scripted() as (script, _):
        assert (await script.ask(id=1, method="s.echo", params=None))["result"] == []


@pytest.mark.parametrize("length, code", [(0, -32600), (-5, -32600), (1 << 30, 8)])
async def test_a_frame_that_nothing_can_be_read_behind_ends_the_connection(length, code):
    async with scripted() as (script, _):
        script.writer.write(HEADER.pack(length))
        answer = await script.read()
        assert (answer["id"], answer["error"]["code"]) == (None, code)
        assert await script.ended()


async def test_batches_are_answered_in_order_in_one_frame():
    async with scripted() as (script, _):
        batch = [{"jsonrpc": "2.0", "id": 1, "method": "s.later", "params": [1]}, 7,
                 {"jsonrpc": "2.0", "id": 2, "method": "s.echo", "params": [2]},
                 {"jsonrpc": "2.0", "method": "s.echo"}, {"jsonrpc": "2.0", "id": "h", "method": "heartbeat"},
                 {"jsonrpc": "2.0", "id": 99, "result": "to nothing"}]
        script.send_text(json.dumps(batch))
        answers = await script.read()
        assert [each.get("result", each.get("error", {}).get("code")) for each in answers] == [1, -32600, [2], "ok"]
        script.send_text('[{"jsonrpc":"2.0","method":"s.echo"}]')
        assert (await script.ask(id=3, method="s.echo"))["id"] == 3


async def test_heartbeats_are_answered_while_methods_run():
    async with scripted() as (script, _):
        script.send(id=1, method="s.wait")
        assert (await script.ask(id=2, method="heartbeat"))["result"] == "ok"
        script.send(method="heartbeat")
        assert (await script.ask(id="x", method="heartbeat"))["id"] == "x"


async def test_a_silent_node_is_asked_and_then_left():
    async with scripted(limits={"heartbeat_ms": 50}) as (script, node):
        asked = await script.read()
        assert asked["method"] == "heartbeat"
        script.send(id=asked["id"], result="ok")
        call = asyncio.create_task(node.call("x"))
        while (await script.read())["method"] == "heartbeat":
            pass
        with pytest.raises(weft.Error, match="said nothing for 0.15 s") as lost:
            await call
        assert lost.value.executed == "unknown"
        await script.accept()
        await until(lambda: node.state == "connected", "it is back")


async def test_answers_in_any_order_and_of_any_kind():
    async with scripted() as (script, node):
        calls = [asyncio.create_task(node.call(f"m{n}")) for n in range(6)]
        ids = {message["method"]: message["id"] for message in [await script.read() for _ in calls]}
        script.send(id=9999, result="to nothing")
        script.send_text('{"jsonrpc":"2.0","id":%d.0,"result":"of another id"}' % ids["m0"])
        script.send(id=ids["m5"], result=5, error=None)
        script.send(id=ids["m4"], result=None, error={"code": 7, "message": "no", "data": [1]})
        script.send(id=ids["m3"])
        script.send_text('{"jsonrpc":"2.0","id":%d,"result":tru}' % ids["m2"])
        script.send(id=ids["m1"], error="no object")
        script.send(id=ids["m0"], result=None)
        assert await calls[0] is None and await calls[5] == 5
        errors = [await asyncio.wait_for(asyncio.gather(call, return_exceptions=True), 10) for call in calls[1:5]]
        assert [(error.code, error.executed) for error, in errors] == [
            (14, "unknown"), (14, "unknown"), (14, "unknown"), (7, None)]
        assert (await script.ask(id=1, method="s.echo"))["result"] == [], "answers are not answered"


async def test_requests_carry_what_the_options_say():
    async with scripted() as (script, node):
        with weft.options(route_key={"user": 7}, timeout=2):
            call = asyncio.create_task(node.call("m", weft.options(timeout=1), a=1, method="x", self=2))
        request = await script.read()
        assert request["params"] == {"a": 1, "method": "x", "self": 2} and request["route_key"] == {"user": 7}
        assert 900 < request["deadline_ms"] <= 1000
        call.cancel()
        assert await script.read() == {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request["id"]}}
        asyncio.create_task(node.call("m", weft.options(timeout=None)))
        assert "deadline_ms" not in await script.read()
        with pytest.raises(TypeError, match="not both"):
            await node.call("m", 1, a=1)


async def test_options_around_a_block_hold_in_it_for_each_task_of_its_own():
    async with scripted() as (script, node):
        common = weft.options(timeout=1)

        async def call(key):
            with common, weft.options(route_key=key):
                await asyncio.sleep(0)
                with common:
                    await asyncio.sleep(0)
                await node.notify("done", key)
                return await node.call("m", key)

        calls = [asyncio.create_task(call(n)) for n in range(3)]
        requests = [message for message in [await script.read() for _ in range(6)] if "id" in message]
        for request in requests:
            assert [request["route_key"]] == request["params"] and request["deadline_ms"] <= 1000
            script.send(id=request["id"], result="ok")
        await asyncio.gather(*calls)
        plain = asyncio.create_task(node.call("m"))
        assert (await script.read())["deadline_ms"] > 1000
        plain.cancel()


async def test_the_node_s_limits_are_kept():
    async with scripted(limits={"frame_bytes": 2000, "in_flight": 10}) as (script, node):
        with pytest.raises(weft.Error) as large:
            await node.call("m", "x" * 2000)
        assert (large.value.code, large.value.executed) == (8, "no")
        answer = await script.ask(id=1, method="s.echo", params=["y" * 1990])
        assert answer["error"]["code"] == 8
        calls = [asyncio.create_task(node.call("m", n)) for n in range(5)]
        first = await script.read()
        assert (await script.ask(id=2, method="s.later", params=[3]))["params"] == [1], "two are under way at a time"
        script.send(id=first["id"], result="one")
        assert await calls[0] == "one"
        for call in calls:
            call.cancel()


async def test_a_call_that_certainly_did_not_run_is_made_again():
    async with scripted() as (script, node):
        no = {"code": 14, "message": "nobody", "data": {"executed": "no", "retry_after_ms": 1}}
        unknown = {**no, "data": {"executed": "unknown"}}
        call = asyncio.create_task(node.call("m"))
        for _ in range(2):
            script.send(id=(await script.read())["id"], error=no)
        script.send(id=(await script.read())["id"], result="third time")
        assert await call == "third time"
        call = asyncio.create_task(node.call("m"))
        script.send(id=(await script.read())["id"], error=unknown)
        with pytest.raises(weft.Error):
            await call
        call = asyncio.create_task(node.call("m", weft.options(idempotent=True)))
        script.send(id=(await script.read())["id"], error=unknown)
        script.send(id=(await script.read())["id"], result="again")
        assert await call == "again"
        call = asyncio.create_task(node.call("m", weft.options(attempts=1)))
        script.send(id=(await script.read())["id"], error=no)
        with pytest.raises(weft.Error):
            await call


async def begin_stream(script, node, **options):
    stream = node.stream("m", weft.options(**options))
    item = asyncio.create_task(anext(stream))
    request = await script.read()
    return stream, item, request


HEAD = '{"jsonrpc":"2.0","method":"$/stream/item","params":{"id":%d,"seq":%d,"value":'


async def test_items_are_the_same_in_whatever_words_they_come():
    ways = [('{"jsonrpc": "2.0", "method": "$/stream/item", "params": {"id": %d, "seq": %d, "value": 0}}', 0),
            (HEAD + "[1]}}", [1]), (HEAD + ' {"a":"}}"} }}', {"a": "}}"}), (HEAD + '1},"other":{"a":1}}', 1),
            (HEAD + '1,"value":2}}', 2), (HEAD + '3,"cursor":"c"}}', 3), (HEAD + '"é"}}', "é"), (HEAD + "null}}", None)]
    async with scripted() as (script, node):
        # Two at a time, so that what came last is of the other one.
        streams = [await begin_stream(script, node, window=len(ways)) for _ in range(2)]
        for seq, (text, value) in enumerate(ways):
            for stream, item, request in streams:
                script.send_text(text % (request["id"], seq))
                assert await (item if seq == 0 else anext(stream)) == value
                assert stream.cursor == ("c" if seq >= 5 else None)
                if 2 * seq == len(ways):
                    assert (await script.read())["method"] == "$/stream/credit"
        for stream, _, request in streams:
            script.send_text(HEAD % (request["id"], len(ways)) + '"\\ud800"}}')
            with pytest.raises(weft.Error, match="no JSON"):
                await anext(stream)


@pytest.mark.parametrize("head", [HEAD, HEAD.replace(":", ": ")])
async def test_items_that_break_the_rules_end_their_stream(head):
    async with scripted() as (script, node):
        for items, code in ([(1, "x")], -32603), ([(0, "a"), (0, "a")], -32603), ([(0, "a"), (1, "b"), (2, "c")], 8):
            stream, item, request = await begin_stream(script, node, window=2)
            assert request["stream"] == {"credit": 2}
            for seq, value in items:
                script.send_text(head % (request["id"], seq) + f'"{value}"}}}}')
            assert (await script.read())["method"] == "$/cancelRequest"
            script.send(id=request["id"], error={"code": -32800, "message": "cancelled"})
            with pytest.raises(weft.Error) as broken:
                await item
                while True:
                    await anext(stream)
            assert broken.value.code == code
        script.send(method="$/stream/item", params={"id": 777, "seq": 0, "value": 0})
        script.send(method="$/stream/item", params=[])
        assert (await script.ask(id=1, method="s.echo"))["result"] == []


async def test_a_stream_grants_ends_and_throws_as_the_table_says():
    async with scripted() as (script, node):
        stream, item, request = await begin_stream(script, node, window=1, after="c0")
        id = request["id"]
        assert request["stream"] == {"credit": 1, "after": "c0"} and "deadline_ms" not in request

        def give(seq, value):
            script.send(method="$/stream/item", params={"id": id, "seq": seq, "value": value, "cursor": f"c{seq}"})

        script.send(method="$/stream/accept", params={"id": id, "credit": 1})
        give(0, "a")
        assert await item == "a" and stream.cursor == "c0"
        sending = asyncio.create_task(stream.asend("value"))
        assert [await script.read(), await script.read()] == [
            {"jsonrpc": "2.0", "method": "$/stream/send", "params": {"id": id, "seq": 0, "value": "value"}},
            {"jsonrpc": "2.0", "method": "$/stream/credit", "params": {"id": id, "credit": 1}}]
        give(1, "b")
        assert await sending == "b"
        throwing = asyncio.create_task(stream.athrow(weft.Error(5, "five")))
        thrown = await script.read()
        assert (thrown["method"], thrown["params"]["error"]) == ("$/stream/throw", {"code": 5, "message": "five"})
        await script.read()
        give(2, "c")
        assert await throwing == "c"
        stream.end()
        assert (await script.read())["method"] == "$/stream/end"
        closing = asyncio.create_task(stream.aclose())
        assert (await script.read())["method"] == "$/cancelRequest"
        await asyncio.sleep(0)
        assert not closing.done(), "it waits for the response"
        script.send(id=id, error={"code": -32800, "message": "cancelled"})
        await closing


async def test_what_takes_no_values_is_sent_none():
    async with scripted() as (script, node):
        stream, item, request = await begin_stream(script, node)
        for seq in 0, 1:
            script.send(method="$/stream/item", params={"id": request["id"], "seq": seq, "value": seq})
        assert await item == 0
        with pytest.raises(weft.Error, match="the method takes no values; read its items, and send nothing") as failed:
            await stream.asend(2)
        assert failed.value.code == weft.codes.INVALID_PARAMS
        assert (await script.read())["method"] == "$/cancelRequest"


async def test_a_generator_keeps_to_what_it_was_granted():
    async with scripted() as (script, _):
        script.send(id=1, method="s.count", params=[100], stream={"credit": 3, "bytes": 1})
        assert (await script.read())["params"] == {"id": 1, "seq": 0, "value": 0}
        assert (await script.ask(id=2, method="heartbeat"))["id"] == 2, "no byte is left"
        script.send(method="$/stream/credit", params={"id": 1, "credit": 0, "bytes": 100})
        assert [(await script.read())["params"]["seq"] for _ in range(2)] == [1, 2]
        assert (await script.ask(id=3, method="heartbeat"))["id"] == 3, "no credit is left"
        script.send(method="$/stream/credit", params={"id": 1, "credit": 1})
        assert (await script.read())["params"]["seq"] == 3
        script.send(method="$/cancelRequest", params={"id": 1})
        assert (await script.read())["error"]["code"] == -32800


async def test_a_caller_that_sends_beyond_its_credit_ends_its_stream():
    async with scripted() as (script, _):
        for values, code in ([0] * 17, 8), ([0, None], -32603):
            script.send(id=1, method="s.total", stream={"credit": 1})
            first = [await script.read(), await script.read()]
            assert [each["method"] for each in first] == ["$/stream/accept", "$/stream/item"]
            assert first[0]["params"] == {"id": 1, "credit": 16}
            for seq, value in enumerate(values):
                script.send(method="$/stream/send", params={"id": 1, "seq": seq if value == 0 else 9, "value": 0})
            assert (await script.read())["error"]["code"] == code


async def test_one_that_is_not_streamed_is_gathered():
    async with scripted() as (script, _):
        assert (await script.ask(id=1, method="s.count", params=[3]))["result"] == [0, 1, 2]


async def test_cancellation_at_every_state():
    async with scripted() as (script, _):
        script.send(id=1, method="s.wait")
        script.send(method="$/cancelRequest", params={"id": 1})     # perhaps before it began
        assert (await script.read())["error"]["code"] == -32800
        for id in (1, 77, None, "x"):
            script.send(method="$/cancelRequest", params={"id": id})    # finished, unknown
        script.send(method="$/cancelRequest", params=7)
        script.send(method="$/unknown", params={"id": 1})
        assert (await script.ask(id=2, method="s.echo"))["result"] == []


async def test_the_end_of_the_connection_ends_everything_that_runs():
    async with scripted() as (script, node):
        peer = node._uplink.peer
        script.send(id=1, method="s.wait")
        await until(lambda: peer.serving, "it runs")
        call = asyncio.create_task(node.call("m", weft.options(idempotent=True)))
        await script.read()
        script.writer.close()
        await until(lambda: not peer.serving, "it was cancelled")
        await script.accept()
        script.send(id=(await script.read())["id"], result="on the next connection")
        assert await call == "on the next connection"


async def lost_and_reconnected(script):
    """The request that is lost with its connection, and the next connection."""
    asked = await script.read()
    script.writer.close()
    await script.accept()
    return asked


NOBODY = {"code": -32601, "message": "method 'm' not found"}


async def test_an_idempotent_call_waits_for_a_service_that_comes_back_behind_its_node():
    async with scripted() as (script, node):
        call = asyncio.create_task(node.call("m", weft.options(idempotent=True, timeout=2)))
        await lost_and_reconnected(script)
        script.send(id=(await script.read())["id"], error=NOBODY)
        script.send(id=(await script.read())["id"], result="done")
        assert await call == "done"


async def test_the_last_error_claims_no_less_than_those_before():
    async with scripted() as (script, node):
        for error in NOBODY, {"code": 14, "message": "nobody", "data": {"executed": "no", "retry_after_ms": 1}}:
            call = asyncio.create_task(node.call("m", weft.options(idempotent=True, timeout=1)))
            await lost_and_reconnected(script)
            for _ in range(2):
                script.send(id=(await script.read())["id"], error=error)
            with pytest.raises(weft.Error) as failed:
                await call
            assert (failed.value.code, failed.value.executed) == (error["code"], "unknown")
        stream = node.stream("m", weft.options(idempotent=True, timeout=1))
        first = asyncio.create_task(anext(stream))
        await lost_and_reconnected(script)
        for _ in range(2):
            script.send(id=(await script.read())["id"], error=NOBODY)
        with pytest.raises(weft.Error) as failed:
            await first
        assert (failed.value.code, failed.value.executed) == (-32601, "unknown")


async def test_a_method_that_nobody_has_certainly_did_not_run_and_is_not_waited_for():
    async with scripted() as (script, node):
        call = asyncio.create_task(node.call("m", weft.options(idempotent=True)))
        script.send(id=(await script.read())["id"], error=NOBODY)
        with pytest.raises(weft.Error) as failed:
            await call
        assert failed.value.executed == "no" and failed.value.safe_to_retry


async def test_a_stream_that_is_not_resumable_refuses_a_cursor():
    async with scripted() as (script, node):
        refused = await script.ask(id=1, method="s.count", params=[3], stream={"credit": 9, "after": 1})
        assert refused["error"]["code"] == -32602
        assert refused["error"]["message"].startswith("s.count: it cannot go on behind a cursor")
        script.send(id=2, method="s.count", params=[0], stream={"credit": 9, "after": None})
        assert (await script.read())["result"] is None
