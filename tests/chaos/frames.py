"""Length-prefixed JSON messages on an asyncio transport, for the programs that make and take the load."""

import asyncio
import json
import socket
import struct

HEADER = struct.Struct(">i")


def encode(message):
    payload = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(payload)) + payload


def request(id, method, params, **members):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params, **members}


class Frames(asyncio.Protocol):
    """Hands complete messages to `on_messages(link, list)`, and its end to `on_end(link)`."""

    def __init__(self, on_messages, on_end):
        self._on_messages = on_messages
        self._on_end = on_end
        self._buffer = bytearray()
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self._buffer += data
        at = 0
        messages = []
        while len(self._buffer) - at >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer, at)
            end = at + HEADER.size + length
            if len(self._buffer) < end:
                break
            messages.append(json.loads(self._buffer[at + HEADER.size:end]))
            at = end
        del self._buffer[:at]
        if messages:
            self._on_messages(self, messages)

    def eof_received(self):
        return False

    def connection_lost(self, error):
        self._on_end(self)

    def send(self, *messages):
        # Towards a connection that is lost: `on_end` comes, and tells what was not answered.
        if not self.transport.is_closing():
            self.transport.write(b"".join(map(encode, messages)))


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)
