"""weft: call the methods of a mesh, and serve some, from asyncio.

    async with weft.connect("127.0.0.1:7400", name="me") as node:
        print(await node.call("demo.sum", values=[1, 2, 3]))
        async for n in node.stream("demo.count", to=3):
            print(n)

`weft.Service` makes methods of functions, `weft.serve` serves them, `weft.sync` is the same without asyncio.
"""

from . import codes
from .calling import DuplexStream, Stream
from .client import Node, connect
from .context import Call, after, caller, current, timeout
from .errors import Error
from .hints import codec_of as _codec_of
from .json_text import dumps as to_json
from .mismatch import Mismatch
from .options import Options, options
from .running_loop import run
from .service import Item, Service
from .serving import serve
from .tls import Tls

__version__ = "0.1.0"

__all__ = [
    "Call", "DuplexStream", "Error", "Item", "Mismatch", "Node", "Options", "Service", "Stream", "Tls", "after",
    "caller", "codes", "connect", "convert", "current", "options", "run", "serve", "timeout", "to_json",
]


def convert(hint: object, value: object) -> object:
    """Makes a value of a type out of what JSON brought; raises Mismatch, which says where it does not fit."""
    return _codec_of(hint).read(value)
