"""OpenTelemetry, where it is installed: its spans go on over the wire. In a process of its own, that has it."""

import json
import os
import pathlib
import subprocess
import sys

PROGRAM = """
import asyncio, json, sys
from collections.abc import AsyncIterator
import opentelemetry, weft
from opentelemetry import trace

service = weft.Service("traced")

@service.method
async def outer() -> str:
    await asyncio.sleep(0)
    return await weft.caller().call("traced.inner")

@service.method
def inner() -> str:
    return str(weft.current().traceparent) + " " + str(weft.current().tracestate)

@service.method
async def count() -> AsyncIterator[str]:
    yield await weft.caller().call("traced.inner")

async def main():
    async with weft.connect(sys.argv[1], services=[service]) as node:
        untraced = await node.call("traced.inner")
        with opentelemetry.begin("program", "a" * 32, None, None, {}):
            results = [await node.call("traced.outer"), *[each async for each in node.stream("traced.count")]]
    print(json.dumps([results, [[s.name, s.trace_id, s.parent, s.id, s.kind and s.kind.name, s.attributes]
                                for s in opentelemetry.spans]]))

asyncio.run(main())
"""


def test_spans_go_on_over_the_wire(weft_node):
    standin = pathlib.Path(__file__).parent / "standin"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(standin), *filter(None, sys.path)])}
    done = subprocess.run([sys.executable, "-B", "-c", PROGRAM, weft_node.address], capture_output=True, text=True,
                          env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

    results, spans = json.loads(done.stdout)
    by_name = {}
    for name, trace_id, parent, id, kind, attributes in spans:
        by_name.setdefault(name, []).append((trace_id, parent, id, kind, attributes))
    (program,), (outer,), (count,) = by_name["program"], by_name["traced.outer"], by_name["traced.count"]
    assert (outer[0], outer[1], outer[3]) == ("a" * 32, program[2], "SERVER")
    assert outer[4] == {"rpc.system.name": "jsonrpc", "rpc.method": "traced.outer"}
    inner = by_name["traced.inner"]
    assert inner[0][:2] == ("0" * 31 + "7", None), "a call without a span begins a trace of its own"
    assert [each[:2] for each in inner[1:]] == [("a" * 32, outer[2]), ("a" * 32, count[2])]
    assert results == [f"00-{'a' * 32}-{each[2]}-01 vendor=1" for each in (outer, count)]
