"""The least that NATS needs over asyncio: subscriptions, publishing, requests with one inbox for all answers."""

import asyncio
import itertools
import json


class Nats(asyncio.Protocol):
    """As little as it can do: one write a turn of the loop, messages cut from one buffer."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self._buffer = b""
        self._out = []
        self._sids = itertools.count(1)
        self._handlers = {}
        self._numbers = itertools.count(1)
        self._waiting = {}
        self._pongs = []
        self._inbox = f"_INBOX.{id(self)}."

    @classmethod
    async def connect(cls, address):
        host, _, port = address.rpartition(":")
        _, client = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        client._write(b'CONNECT {"verbose":false,"pedantic":false,"echo":true}\r\n')
        client.subscribe(client._inbox + "*", client._on_answer)
        return client

    def connection_made(self, transport):
        self._transport = transport

    def connection_lost(self, error):
        if not self.loop.is_closed() and error is not None:
            raise error

    def _write(self, data):
        if not self._out:
            self.loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self):
        self._transport.write(b"".join(self._out))
        self._out.clear()

    async def flush(self):
        """Waits until the server has seen what was written."""
        self._pongs.append(self.loop.create_future())
        self._write(b"PING\r\n")
        await self._pongs[-1]

    def subscribe(self, subject, handler):
        sid = next(self._sids)
        self._handlers[str(sid).encode()] = handler
        self._write(b"SUB %s %d\r\n" % (subject.encode(), sid))

    def publish(self, subject, payload, reply=b""):
        self._write(b"PUB %s %s%d\r\n%s\r\n" % (subject, reply and reply + b" ", len(payload), payload))

    def data_received(self, data):
        data = self._buffer + data if self._buffer else data
        at = 0
        while (end := data.find(b"\r\n", at)) >= 0:
            line = data[at:end]
            if line.startswith(b"MSG "):
                parts = line.split(b" ")
                size = int(parts[-1])
                if len(data) < end + 4 + size:
                    break
                payload = data[end + 2:end + 2 + size]
                at = end + 4 + size
                self._handlers[parts[2]](parts[1], parts[3] if len(parts) == 5 else b"", payload)
            else:
                if line == b"PING":
                    self._write(b"PONG\r\n")
                elif line == b"PONG":
                    self._pongs.pop(0).set_result(None)
                at = end + 2
        self._buffer = data[at:]

    async def request(self, subject, params):
        number = str(next(self._numbers))
        answer = self._waiting[number] = self.loop.create_future()
        self.publish(subject, json.dumps(params).encode(), (self._inbox + number).encode())
        return await answer

    def _on_answer(self, subject, _, payload):
        number = subject.decode().rpartition(".")[2]
        waiting = self._waiting.get(number)
        if isinstance(waiting, asyncio.Queue):
            waiting.put_nowait(payload)
        elif waiting is not None:
            del self._waiting[number]
            waiting.set_result(json.loads(payload))

    async def stream(self, subject, params):
        """Items until an empty message. Nothing holds the sender back: NATS has no flow control."""
        number = str(next(self._numbers))
        items = self._waiting[number] = asyncio.Queue()
        self.publish(subject, json.dumps(params).encode(), (self._inbox + number).encode())
        while payload := await items.get():
            yield json.loads(payload)
        del self._waiting[number]

    def serve(self, subject, function):
        """An async function, or an async generator."""
        tasks = set()

        async def run(reply, payload):
            params = json.loads(payload)
            result = function(**params)
            if not hasattr(result, "__anext__"):
                return self.publish(reply, json.dumps(await result).encode())
            count = 0
            async for item in result:
                self.publish(reply, json.dumps(item).encode())
                count += 1
                if count % 64 == 0:
                    await asyncio.sleep(0)
            self.publish(reply, b"")

        def on_message(_, reply, payload):
            task = self.loop.create_task(run(reply, payload))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        self.subscribe(subject, on_message)
