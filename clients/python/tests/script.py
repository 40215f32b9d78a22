"""A node that does to one client what a test says; for what a real node never does, or not at a known time."""

import asyncio
import json

from weft.wire import HEADER, frame


class Script:
    """Listens; `connection` is the first client's, with which `read` and `send` talk."""

    async def __aenter__(self):
        self._accepted = asyncio.Queue()
        self._server = await asyncio.start_server(lambda *streams: self._accepted.put_nowait(streams), "127.0.0.1", 0)
        self.address = "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
        self._writers = []
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def accept(self, heartbeat_ms=60_000, **limits):
        """The next client, introduced."""
        self.reader, self.writer = await self._accepted.get()
        self._writers.append(self.writer)
        self.introduction = await self.read()
        assert self.introduction["method"] == "connect"
        self.send(id=self.introduction["id"], result={"node": "script", "connection": "0", "heartbeat_ms": heartbeat_ms,
                                                      "limits": {"frame_bytes": 1 << 20, "in_flight": 1024, **limits}})
        return self

    async def turn_away(self, why=None, about_the_connection=False):
        """The next client gets no connection: an error as the answer to `connect` or of no request, or none."""
        self.reader, self.writer = await self._accepted.get()
        introduction = await self.read()
        if why is not None:
            self.send(id=None if about_the_connection else introduction["id"], error={"code": 8, "message": why})
        await self.hang_up()

    async def hang_up(self):
        self.writer.close()
        await self.writer.wait_closed()

    async def read(self):
        length, = HEADER.unpack(await self.reader.readexactly(4))
        return json.loads(await self.reader.readexactly(length))

    def send(self, **message):
        self.send_text(json.dumps({"jsonrpc": "2.0", **message}))

    def send_text(self, text):
        self.writer.write(frame(text.encode("utf-8", "surrogatepass")))

    async def ask(self, **message):
        self.send(**message)
        return await self.read()

    async def ended(self):
        return await self.reader.read() == b""
