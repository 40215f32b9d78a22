"""Addresses of nodes, and TCP connections to them."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from .connection import Connection

C = TypeVar("C", bound=Connection)

Tls = bool | ssl.SSLContext | None


class Address(NamedTuple):
    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls://' if self.tls else ''}{host}:{self.port}"


def parse(text: str) -> Address:
    """Raises ValueError."""
    scheme, separator, rest = text.strip().rpartition("://")
    host, _, port = rest.rpartition(":")
    if separator and scheme not in ("tcp", "tls") or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text}' is no address of a node; it is HOST:PORT or tls://HOST:PORT, such as "
                         "127.0.0.1:7400")
    return Address(host.strip("[]"), int(port), scheme == "tls")


def parse_all(addresses: str | Sequence[str]) -> list[Address]:
    """Some in a sequence, or in a text that separates them by commas."""
    texts = addresses.split(",") if isinstance(addresses, str) else [
        part for each in addresses for part in each.split(",")]
    found = [parse(each) for each in texts if each.strip()]
    if not found:
        raise ValueError("no address of a node; give HOST:PORT, such as 127.0.0.1:7400")
    return found


def tls_context(tls: Tls) -> ssl.SSLContext:
    """As it was given, or one that checks the node's certificate against the system's authorities."""
    if isinstance(tls, ssl.SSLContext):
        return tls
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["weft/1"])
    return context


async def dial(address: Address, make: Callable[[], C], tls: Tls = None, server_hostname: str | None = None) -> C:
    """Raises OSError, of which a failed handshake is one."""
    loop = asyncio.get_running_loop()
    secure = bool(tls) or address.tls
    _, connection = await loop.create_connection(
        make, address.host, address.port, ssl=tls_context(tls) if secure else None,
        server_hostname=server_hostname if secure else None)
    return connection
