"""A mesh in one process, under virtual time. Its clients and services are the real ones."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from ..addresses import Address
from ..calling import Stream
from ..client import Connecting, Node, introduction, open_node
from ..errors import Error
from ..options import Settings
from ..peer import Peer
from ..service import Service
from ..uplink import Dial
from .fake_node import FakeNode
from .faults import Fault, Faults
from .virtual_time import VirtualLoop

T = TypeVar("T")

# Of the mesh's clock: beyond it whatever a test waits for is not going to happen.
LONGEST = 24 * 3600.0
HEARTBEAT = 3600.0


class FakeMesh:
    """Everything in it runs while `run`, `call`, `stream` or `advance` do, in this thread; the clock jumps."""

    def __init__(self) -> None:
        self._loop = VirtualLoop()
        self._faults = Faults()
        self._node = FakeNode(self._loop, self._faults)
        self._nodes: list[Node] = []
        self._caller: Node | None = None

    # Who is there

    def add(self, *services: Service, name: str | None = None, instance: str | None = None) -> Node:
        """Serves them, as a program of its own would."""
        return self.run(self._open(name or services[0].name, instance, services, (), 30))

    def connect(self, *, name: str = "test", instance: str | None = None, services: Sequence[Service] = (),
                callbacks: Sequence[Service] = (), timeout: float | None = 30) -> Connecting:
        """A client, within `run`: as weft.connect, without an address."""
        return Connecting(lambda: self._open(name, instance, services, callbacks, timeout))

    async def _open(self, name: str, instance: str | None, services: Sequence[Service],
                    callbacks: Sequence[Service], timeout: float | None) -> Node:
        said = introduction(name, instance, None, HEARTBEAT, services)
        node = await open_node([Address("fake", 1)], self._dialing, said, [*services, *callbacks],
                               Settings(timeout=timeout), patient=False)
        self._nodes.append(node)
        return node

    def _dialing(self, make: Callable[[], Peer]) -> Dial:
        async def dial(_: Address) -> Peer:
            peer = make()
            peer.methods.checked = True
            self._node.accept(peer)
            return peer

        return dial

    def disconnect(self, name: str) -> int:
        """Cuts the connections of a client or service, which comes back as it would; how many there were."""
        ports = [port for port in self._node.ports if port.name == name]
        for port in ports:
            port.close("cut by the test")
        return len(ports)

    # What happens

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in the mesh. Raises TimeoutError when a day of its clock was not enough."""
        async def limited() -> T:
            async with asyncio.timeout(LONGEST):
                return await work

        return self._loop.run_until_complete(limited())

    def call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """A call as Node.call, and its result."""
        async def body() -> Any:
            return await (await self._client()).call(method, *args, **kwargs)

        return self.run(body())

    def stream(self, method: str, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """The items of a stream, one by one: time passes while the next is asked for."""
        async def begin() -> Stream[Any]:
            return (await self._client()).stream(method, *args, **kwargs)

        async def step(stream: Stream[Any]) -> tuple[Any, ...]:
            try:
                return (await anext(stream),)
            except StopAsyncIteration:
                return ()

        stream = self.run(begin())
        try:
            while item := self.run(step(stream)):
                yield item[0]
        finally:
            self.run(stream.aclose())

    def advance(self, seconds: float) -> None:
        """Lets so much time pass."""
        self.run(asyncio.sleep(seconds))

    async def _client(self) -> Node:
        if self._caller is None:
            self._caller = await self.connect()
        return self._caller

    @property
    def elapsed(self) -> float:
        """Seconds of the mesh's clock since it began."""
        return self._loop.time()

    @property
    def came(self) -> list[tuple[str, Any]]:
        """The calls that reached the mesh: their methods and params."""
        return list(self._node.came)

    # What goes wrong

    def fail(self, method: str, code: int, message: str = "failed by the test", *, data: Any = None,
             executed: str | None = None, retry_after: float | None = None, times: int | None = None) -> None:
        """Calls of the method, which may be a pattern such as "users.*", fail without running it."""
        error = Error(code, message, data, executed=executed, retry_after=retry_after)
        self._faults.add(Fault(method, times, error=error))

    def delay(self, method: str, seconds: float, *, times: int | None = None) -> None:
        """They begin so much later."""
        self._faults.add(Fault(method, times, delay=seconds))

    def drop(self, method: str, *, times: int | None = None) -> None:
        """They run, and their answers are lost."""
        self._faults.add(Fault(method, times, dropped=True))

    def heal(self, method: str | None = None) -> None:
        """What was said of this pattern, or of all, holds no more."""
        self._faults.clear(method)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self.run(self._close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _close(self) -> None:
        for node in self._nodes:
            await node.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
