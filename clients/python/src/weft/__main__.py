"""python -m weft call NODE METHOD [PARAMS]   |   python -m weft serve MODULE:SERVICE [NODE…]"""

import argparse
import asyncio
import importlib
import json
import logging
import os
import sys
from typing import Any, NoReturn

from . import codes
from .client import Node, connect
from .errors import Error
from .json_text import dumps
from .options import options
from .running_loop import run
from .service import Service
from .serving import serve
from .tls import Tls
from .token_file import read_token

FAILED, NOT_REACHED, USAGE = 1, 2, 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(USAGE)


class _Shown(argparse.Action):
    """An argument that would be in the list of processes."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error("--token: unknown; write the token into a file, which the list of processes does not show, and "
                     "give --token-file FILE")


class _Misuse(Exception):
    """What is wrong with the command line, and what would be right."""


def _parser() -> _Parser:
    parser = _Parser(prog="python -m weft", description="Calls methods of a mesh, and serves some.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="call|serve")

    call = commands.add_parser("call", help="calls one method and prints its result")
    call.add_argument("node", metavar="NODE", help="HOST:PORT or tls://HOST:PORT, or several separated by commas")
    call.add_argument("method", metavar="METHOD")
    call.add_argument("params", metavar="PARAMS", nargs="?", default="[]", help="a JSON array or object")
    call.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="30 unless said otherwise")
    call.add_argument("--stream", action="store_true", help="prints the items, one a line, as they come")

    served = commands.add_parser("serve", help="serves a weft.Service until SIGTERM or Ctrl-C")
    served.add_argument("service", metavar="MODULE:SERVICE", help="users:service is `service` in users.py")
    served.add_argument("nodes", metavar="NODE", nargs="*", default=["127.0.0.1:7400"],
                        help="HOST:PORT, the nearest first (127.0.0.1:7400)")
    served.add_argument("--instance", help="what this process is called in the mesh")
    for each in (call, served):
        each.add_argument("--token-file", metavar="FILE",
                          help="holds the token that says who this is; else the variable WEFT_TOKEN")
        each.add_argument("--token", action=_Shown, nargs="?", help=argparse.SUPPRESS)
        each.add_argument("--tls", action="store_true", help="connects with TLS, as to tls://HOST:PORT")
        each.add_argument("--ca", metavar="FILE", help="trusts these authorities instead of the system's; PEM")
        each.add_argument("--cert", metavar="FILE", help="shows this certificate to the node; PEM")
        each.add_argument("--key", metavar="FILE", help="its key, unless that is in the same file")
        each.add_argument("--server-name", metavar="NAME",
                          help="what the node's certificate must be for, if not its host")
        each.add_argument("--tls-minimum", choices=["1.2", "1.3"], default="1.2",
                          help="the oldest version of TLS that is taken (1.2)")
    return parser


def _tls(told: argparse.Namespace) -> Tls | None:
    """None where nothing asks for TLS but the address itself."""
    given = Tls(ca=told.ca, cert=told.cert, key=told.key, server_name=told.server_name,
                minimum_version=told.tls_minimum)
    return given if told.tls or given != Tls() else None


def _token(told: argparse.Namespace) -> str | None:
    return None if told.token_file is None else read_token(told.token_file)


def _params(text: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        params = json.loads(text)
    except ValueError as error:
        raise _Misuse(f"PARAMS are no JSON ({error}): {text}") from None
    match params:
        case list():
            return params, {}
        case dict():
            return [], params
    raise _Misuse(f"PARAMS are a JSON array or object, not {text}")


async def _print_items(node: Node, method: str, args: list[Any], names: dict[str, Any], timeout: float) -> None:
    async with node.stream(method, options(timeout=timeout), *args, **names) as items:
        async for item in items:
            print(dumps(item), flush=True)


async def _call(told: argparse.Namespace) -> None:
    args, names = _params(told.params)
    async with connect(told.node, name="python -m weft", token=_token(told), tls=_tls(told)) as node:
        if told.stream:
            await _print_items(node, told.method, args, names, told.timeout)
        else:
            print(dumps(await node.call(told.method, options(timeout=told.timeout), *args, **names)))


def _find(where: str) -> Service:
    module, _, name = where.partition(":")
    if not module or not name:
        raise _Misuse(f"'{where}' is no MODULE:SERVICE, such as users:service")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _Misuse(f"{where}: {error}") from None
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, Service):
        known = [key for key, value in vars(sys.modules[module]).items() if isinstance(value, Service)]
        raise _Misuse(f"{module} has no weft.Service called {name}" + (f"; it has {', '.join(known)}" if known else ""))
    return found


async def _serve(told: argparse.Namespace) -> None:
    await serve(told.nodes, _find(told.service), instance=told.instance, token=_token(told), tls=_tls(told))


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    told = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO if told.command == "serve" else logging.WARNING, format="%(message)s")
    try:
        run((_call if told.command == "call" else _serve)(told))
    except (_Misuse, ValueError) as misuse:
        print(f"{parser.prog} {told.command}: {misuse}", file=sys.stderr)
        return USAGE
    except Error as error:
        print(dumps(error.to_json()), file=sys.stderr)
        unreachable = error.code == codes.UNAVAILABLE and error.message.startswith("cannot connect")
        return NOT_REACHED if unreachable else FAILED
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except BrokenPipeError:
        # Whoever reads the items has enough of them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
