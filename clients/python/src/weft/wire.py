"""Bytes to frames and back: a signed 32-bit big-endian length, then that many bytes. No I/O."""

import struct

HEADER = struct.Struct(">i")
HEADER_BYTES = HEADER.size
MAX_FRAME_BYTES = 16 << 20
# The first bytes of what a TLS listener says to a client that does not speak it: an alert, or a handshake.
TLS_RECORDS = (0x1503, 0x1603)
SPEAKS_TLS = "it speaks TLS; write tls://HOST:PORT"
SPEAKS = {b"HTTP": "it speaks HTTP; is this the admin port of a node?", b"SSH-": "it speaks SSH; is the port right?"}

_read_length = HEADER.unpack_from
# What stands before a payload of so many bytes.
header = HEADER.pack


def frame(payload: bytes) -> bytes:
    return header(len(payload)) + payload


def foreign(length: int) -> str | None:
    """What is there instead of a node, by the four bytes that would be the length of a frame."""
    return SPEAKS_TLS if length >> 16 in TLS_RECORDS else SPEAKS.get(header(length))


class FrameReader:
    """Cuts what is read into payloads. One that is not whole is kept as the pieces it came in, and joined once."""

    def __init__(self, limit: int = MAX_FRAME_BYTES) -> None:
        self.limit = limit
        # The length of a frame that nothing can be read behind.
        self.broken: int | None = None
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 0

    @property
    def inside_frame(self) -> bool:
        return bool(self._pieces)

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are whole now. After `broken` is set, nothing more is to be fed."""
        if self._pieces:
            self._pieces.append(data)
            self._have += len(data)
            if self._have < self._need:
                return []
            data = b"".join(self._pieces)
            self._pieces = []
        payloads: list[bytes] = []
        at, size, limit, need = 0, len(data), self.limit, HEADER_BYTES
        while (begin := at + HEADER_BYTES) <= size:
            length, = _read_length(data, at)
            if not 0 < length <= limit:
                self.broken = length
                return payloads
            if (end := begin + length) > size:
                need = HEADER_BYTES + length
                break
            payloads.append(data[begin:end])
            at = end
        if at < size:
            self._pieces, self._have, self._need = [data[at:]], size - at, need
        return payloads
