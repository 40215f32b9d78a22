"""Methods of functions: how they are called, what they know of their call, what becomes of what they raise."""

import asyncio
import contextlib
import dataclasses
import functools
import json
import threading
import urllib.request

import pytest
from until import until

import weft


@dataclasses.dataclass
class User:
    id: int
    name: str = "Ada"


class Shelf:
    def __init__(self):
        self.books = ["a", "b"]

    async def count(self, most: int = 10) -> int:
        """A bound method, as any other."""
        return min(len(self.books), most)


def make():
    service = weft.Service("users")

    @service.method(idempotent=True, max_in_flight=7)
    async def get(id: int, name: str = "Ada") -> User:
        if id < 0:
            raise weft.Error(404, f"no user {id}", {"id": id})
        return User(id, name)

    @service.method
    def add(user: User, *more: int, loud: bool = False, **rest: str) -> list:
        return [user, list(more), loud, rest]

    @service.method
    def only(a: int, /, b: int, *, c: int) -> list[int]:
        return [a, b, c]

    @service.method("users.nothing")
    def nothing_at_all():
        pass

    @service.method("users.broken")
    async def broken():
        raise ValueError("no luck")

    @service.method
    def opaque():
        return object()

    @service.method
    def surrogate(fails: bool = False) -> str:
        if fails:
            raise weft.Error(1, "no \ud800")
        return "\ud800"

    @service.method("users.any.*")
    def any_method(*args):
        return [weft.current().method, *args]

    @service.method("users.any.longer.*")
    def longer():
        return "longer"

    @service.method(thread=True)
    def blocks() -> str:
        assert weft.current().method == "users.blocks"
        return threading.current_thread().name

    service.method("shelf.count")(Shelf().count)
    service.method("shelf.part")(functools.partial(only, 1, c=3))
    return service


@contextlib.asynccontextmanager
async def serving(weft_node, service=None, **about):
    async with weft.connect(weft_node.address, name="users", services=[service or make()], **about) as node:
        yield node


GOOD = [
    ("users.get", [1], {}, {"id": 1, "name": "Ada"}),
    ("users.get", [], {"name": "Bo", "id": 2}, {"id": 2, "name": "Bo"}),
    ("users.add", [{"id": 1}], {}, [{"id": 1, "name": "Ada"}, [], False, {}]),
    ("users.add", [User(1), 2, 3], {}, [{"id": 1, "name": "Ada"}, [2, 3], False, {}]),
    ("users.add", [], {"user": User(1), "loud": True, "self": "x"},
     [{"id": 1, "name": "Ada"}, [], True, {"self": "x"}]),
    ("users.only", [], {"a": 1, "b": 2, "c": 3}, [1, 2, 3]), ("users.nothing", [], {}, None),
    ("users.any.thing", [1], {}, ["users.any.thing", 1]), ("users.any.longer.one", [], {}, "longer"),
    ("shelf.count", [1], {}, 1), ("shelf.count", [], {}, 2), ("shelf.part", [], {"b": 2}, [1, 2, 3]),
]


async def test_methods_are_called_by_position_and_by_name(weft_node):
    async with serving(weft_node) as node:
        for method, args, names, result in GOOD:
            assert await node.call(method, *args, **names) == result, method


SHAPE = 'it takes {"id": an integer, "name"?: a string}, or the same in an array'
WRONG = [
    ("users.get", [], {}, f"users.get: 'id' is missing, an integer; {SHAPE}"),
    ("users.get", ["one"], {}, "users.get: 'id' is an integer, not \"one\""),
    ("users.get", [], {"id": 1, "nam": 2}, f"users.get: 'nam' is no parameter of it; {SHAPE}"),
    ("users.get", [1, "a", 2], {}, f"users.get: 3 params came; {SHAPE}"),
    ("users.nothing", [1], {}, "users.nothing: 1 params came; it takes no params"),
    ("users.add", [{"id": "x"}], {}, "users.add: 'user.id' is an integer, not \"x\""),
    ("users.add", [], {"user": User(1), "more": 1}, "users.add: 'more' is a string, not 1"),
    ("users.only", [1, 2], {}, "users.only: 'c' is missing, an integer; it takes "),
]


async def test_wrong_params_are_named_with_what_would_be_right(weft_node):
    async with serving(weft_node) as node:
        for method, args, names, text in WRONG:
            with pytest.raises(weft.Error) as refused:
                await node.call(method, *args, **names)
            assert refused.value.code == weft.codes.INVALID_PARAMS, refused.value
            assert refused.value.message.startswith(text), refused.value


async def test_results_are_read_into_types(weft_node):
    async with serving(weft_node) as node:
        assert await node.call("users.get", weft.options(returns=User), id=3) == User(3)
        with weft.options(returns=list[int]), pytest.raises(weft.Error, match="the result is an array, not"):
            await node.call("users.get", id=3)


async def test_errors_reach_the_caller(weft_node, caplog):
    async with serving(weft_node) as node:
        with pytest.raises(weft.Error) as own:
            await node.call("users.get", -1)
        assert (own.value.code, own.value.message, own.value.data) == (404, "no user -1", {"id": -1})
        with pytest.raises(weft.Error, match="^internal error in the handler of 'users.broken' ") as broken:
            await node.call("users.broken")
        assert broken.value.code == weft.codes.INTERNAL_ERROR
        with pytest.raises(weft.Error, match="^internal error in the handler of 'users.opaque' "):
            await node.call("users.opaque")
        # The log knows why, and nobody else.
        assert "ValueError: no luck" in caplog.text and "a object is nothing that JSON can say" in caplog.text
        with pytest.raises(weft.Error, match="the answer is no UTF-8"):
            await node.call("users.surrogate")
        with pytest.raises(weft.Error, match="no \\?"):
            await node.call("users.surrogate", True)
        with pytest.raises(UnicodeEncodeError):
            await node.call("users.get", "\ud800")
        assert await node.call("foo") == "ok"


async def test_a_method_that_blocks_runs_in_a_thread(weft_node):
    async with serving(weft_node) as node:
        assert await node.call("users.blocks") != threading.current_thread().name


async def test_the_mesh_knows_what_the_hints_say(weft_node):
    async with serving(weft_node) as node:
        methods = {each["name"]: each for each in (await node.call("rpc.discover"))["methods"]}
    get = methods["users.get"]
    assert get["x-idempotent"] is True and methods["users.add"]["x-idempotent"] is False
    assert get["x-params-schema"] == {
        "type": "object", "required": ["id"], "additionalProperties": False,
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    assert get["result"]["schema"]["properties"] == {"id": {"type": "integer"}, "name": {"type": "string"}}


async def test_max_in_flight_reaches_the_node(weft_node):
    async with serving(weft_node):
        def ask():
            return json.load(urllib.request.urlopen(f"http://{weft_node.admin}/routes"))

        routes = {each["method"]: each for each in await asyncio.to_thread(ask)}
        assert routes["users.get"]["instances"][0]["max_in_flight"] == 7


async def test_a_method_knows_its_call_and_calls_on_within_it(weft_node):
    service, seen = weft.Service("outer"), {}
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @service.method
    async def ask() -> str:
        call = weft.current()
        seen["left"] = call.deadline - asyncio.get_running_loop().time()
        seen["outer"] = call.traceparent
        # A task that it starts is part of the call.
        async with asyncio.TaskGroup() as group:
            task = group.create_task(weft.caller().call("outer.inner"))
        return task.result()

    @service.method
    def inner() -> str:
        call = weft.current()
        seen["inner_left"] = call.deadline - asyncio.get_running_loop().time()
        seen["inner"] = call.traceparent
        return "inside"

    with pytest.raises(LookupError):
        weft.current()
    async with serving(weft_node, service) as node:
        _, answer = node._uplink.peer.request("outer.ask", f',"deadline_ms":5000,"traceparent":"{trace}"', None)
        assert await answer == "inside"
    assert 4 < seen["inner_left"] <= 5 and 4 < seen["left"] <= 5
    assert seen["outer"] == seen["inner"] == trace


async def test_where_the_connection_was_opened_means_nothing_to_what_comes_over_it(weft_node):
    service = weft.Service("later")

    @service.method
    async def ask() -> str:
        return await weft.caller().call("foo")

    async with weft.timeout(0.2):
        with weft.options(returns=int):
            node = await weft.connect(weft_node.address, services=[service])
    async with node:
        await asyncio.sleep(0.3)
        assert await node.call("later.ask") == "ok"


async def test_a_node_calls_back_who_asked(weft_node):
    service = weft.Service("here")

    @service.method("hello")
    def hello(name: str) -> str:
        return f"hello {name}"

    async with weft.connect(weft_node.address, callbacks=[service]) as node:
        assert await node.call("demo.callback", method="hello", params=["you"]) == "hello you"
        with pytest.raises(weft.Error, match="no method 'goodbye' here, only hello"):
            await node.call("demo.callback", method="goodbye")
        with pytest.raises(weft.Error, match="not found"):
            await node.call("hello", "you")


async def test_cancellation_and_deadlines_reach_the_method(weft_node):
    service, ended = weft.Service("slow"), []

    @service.method
    async def wait(tag: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(tag)

    @service.method
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"

    async with serving(weft_node, service) as node:
        waiting = asyncio.create_task(node.call("slow.wait", "cancelled"))
        await until(lambda: node._uplink.peer.serving, "it runs")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: ended == ["cancelled"], "its cleanup has run")
        with pytest.raises(weft.Error) as late:
            await node.call("slow.wait", weft.options(timeout=0.05), "late")
        assert (late.value.code, late.value.executed) == (weft.codes.DEADLINE_EXCEEDED, "unknown")
        await until(lambda: len(ended) == 2, "its cleanup has run")
        with pytest.raises(TimeoutError):
            async with weft.timeout(0.05):
                await node.call("slow.wait", "timeout")
        await until(lambda: len(ended) == 3, "its cleanup has run")
        with pytest.raises(weft.Error) as late:
            await node.call("slow.stubborn", weft.options(timeout=0.05))
        assert late.value.code == weft.codes.DEADLINE_EXCEEDED
        assert await node.call("foo") == "ok"


async def test_a_caller_that_leaves_takes_its_calls_back(weft_node):
    service, ended = weft.Service("slow"), []

    @service.method
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async with serving(weft_node, service) as node:
        async with weft.connect(weft_node.address) as caller:
            calling = asyncio.create_task(caller.call("slow.wait"))
            await until(lambda: node._uplink.peer.serving, "it runs")
        with pytest.raises(weft.Error) as lost:
            await calling
        assert (lost.value.code, lost.value.executed) == (weft.codes.UNAVAILABLE, "unknown")
        await until(lambda: ended, "its cleanup has run")


async def test_notifications_run_and_are_not_answered(weft_node):
    service, came = weft.Service("log"), []

    @service.method
    async def line(text: str) -> None:
        came.append(text)

    async with serving(weft_node, service) as node:
        await node.notify("log.line", text="one")
        await node.notify("log.line", 2)
        await node.notify("log.nothing")
        await node.notify("log.line", "three")
        await until(lambda: came == ["one", "three"], "those that fit have come")


@pytest.mark.parametrize("name", ["", "*", "a.*.b", "rpc.x", "mesh.y", "connect", "$/z", "mesh.*"])
def test_names_that_no_method_can_have_are_refused(name):
    with pytest.raises(ValueError):
        weft.Service("s").method(name)(lambda: None)


def test_what_makes_no_sense_is_refused_when_it_is_declared():
    service = weft.Service("s")
    service.method("s.a")(lambda: None)
    with pytest.raises(ValueError, match="has a method 's.a' already"):
        service.method("s.a")(lambda: None)
    with pytest.raises(ValueError, match="resumable is for a generator"):
        service.method("s.b", resumable=True)(lambda: None)

    async def coroutine():
        pass

    with pytest.raises(ValueError, match="thread is for a plain function"):
        service.method("s.c", thread=True)(coroutine)

    def names_nothing(x: "Missing"):  # noqa: F821
        pass

    with pytest.raises(TypeError, match="'Missing' is not defined"):
        service.method(names_nothing)

    def not_a_list() -> list[int]:
        yield 1

    with pytest.raises(TypeError, match="is a generator, so its result is an AsyncIterator"):
        service.method(not_a_list)
