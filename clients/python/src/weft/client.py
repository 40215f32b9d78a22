"""A program's place in the mesh: calls, streams, and the methods that it answers meanwhile."""

import asyncio
import contextvars
import functools
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from . import addresses as addressing
from . import codes, trace
from .addresses import Address
from .attempts import Attempts
from .calling import DuplexStream
from .checks import COUNT, FUNCTION, INTERVAL, LIMIT, SECRET, TEXT, Kind, check
from .context import deadline
from .errors import Error, late
from .hints import reader_of
from .json_text import dumps
from .mismatch import Mismatch
from .options import Settings, split
from .peer import Peer
from .service import Methods, Service
from .tls import TLS, TlsOption
from .uplink import Dial, Uplink
from .wire import MAX_FRAME_BYTES

log = logging.getLogger("weft")

WINDOW = COUNT._replace(words="how many items may be on their way, an integer from 1; a parameter of the method with "
                              "that name goes beside weft.options(…)")


def write_params(by_position: tuple[Any, ...], by_name: dict[str, Any]) -> str:
    """The member `params` of a request, as it stands behind its method."""
    if by_name:
        if by_position:
            raise TypeError("parameters go by position or by name, not both")
        return f',"params":{dumps(by_name)}'
    return f',"params":{dumps(by_position)}' if by_position else ""


class Node:
    """A node, over a connection that is made again when it goes. Made by `connect`; used on its loop only."""

    def __init__(self, uplink: Uplink, default: Settings) -> None:
        self._uplink, self._default = uplink, default

    async def call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """The method's result; raises Error. Parameters go by position or by name; `options` among the positional ones.

        Cancelling the task takes the call back."""
        args, settings = split(args, self._default)
        params = write_params(args, kwargs)
        expires = self.expiry(settings)
        attempts: Attempts | None = None
        while True:
            try:
                peer = self._uplink.peer
                if peer is None or peer.full or peer.blocked:
                    peer = await self._uplink.usable(expires)
                id, answer = self._send(peer, method, params, settings, expires)
                try:
                    result = await answer
                except asyncio.CancelledError:
                    peer.cancel(id)
                    raise
            except Error as error:
                attempts = attempts or Attempts()
                if not await self.pause_before_retry(error, attempts, settings, expires, settings.idempotent):
                    raise attempts.told(error) from None
            else:
                return result if settings.returns is None else self._read(method, settings.returns, result)

    def stream(self, method: str, /, *args: Any, **kwargs: Any) -> DuplexStream[Any, Any]:
        """The method's items: `async for`, and what else one does to an async generator. At most `window` of them are
        on their way. The default timeout does not hold for streams.

        `window` is one of the options, which alone may be a keyword. Where options are given, all keywords are
        parameters."""
        before = len(args)
        args, settings = split(args, self._default)
        if len(args) == before and "window" in kwargs:
            check("stream", {"window": WINDOW}, {"window": kwargs["window"]})
            _, settings = split((_window(kwargs.pop("window")),), settings)
        return DuplexStream(self, method, write_params(args, kwargs), settings)

    async def notify(self, method: str, /, *args: Any, **kwargs: Any) -> None:
        """A call without an answer, which may be lost."""
        args, settings = split(args, self._default)
        params = write_params(args, kwargs)
        (await self._uplink.usable(self.expiry(settings))).notify(method, params)

    async def closed(self) -> None:
        """Waits until it is closed. Raises the Error of a node that refused a later connection."""
        await asyncio.shield(self._uplink.over)
        if self._uplink.failed is not None:
            raise self._uplink.failed

    async def close(self) -> None:
        """Calls under way fail with UNAVAILABLE, methods under way are cancelled."""
        self._uplink.close()
        await self._uplink.gone()

    async def changed(self) -> str:
        """Waits until the state is another one, or the node is: the state then."""
        if not self._uplink.closed:
            await self._uplink.change()
        return self.state

    @property
    def state(self) -> str:
        """"connected", "connecting" or "closed"."""
        if self._uplink.closed:
            return "closed"
        return "connecting" if self._uplink.peer is None else "connected"

    @property
    def info(self) -> dict[str, Any]:
        """What the node said of itself last: `node`, `connection`, `limits`."""
        return self._uplink.peer.info if self._uplink.peer is not None else {}

    def expiry(self, settings: Settings, use_timeout: bool = True) -> float | None:
        """When, in the loop's time, a call that is made now is over."""
        limit = deadline()
        if settings.timeout is None or not use_timeout:
            return limit
        own = self._uplink.loop.time() + settings.timeout
        return own if limit is None else min(own, limit)

    async def send_request(self, method: str, params: str, settings: Settings,
                           expires: float | None) -> tuple[Peer, int, "asyncio.Future[Any]"]:
        """Sends a request as soon as there is a connection that takes it. Raises Error if it was not sent."""
        peer = await self._uplink.usable(expires)
        return peer, *self._send(peer, method, params, settings, expires)

    @staticmethod
    def _send(peer: Peer, method: str, members: str, settings: Settings,
              expires: float | None) -> tuple[int, "asyncio.Future[Any]"]:
        if expires is not None:
            remaining = (expires - peer.loop.time()) * 1000
            if remaining <= 0:
                raise late(f"{method} was not sent: its time was over", "no")
            # Whole milliseconds where a fraction does not matter.
            members += f',"deadline_ms":{int(remaining)}' if remaining > 1000 else f',"deadline_ms":{remaining:.3f}'
        if settings.route_key is not None:
            members += f',"route_key":{dumps(settings.route_key)}'
        if (carried := trace.outgoing()) is not trace.NOTHING:
            for name, value in carried.items():
                members += f',"{name}":{dumps(value)}'
        return peer.request(method, members, expires)

    async def pause_before_retry(self, error: Error, attempts: Attempts, settings: Settings, expires: float | None,
                                 may_run_twice: bool) -> bool:
        """Is the call made again after this? Then it is time to."""
        left = None if expires is None else expires - asyncio.get_running_loop().time()
        pause = attempts.pause(error, settings.attempts, may_run_twice, left)
        if pause is None or self._uplink.closed or left is not None and left <= 0:
            return False
        await asyncio.sleep(pause)
        return True

    @staticmethod
    def _read(method: str, hint: Any, result: Any) -> Any:
        try:
            return reader_of(hint)(result)
        except Mismatch as mismatch:
            raise Error(codes.INTERNAL_ERROR, f"{method}: {mismatch.said_of('the result')}") from None

    async def leave(self, drain_timeout: float) -> None:
        """Takes leave as a service does: nothing new comes, and what is under way is answered."""
        peer = self._uplink.peer
        if peer is None:
            return
        try:
            async with asyncio.timeout(drain_timeout):
                await self.call("mesh.drain")
                # Calls that were sent on before every node knew.
                await asyncio.sleep(LAST_CALLS)
                await peer.idle()
        except (Error, TimeoutError) as error:
            log.warning("leaving with calls under way: %s", error or f"they took longer than {drain_timeout} s")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()


LAST_CALLS = 0.3


@functools.lru_cache(maxsize=64)
def _window(window: int) -> Any:
    from .options import options

    return options(window=window)


class Connecting:
    """What `connect` returns: to be awaited, or to be the context of an `async with`."""

    def __init__(self, begin: Callable[[], Awaitable[Node]]) -> None:
        self._begin = begin
        self._node: Node | None = None

    def __await__(self) -> Generator[Any, None, Node]:
        return self._begin().__await__()

    async def __aenter__(self) -> Node:
        self._node = await self._begin()
        return self._node

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        assert self._node is not None
        await self._node.close()


def _are_services(value: Collection[object]) -> bool:
    return all(isinstance(each, Service) for each in value)


_SERVICES = Kind("a list of weft.Service", Collection, _are_services)
KINDS = {"name": TEXT, "instance": TEXT, "token": SECRET, "tls": TLS, "server_hostname": TEXT, "services": _SERVICES,
         "callbacks": _SERVICES, "timeout": LIMIT, "heartbeat": INTERVAL, "on_connect": FUNCTION}


def introduction(name: str | None, instance: str | None, token: str | None, heartbeat: float,
                 services: Iterable[Service]) -> dict[str, Any]:
    """The params of `connect`."""
    serves = [method.declaration() for method in Methods(services)]
    said = {"name": name, "instance": instance, "token": token or os.environ.get("WEFT_TOKEN") or None}
    return {**{member: value for member, value in said.items() if value is not None},
            "heartbeat_ms": max(10, round(heartbeat * 1000)), "limits": {"frame_bytes": MAX_FRAME_BYTES},
            **({"serves": serves} if serves else {})}


def connect(*addresses: str, name: str | None = None, instance: str | None = None, token: str | None = None,
            tls: TlsOption = None, server_hostname: str | None = None, services: Sequence[Service] = (),
            callbacks: Sequence[Service] = (), timeout: float | None = 30, heartbeat: float = 15,
            on_connect: Callable[[Node], object] | None = None) -> Connecting:
    """Connects to the first of the nodes that answers: `await weft.connect(…)`, or `async with weft.connect(…) as n`.

    Raises Error: 14 when none can be reached, or what a node answered that refuses. `name` and `instance` are what
    the mesh calls this program, `token` (else the variable WEFT_TOKEN) says who it is. `tls` is True, a Tls or an
    SSLContext, and holds for addresses without a scheme (tls://, tcp://); `server_hostname` is what the certificate
    must be for if it is not the host of the address. `services` are served to the mesh; `callbacks` answered over
    this connection only. `timeout` (seconds) is that of calls which say nothing else, and `heartbeat` how often the
    other side must be heard of. `on_connect` is called with every connection."""
    check("weft.connect", KINDS, {
        "name": name, "instance": instance, "token": token, "tls": tls, "server_hostname": server_hostname,
        "services": services, "callbacks": callbacks, "timeout": timeout, "heartbeat": heartbeat,
        "on_connect": on_connect})
    nodes = addressing.parse_all(addresses, tls)

    async def begin() -> Node:
        return await open_node(nodes, lambda make: lambda each: addressing.dial(each, make, tls, server_hostname),
                               introduction(name, instance, token, heartbeat, services), [*services, *callbacks],
                               Settings(timeout=timeout), patient=False, on_connect=on_connect)

    return Connecting(begin)


async def open_node(nodes: list[Address], dialing: Callable[[Callable[[], Peer]], Dial], said: dict[str, Any],
                    answers: Sequence[Service], default: Settings, patient: bool,
                    on_connect: Callable[[Node], object] | None = None) -> Node:
    """`dialing` makes what connects, from what makes a Peer."""
    methods = Methods(answers)
    node: Node

    def make() -> Peer:
        peer = Peer(methods)
        peer.node = node
        return peer

    def connected() -> None:
        if on_connect is not None:
            on_connect(node)

    uplink = Uplink(nodes, dialing(make), said, keeps_serving="serves" in said, on_connect=connected)
    node = Node(uplink, default)
    try:
        # What comes over the connection has nothing to do with the block or the call in which it was opened.
        await asyncio.create_task(uplink.start(patient), context=contextvars.Context())
    except BaseException:
        uplink.close()
        raise
    return node
