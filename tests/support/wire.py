"""Frames and messages as bytes on a socket: what a test needs to say exactly what a peer sends and gets."""

import json
import select
import socket
import struct
import time

HEADER = struct.Struct(">i")
TIMEOUT = 60


def frame(payload):
    """The frame around a payload: bytes, text, or a value that is rendered as JSON."""
    if isinstance(payload, str):
        payload = payload.encode()
    elif not isinstance(payload, bytes):
        payload = json.dumps(payload, separators=(",", ":")).encode()
    return HEADER.pack(len(payload)) + payload


def request(id, method, params=None, **members):
    message = {"jsonrpc": "2.0", "id": id, "method": method, **members}
    if params is not None:
        message["params"] = params
    return message


def notification(method, params=None, **members):
    message = request(None, method, params, **members)
    del message["id"]
    return message


class Closed(Exception):
    """The node ended the connection where a frame was expected."""


class Wire:
    """A plain TCP connection to a node that reads and writes frames, with a time limit on every wait."""

    def __init__(self, address, timeout=TIMEOUT, receive_buffer=None):
        self.timeout = timeout
        self._buffer = bytearray()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            # Before connecting: the window is agreed on in the handshake.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, *payloads):
        """Sends one frame per payload, all in one write."""
        self.send_bytes(b"".join(map(frame, payloads)))

    def receive_bytes(self, size):
        """Exactly `size` bytes; raises Closed at the end of the stream."""
        deadline = time.monotonic() + self.timeout
        while len(self._buffer) < size:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                chunk = self.socket.recv(1 << 16)
            except TimeoutError:
                have = bytes(self._buffer)
                raise AssertionError(f"no answer within {self.timeout} s, have {have!r}") from None
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not chunk:
                raise Closed(f"end of the stream after {bytes(self._buffer)!r}")
            self._buffer += chunk
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def receive_payload(self):
        """The next frame's payload as the bytes it came as."""
        (length,) = HEADER.unpack(self.receive_bytes(HEADER.size))
        assert length > 0, f"the node sent a frame of length {length}"
        return self.receive_bytes(length)

    def receive(self):
        return json.loads(self.receive_payload())

    def exchange(self, payload):
        """Sends one payload, returns the raw payload of the next frame."""
        self.send(payload)
        return self.receive_payload()

    def call(self, method, params=None, id=1, **members):
        """One call whose answer must be the next frame."""
        return json.loads(self.exchange(request(id, method, params, **members)))

    def finish(self):
        """Ends the sending direction; answers can still be read."""
        self.socket.shutdown(socket.SHUT_WR)

    def until_closed(self):
        """Reads to the end of the connection; returns the payloads that still came.

        Left out are the heartbeats with which a node finds out whether a half-closed peer is still there."""
        payloads = []
        try:
            while True:
                payload = self.receive_payload()
                if payload != b'{"jsonrpc":"2.0","method":"heartbeat"}':
                    payloads.append(payload)
        except Closed:
            assert not self._buffer, f"the node ended inside a frame: {bytes(self._buffer)!r}"
            return payloads

    def nothing_pending(self):
        """True when no byte of a frame has arrived that was not read."""
        return not self._buffer and not select.select([self.socket], [], [], 0)[0]

    def reset(self):
        """Ends the connection with a TCP reset, as a killed process with unread data does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
