"""Walks a client, or a node, through the edges."""

import concurrent.futures
import dataclasses
import queue
import threading
import time
import traceback

from .client import CallerProgram, Client
from .registry import CALLS, MINIMAL, NODE, SERVES
from .wire import Clock, Ended, Failed, Skipped

FRESH_FOR = 1
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclasses.dataclass
class Outcome:
    edge: object
    state: str
    why: str = ""
    seconds: float = 0
    frames: list = dataclasses.field(default_factory=list)


class Recorder:
    """The frames of the edge at hand."""

    MOST = 200

    def __init__(self):
        self.frames = []

    def __call__(self, way, data):
        if len(self.frames) < self.MOST:
            self.frames.append((way, data[:2000]))


def applies(edge, command, level):
    """Can this adapter be walked through that edge? A caller only calls."""
    if edge.role == NODE or level == MINIMAL != edge.level:
        return False
    if command.is_caller:
        return edge.role == CALLS and edge.level == MINIMAL
    return edge.role == SERVES or level != MINIMAL


def walk(command, edges, limit, lanes):
    """Yields an Outcome per edge, in their order; so many clients are at work at a time."""
    work = queue.SimpleQueue()
    outcomes = [concurrent.futures.Future() for _ in edges]
    for each in zip(edges, outcomes):
        work.put(each)
    threads = [threading.Thread(target=Lane(command, limit).run, args=(work,), daemon=True)
               for _ in range(min(lanes, len(edges)))]
    for each in threads:
        each.start()
    for outcome in outcomes:
        yield outcome.result()
    for each in threads:
        each.join()


class Lane:
    """A client that takes edge after edge. One that fails an edge is started again."""

    def __init__(self, command, limit):
        self._command, self._limit = command, limit
        self._record = Recorder()
        self._kind = CallerProgram if command.is_caller else Client
        self._client = self._spare = None
        self._spare_since = 0

    def run(self, work):
        try:
            while True:
                edge, outcome = work.get_nowait()
                try:
                    outcome.set_result(self._walk(edge, not work.empty()))
                except Exception as error:
                    outcome.set_exception(error)
        except queue.Empty:
            pass
        finally:
            for client in self._client, self._spare:
                if client:
                    client.close()

    def _walk(self, edge, more):
        if edge.needs_other and not self._command.has_other:
            return Outcome(edge, SKIPPED, "the adapter has no {other}")
        if self._client and edge.fresh:
            self._client.close()
            self._client = None
        if self._client is None:
            self._take_spare()
            # Another one starts while this one is at work.
            self._spare = self._start() if more else None
        client = self._client
        self._record.frames = []
        start = time.monotonic()
        state, why = attempt(edge, client, self._limit, self._after)
        if why and isinstance(client, Client) and client.adapter.has_died():
            why += f"\nthe adapter has ended with {client.adapter.process.returncode}{client.adapter.tail()}"
        if state != PASSED or edge.ends:
            client.close()
            self._client = None
        seconds = round(time.monotonic() - start, 3)
        return Outcome(edge, state, why, seconds, self._record.frames if state == FAILED else [])

    def _take_spare(self):
        """A client that has waited for long for the answer to its `connect` would give up."""
        if self._spare and time.monotonic() > self._spare_since + FRESH_FOR:
            self._spare.close()
            self._spare = None
        self._client, self._spare = self._spare or self._start(), None

    def _start(self):
        self._spare_since = time.monotonic()
        return self._kind(self._command, self._record)

    @staticmethod
    def _after(edge, client):
        if not edge.ends and isinstance(client, Client):
            client.link.quiet()


def attempt(edge, subject, limit, after=lambda *_: None):
    """What came of an edge, and why it failed or was skipped."""
    try:
        subject.begin(Clock(limit + edge.seconds))
        edge.run(subject)
        after(edge, subject)
    except Skipped as why:
        return SKIPPED, str(why)
    except (Failed, Ended) as why:
        return FAILED, str(why)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        # A message without what every edge takes for granted.
        place = traceback.extract_tb(error.__traceback__)[-1]
        return FAILED, f"unexpected: {type(error).__name__}: {error} (at {place.name}, line {place.lineno})"
    return PASSED, ""
