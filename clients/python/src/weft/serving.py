"""Serves services at a node until told to end."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import addresses as addressing
from . import client
from .checks import FLAG, PATIENCE, check
from .client import Node, introduction, open_node
from .options import Settings
from .service import Service
from .tls import TlsOption

log = logging.getLogger("weft")

KINDS = {**client.KINDS, "drain_timeout": PATIENCE, "signals": FLAG}


async def serve(addresses: str | Sequence[str], /, *services: Service, name: str | None = None,
                instance: str | None = None, token: str | None = None, tls: TlsOption = None,
                server_hostname: str | None = None, timeout: float | None = 30, heartbeat: float = 15,
                drain_timeout: float = 10, signals: bool = True,
                on_connect: Callable[[Node], object] | None = None) -> None:
    """Serves until it is cancelled or, with `signals`, until SIGTERM or SIGINT; then it takes leave.

    A node that cannot be reached is tried again, one that goes or drains is left for another of the `addresses`. One
    that refuses ends this with its Error: a token that it does not know, a method that this token may not serve, a
    name that is the node's own. `name` is that of the first service unless another one is given; the other options
    are those of `connect`. After `drain_timeout` seconds calls under way are cut off."""
    check("weft.serve", KINDS, {
        "name": name, "instance": instance, "token": token, "tls": tls, "server_hostname": server_hostname,
        "services": services, "timeout": timeout, "heartbeat": heartbeat, "drain_timeout": drain_timeout,
        "signals": signals, "on_connect": on_connect})
    if not services or not any(service.methods for service in services):
        raise ValueError("there is no method to serve; declare one with @service.method")
    nodes = addressing.parse_all(addresses, tls)
    said = introduction(name or services[0].name, instance, token, heartbeat, services)
    told = asyncio.Event()
    names = ", ".join(name for service in services for name in service.methods)

    def connected(node: Node) -> None:
        log.info("serving %s at node %s", names, node.info.get("node"))
        if on_connect is not None:
            on_connect(node)

    with _signals(told) if signals else contextlib.nullcontext():
        opening = asyncio.ensure_future(
            open_node(nodes, lambda make: lambda each: addressing.dial(each, make, tls, server_hostname), said,
                      services, Settings(timeout=timeout), patient=True, on_connect=connected))
        if (node := await _unless(told, opening)) is None:
            return
        await _serve(node, told, drain_timeout)


async def _unless(told: asyncio.Event, opening: "asyncio.Future[Node]") -> Node | None:
    ending = asyncio.ensure_future(told.wait())
    waits: list[asyncio.Future[Any]] = [opening, ending]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return await opening if opening.done() else None
    finally:
        ending.cancel()
        opening.cancel()


async def _serve(node: Node, told: asyncio.Event, drain_timeout: float) -> None:
    ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(node.closed())]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if ends[1].done():
            await ends[1]
    finally:
        for end in ends:
            end.cancel()
        await node.leave(drain_timeout)
        await node.close()


@contextlib.contextmanager
def _signals(told: asyncio.Event) -> Iterator[None]:
    """While serving, they say that it is to end. Only a program's main thread gets them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        loop.add_signal_handler(number, told.set)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            if handler is not None:
                signal.signal(number, handler)
