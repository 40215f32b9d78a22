"""Frames and messages as bytes on a socket, and what every message of a client must look like."""

import decimal
import json
import select
import socket
import struct
import time

HEADER = struct.Struct(">i")
MOST = 64 << 20


class Failed(Exception):
    """The client did something else than the edge expects."""


class Skipped(Exception):
    """The adapter says that its client has no such thing."""


class Ended(Failed):
    """The connection ended where something was expected."""


class Clock:
    """What is left of the time that an edge may take."""

    def __init__(self, seconds):
        self._seconds, self._until = seconds, time.monotonic() + seconds

    def left(self, waiting_for):
        left = self._until - time.monotonic()
        if left <= 0:
            raise Failed(f"not within {self._seconds:g} s: {waiting_for}")
        return left


def encode(message):
    """A frame's payload: bytes and text as they are, anything else as JSON."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        return message.encode()
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def frame(message):
    payload = encode(message)
    return HEADER.pack(len(payload)) + payload


def request(id, method, params=None, **members):
    message = {"jsonrpc": "2.0", "id": id, "method": method, **members}
    return message if params is None else {**message, "params": params}


def notification(method, params=None, **members):
    message = {"jsonrpc": "2.0", "method": method, **members}
    return message if params is None else {**message, "params": params}


def short(value, most=300):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def parse(payload):
    """A payload as JSON, numbers exactly as they were written."""
    try:
        return json.loads(payload.decode(), parse_float=decimal.Decimal)
    except UnicodeDecodeError as error:
        raise Failed(f"a frame that is not UTF-8: {payload[:80]!r}: {error}") from None
    except ValueError as error:
        raise Failed(f"a frame that is no JSON: {payload[:80]!r}: {error}") from None


def same(a, b):
    """Equal as JSON values: True is not 1, and "1" is not 1."""
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a == b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) != isinstance(b, float) and isinstance(a, decimal.Decimal) != isinstance(b, decimal.Decimal):
        return float(a) == float(b)
    return a == b


def check_message(message):
    """Raises Failed unless this is a JSON-RPC request, notification or response."""
    def wrong(what):
        raise Failed(f"{what}: {short(message)}")

    if not isinstance(message, dict):
        wrong("a message that is no object")
    if message.get("jsonrpc") != "2.0":
        wrong('a message without "jsonrpc": "2.0"')
    id = message.get("id", 0)
    if isinstance(id, (bool, list, dict)):
        wrong("an id that is neither a string nor a number")
    if "method" in message:
        if not isinstance(message["method"], str):
            wrong("a method that is no string")
        if not isinstance(message.get("params", []), (list, dict)):
            wrong("params that are neither an array nor an object")
        if "result" in message or "error" in message:
            wrong("a request that is a response as well")
        return
    if "id" not in message:
        wrong("neither a request nor a response")
    if ("result" in message) == ("error" in message):
        wrong("a response with not exactly one of result and error")
    if "error" in message:
        error = message["error"]
        if not isinstance(error, dict) or type(error.get("code")) is not int or not isinstance(error.get("message"), str):
            wrong("an error that is no object with a code, an integer, and a message, a string")


class Wire:
    """A TCP connection that sends and receives frames; every wait ends with the clock."""

    def __init__(self, connection, clock, record):
        self.socket, self.clock, self._record = connection, clock, record
        self._buffer = bytearray()
        self._bare_end = False
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def to(cls, address, clock, record):
        return cls(socket.create_connection(address, timeout=clock.left("a connection")), clock, record)

    def send_bytes(self, data):
        self._record("→", bytes(data))
        self.socket.settimeout(self.clock.left("the client to read"))
        try:
            self.socket.sendall(data)
        except TimeoutError:
            raise Failed("the client does not read what is sent to it") from None
        except OSError as error:
            raise Ended(f"the connection is gone: {error}") from None

    def send(self, *messages):
        """A frame per message, all in one write."""
        self.send_bytes(b"".join(map(frame, messages)))

    def _fill(self, size, what):
        while len(self._buffer) < size:
            self.socket.settimeout(self.clock.left(what))
            try:
                chunk = self.socket.recv(1 << 18)
            except TimeoutError:
                self.clock.left(what)
                continue
            except OSError as error:
                raise Ended(f"the connection ended, expected {what}: {error}") from None
            if not chunk:
                raise Ended(f"the connection ended, expected {what}" +
                            (f"; inside a frame: {bytes(self._buffer[:80])!r}" if self._buffer else ""))
            self._buffer += chunk

    def receive_payload(self, what="a frame"):
        self._fill(HEADER.size, what)
        length, = HEADER.unpack_from(self._buffer)
        if not 0 < length <= MOST:
            raise Failed(f"a frame of {length} bytes: {bytes(self._buffer[:80])!r}")
        self._fill(HEADER.size + length, what)
        payload = bytes(self._buffer[HEADER.size:HEADER.size + length])
        del self._buffer[:HEADER.size + length]
        self._record("←", payload)
        return payload

    def receive(self, what="a message"):
        return parse(self.receive_payload(what))

    def readable(self, seconds=0):
        """Has anything come that was not read?"""
        return bool(self._buffer) or bool(select.select([self.socket], [], [], seconds)[0])

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
