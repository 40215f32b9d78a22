"""weft.sync: the same without asyncio, from many threads."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import weft
import weft.sync


@pytest.fixture
def node(weft_node):
    with weft.sync.connect(weft_node.address, name="script") as node:
        yield node


def test_calls(node):
    assert node.call("demo.sum", values=[1, 2]) == 3
    assert node.state == "connected" and node.info["node"]
    node.notify("foo")
    with pytest.raises(weft.Error) as unknown:
        node.call("nothing")
    assert unknown.value.code == weft.codes.METHOD_NOT_FOUND
    with weft.options(timeout=0.05), pytest.raises(weft.Error) as late:
        node.call("demo.sleep", ms=10_000)
    assert late.value.code == weft.codes.DEADLINE_EXCEEDED


def test_streams_are_iterators(node):
    assert list(node.stream("demo.count", to=3)) == [0, 1, 2, 3]
    total = node.stream("demo.total", window=1)
    assert [next(total), total.send(2), total.send(3)] == [0, 2, 5]
    total.end()
    assert list(total) == []
    with node.stream("demo.count", to=10**9) as counting:
        assert next(counting) == 0 and counting.cursor == 0
    with pytest.raises(StopIteration):
        next(counting)
    with pytest.raises(weft.Error, match="7"):
        stream = node.stream("demo.total")
        next(stream)
        stream.throw(weft.Error(7, "thrown"))


def test_many_threads_share_a_connection(node):
    def work(n):
        return sum(node.call("demo.echo", n)[0] for _ in range(20)) + sum(node.stream("demo.count", to=20))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(32))) == [20 * n + 210 for n in range(32)]


def test_services_are_served_meanwhile(weft_node, caplog):
    service, closed = weft.Service("sync"), threading.Event()

    @service.method(thread=True)
    def ask() -> str:
        """In a thread of its own it may wait."""
        return node.call("foo")

    @service.method
    def wait_for_itself() -> str:
        return node.call("foo")

    @service.method
    def count(to: int) -> Iterator[int]:
        try:
            yield from range(to)
        finally:
            closed.set()

    with weft.sync.connect(weft_node.address, services=[service]) as node:
        assert node.call("sync.ask") == "ok"
        with pytest.raises(weft.Error, match="internal error"):
            node.call("sync.wait_for_itself")
        assert "would wait for itself" in caplog.text
        for n in node.stream("sync.count", to=10**9):
            if n == 3:
                break
        assert closed.wait(20)


def test_serve_blocks_until_it_is_told_to_end(weft_node, tmp_path):
    (tmp_path / "served.py").write_text(
        "import sys, weft, weft.sync\nservice = weft.Service('blocking')\n"
        "service.method('blocking.hello')(lambda: 'hello')\n"
        "weft.sync.serve(sys.argv[1], service, on_connect=lambda node: print('ready', flush=True))\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-B", tmp_path / "served.py", weft_node.address], env=environment,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        with weft.sync.connect(weft_node.address) as node:
            assert node.call("blocking.hello") == "hello"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_no_node_is_an_error():
    with pytest.raises(weft.Error, match="cannot connect"):
        weft.sync.connect("127.0.0.1:1")
