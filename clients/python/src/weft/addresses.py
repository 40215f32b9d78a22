"""Addresses of nodes, and TCP connections to them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from .connection import Connection
from .tls import TlsOption, context_of, explain, name_of

C = TypeVar("C", bound=Connection)


class Address(NamedTuple):
    host: str
    port: int
    tls: bool = False
    by_option: bool = False     # it does not say itself whether it is behind TLS

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls://' if self.tls and not self.by_option else ''}{host}:{self.port}"


def parse(text: str, secure: bool = False) -> Address:
    """`secure`: with TLS, unless it says tcp://. Raises ValueError."""
    scheme, separator, rest = text.strip().rpartition("://")
    host, _, port = rest.rpartition(":")
    if separator and scheme not in ("tcp", "tls") or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text}' is no address of a node; it is HOST:PORT or tls://HOST:PORT, such as "
                         "127.0.0.1:7400")
    return Address(host.strip("[]"), int(port), scheme == "tls" or secure and not separator, secure and not separator)


def parse_all(addresses: str | Sequence[str], tls: TlsOption = None) -> list[Address]:
    """Some in a sequence, or in a text that separates them by commas; those without a scheme as `tls` says."""
    for each in [addresses] if isinstance(addresses, str) else addresses:
        if not isinstance(each, str):
            raise TypeError(f"{each!r:.100} is no address of a node; it is a text HOST:PORT or tls://HOST:PORT, such "
                            "as \"127.0.0.1:7400\"")
    texts = addresses.split(",") if isinstance(addresses, str) else [
        part for each in addresses for part in each.split(",")]
    found = [parse(each, bool(tls)) for each in texts if each.strip()]
    if not found:
        raise ValueError("no address of a node; give HOST:PORT, such as 127.0.0.1:7400")
    if any(each.tls for each in found):
        # What is wrong with its files is said at once, and not as a node that cannot be reached.
        context_of(tls)
    return found


async def dial(address: Address, make: Callable[[], C], tls: TlsOption = None, server_hostname: str | None = None) -> C:
    """Raises OSError, whose strerror says what was wrong."""
    loop = asyncio.get_running_loop()
    name = (server_hostname or name_of(tls) or address.host) if address.tls else None
    try:
        return (await loop.create_connection(make, address.host, address.port, server_hostname=name,
                                             ssl=context_of(tls) if address.tls else None))[1]
    except OSError as error:
        raise OSError(error.errno, explain(error, address.tls, address.by_option)) from error
    except ValueError as error:
        raise OSError(None, str(error)) from None
