"""What examples/python/weft_client.py promises about calls that do not go well."""

import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples/python"))

import weft_client  # noqa: E402

TIMEOUT = 30


async def fails_with(code, call):
    try:
        result = await call
    except weft_client.RpcError as error:
        assert error.code == code, f"expected code {code}, got {error}"
        return error
    raise AssertionError(f"expected an error with code {code}, got {result!r}")


async def a_timeout_ends_the_call(address):
    async with weft_client.connect(address, name="test") as node:
        error = await fails_with(4, node.call("demo.sleep", {"ms": 20_000}, timeout=0.1))
        assert not error.safe_to_retry
        assert await node.call("foo") == "ok"


async def a_refused_call_is_safe_to_retry(address):
    async with weft_client.connect(address, name="test") as node:
        error = await fails_with(4, node.call("foo", timeout=0))
        assert error.data["executed"] in ("no", "unknown"), error.data
        error = await fails_with(14, node.call("demo.relay", {"to": "nobody", "method": "foo"}))
        assert error.safe_to_retry, error.data


async def a_cancelled_task_cancels_its_call(address):
    async with weft_client.connect(address, name="test") as node:
        sleeping = asyncio.create_task(node.call("demo.sleep", {"ms": 20_000}))
        await node.call("foo")
        sleeping.cancel()
        await asyncio.wait([sleeping])
        assert sleeping.cancelled()
        assert await node.call("foo") == "ok"


async def a_method_is_cancelled_with_its_caller(address):
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with weft_client.connect(address, name="test", methods={"slow": slow}) as node:
        calling = asyncio.create_task(node.call("demo.callback", {"method": "slow"}))
        await started.wait()
        calling.cancel()
        await ended.wait()


async def a_method_may_call_the_node(address):
    async def double(number):
        return 2 * (await weft_client.caller().call("demo.sum", {"values": [number, number]}))

    async with weft_client.connect(address, name="test", methods={"double": double}) as node:
        assert await node.call("demo.callback", {"method": "double", "params": [21]}) == 84


async def a_method_that_fails_answers(address):
    def broken():
        raise ValueError("no luck")

    methods = {"broken": broken, "no_json": object}
    async with weft_client.connect(address, name="test", methods=methods) as node:
        error = await fails_with(-32603, node.call("demo.callback", {"method": "broken"}))
        assert "no luck" in error.message
        await fails_with(-32603, node.call("demo.callback", {"method": "no_json"}))
        await fails_with(-32602, node.call("demo.callback", {"method": "broken", "params": [1]}))


async def the_end_of_the_connection_fails_its_calls(address):
    async with weft_client.connect(address, name="test") as node:
        sleeping = asyncio.create_task(node.call("demo.sleep", {"ms": 20_000}))
        await node.call("foo")
        node.close()
        assert not (await fails_with(14, sleeping)).safe_to_retry
        assert (await fails_with(14, node.call("foo"))).safe_to_retry


async def heartbeats_keep_a_quiet_connection(address):
    async with weft_client.connect(address, name="test", heartbeat=0.5) as node:
        try:
            # Far beyond the three silent intervals after which either side would hang up.
            async with asyncio.timeout(2):
                await node.closed()
            raise AssertionError("the connection ended")
        except TimeoutError:
            assert await node.call("foo") == "ok"


async def main(address):
    for test in (a_timeout_ends_the_call, a_refused_call_is_safe_to_retry, a_cancelled_task_cancels_its_call,
                 a_method_is_cancelled_with_its_caller, a_method_may_call_the_node,
                 a_method_that_fails_answers, the_end_of_the_connection_fails_its_calls,
                 heartbeats_keep_a_quiet_connection):
        async with asyncio.timeout(TIMEOUT):
            await test(address)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    print("passed")
