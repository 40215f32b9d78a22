"""The two ends of a stream, as the suite's own client keeps them: what has come, and what may be sent."""

import asyncio
import collections
import json
import math

from .codec import EXHAUSTED, INTERNAL, INVALID, RpcError, error_of


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Window:
    """What one side of a stream may send."""

    def __init__(self, credit=0, bytes=None):
        self.credit, self.bytes, self.seq = credit, math.inf if bytes is None else bytes, 0

    def grant(self, credit=0, bytes=None):
        if not _is_count(credit) or not (bytes is None or _is_count(bytes)):
            raise RpcError(INVALID, "credit and bytes are numbers of 0 or more")
        self.credit += credit
        if bytes is not None:
            self.bytes = bytes + (0 if self.bytes == math.inf else self.bytes)

    @property
    def open(self):
        return self.credit > 0 and self.bytes > 0

    def next(self, value):
        self.credit -= 1
        self.bytes -= len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        self.seq += 1
        return {"seq": self.seq - 1, "value": value}


class Bell:
    def __init__(self):
        self._event = asyncio.Event()

    def ring(self):
        self._event.set()

    async def until(self, ready):
        while not ready():
            self._event.clear()
            await self._event.wait()


class Served(Bell):
    """A stream of ours."""

    def __init__(self, stream, faults):
        super().__init__()
        if not isinstance(stream, dict) or not _is_count(stream.get("credit")):
            raise RpcError(INVALID, '"stream" is {"credit": n, "bytes"?: m, "after"?: cursor}')
        self.window, self.after = Window(), stream.get("after")
        self.window.grant(stream["credit"], stream.get("bytes"))
        self.sent, self.thrown, self.input_ended = collections.deque(), collections.deque(), False
        self.accepted, self.seen, self.failure, self._faults = 0, 0, None, faults

    def hear(self, what, params):
        try:
            if what == "credit":
                self.window.grant(params.get("credit", 0), params.get("bytes"))
            elif what == "send":
                if params.get("seq") != self.seen:
                    raise RpcError(INTERNAL, f"expected the value {self.seen}")
                if self.accepted <= 0:
                    raise RpcError(EXHAUSTED, "more values than were granted")
                self.accepted, self.seen = self.accepted - 1, self.seen + 1
                self.sent.append(params.get("value"))
            elif what == "throw":
                self.thrown.append(error_of({"error": params.get("error")}))
            elif what == "end":
                self.input_ended = True
        except RpcError as error:
            self.failure = error
        except ValueError as error:
            self.failure = RpcError(INVALID, str(error))
        self.ring()

    @property
    def open(self):
        if "ignores_credit" in self._faults:
            return True
        if "ignores_bytes" in self._faults:
            return self.window.credit > 0
        return self.window.open


class Read(Bell):
    """A stream that we read."""

    def __init__(self, faults):
        super().__init__()
        self.items, self.window, self.seq, self.failure, self._faults = collections.deque(), Window(), 0, None, faults
        self._granted = False

    @property
    def takes_nothing(self):
        """An item came, and nothing has been granted."""
        return self.seq > 0 and not self._granted and not self._faults & {"waits_for_no_credit", "sends_without_credit"}

    def hear(self, what, params):
        try:
            if what == "accept":
                self._granted = True
                self.window.grant(params.get("credit", 0), params.get("bytes"))
            elif params.get("seq") != self.seq and "takes_gaps" not in self._faults:
                raise RpcError(INTERNAL, f"expected the item {self.seq}")
            else:
                self.seq += 1
                self.items.append(params.get("value"))
        except RpcError as error:
            self.failure = self.failure or error
        self.ring()
