"""A TLS connection to a node that reads and writes frames, and says when bytes leave and what they are."""

import socket
import ssl
import time

from wire import Closed, TIMEOUT, Wire


class TlsWire(Wire):
    """As `Wire`, over TLS: `context` is Python's. The session is kept apart from the socket, so that a test can
    send its records in pieces, end one direction only, or cut it."""

    def __init__(self, address, context, name="localhost", timeout=TIMEOUT, shake=True):
        super().__init__(address, timeout)
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.ended = False
        if shake:
            try:
                self.shake_hands()
            except BaseException:
                self.close()
                raise

    def shake_hands(self):
        self._work(self.session.do_handshake)

    def pump(self):
        """Sends what the session has to send."""
        if data := self.outgoing.read():
            self.socket.sendall(data)

    def _work(self, step):
        """Repeats a step until it needs no more bytes."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.pump()
                self.socket.settimeout(max(0.001, deadline - time.monotonic()))
                try:
                    data = self.socket.recv(1 << 16)
                except ConnectionError as error:
                    raise Closed(str(error)) from None
                if data:
                    self.incoming.write(data)
                else:
                    self.ended = True
                    self.incoming.write_eof()
            finally:
                self.pump()

    def send_bytes(self, data):
        view = memoryview(data)
        while view:
            view = view[self._work(lambda: self.session.write(view)):]

    def records(self, data):
        """What would be sent for `data`, without sending it."""
        view = memoryview(data)
        while view:
            view = view[self.session.write(view):]
        return self.outgoing.read()

    def receive_bytes(self, size):
        while len(self._buffer) < size:
            try:
                chunk = self._work(lambda: self.session.read(1 << 16))
            except ssl.SSLZeroReturnError:
                raise Closed("close_notify") from None
            except ssl.SSLEOFError:
                raise Closed("cut off") from None
            if not chunk:
                raise Closed("close_notify" if not self.ended else "end of the stream")
            self._buffer += chunk
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def finish(self):
        """Says that nothing more is sent; answers can still be read."""
        try:
            self.session.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.pump()
        self.socket.shutdown(socket.SHUT_WR)
