"""The wire of every rung, { int32 length; char[] message }: big-endian, a JSON-RPC 2.0 object in each frame."""

import asyncio
import inspect
import itertools
import json
import socket
import struct
import sys

HEADER = struct.Struct(">i")
MAX_FRAME_BYTES = 1 << 20


def encode(value):
    return json.dumps(value, separators=(",", ":")).encode()


def pack(message):
    """The frame of a message."""
    payload = encode({"jsonrpc": "2.0", **message})
    return HEADER.pack(len(payload)) + payload


def decode(payload):
    """The message in a frame. What is none is a ValueError; batches are left out here."""
    try:
        message = json.loads(payload)
    except RecursionError:
        raise ValueError("a message that is nested too deep") from None
    if not isinstance(message, dict):
        raise ValueError(f"a message is an object, not {payload[:20]}")
    if not isinstance(message.get("method", ""), str) or isinstance(message.get("id"), (dict, list)):
        raise ValueError("a method is a string, and an id a string, a number or null")
    return message


def length(header):
    """How many bytes follow this header."""
    size, = HEADER.unpack(header)
    if not 0 < size <= MAX_FRAME_BYTES:
        raise ValueError(f"a frame has a length of 1 to {MAX_FRAME_BYTES}, not {size}")
    return size


def take(buffer):
    """Takes the first message out of a bytearray; None while it is not there whole."""
    if len(buffer) < HEADER.size or len(buffer) < (end := HEADER.size + length(buffer[:HEADER.size])):
        return None
    message = decode(buffer[HEADER.size:end])
    del buffer[:end]
    return message


def receive(stream):
    """The next message of a blocking stream; None when it has ended."""
    header = stream.read(HEADER.size)
    return decode(stream.read(length(header))) if len(header) == HEADER.size else None


class RpcError(Exception):
    """What a call is answered with when it has no result."""

    def __init__(self, code, message, data=None):
        super().__init__(f"{message} (code {code})")
        self.error = {"code": code, "message": message, **({} if data is None else {"data": data})}


def outcome(response):
    """The result of a call, as a value or as an exception."""
    if "error" in response:
        raise RpcError(**response["error"])
    return response["result"]


METHODS = {
    "connect": lambda params: {"node": "history", "heartbeat_ms": 5000},
    "heartbeat": lambda params: "ok",
    "demo.echo": lambda params: params,
}


def answer(request, methods=METHODS):
    """The response to a request; None for what is not answered: notifications, and responses."""
    if "method" not in request or "id" not in request:
        return None
    try:
        method = methods.get(request["method"])
        if method is None:
            raise RpcError(-32601, f"no method {request['method']}; there are {', '.join(methods)}")
        return {"id": request["id"], "result": method(request.get("params"))}
    except RpcError as error:
        return {"id": request["id"], "error": error.error}


def address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text} is no HOST:PORT")
    return host.strip("[]"), int(port)


def listen(at):
    """A listening socket, once it is said on standard output where; port 0 is any that is free."""
    listener = socket.create_server(at)
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    return listener


def reason(error):
    """What went wrong, without the number of the error."""
    return getattr(error, "strerror", None) or error


def run(main, usage, *kinds):
    """Calls main with the arguments of the command line, each read by its kind, the last of which is for all others.

    Wrong ones end with the usage, and a connection that cannot be made, or ends, with a line that says so.
    """
    words = sys.argv[1:]
    try:
        inspect.signature(main).bind(*words)
        arguments = [kind(word) for kind, word in zip(itertools.chain(kinds, itertools.repeat(kinds[-1])), words)]
    except (TypeError, ValueError):
        print("usage:", sys.argv[0], usage, file=sys.stderr)
        sys.exit(64)
    failure = None
    try:
        if inspect.isawaitable(outcome := main(*arguments)):
            asyncio.run(outcome)
    except* (OSError, EOFError, ValueError, RpcError) as errors:  # asyncio's task groups raise groups.
        failure = errors
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
    except* KeyboardInterrupt:
        sys.exit(130)
    if failure:
        sys.exit(f"{' '.join([sys.argv[0], *words])}: {reason(failure)}")
