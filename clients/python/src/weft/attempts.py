"""The attempts at one call: whether there is another one, and what is said of all of them in the end."""

from . import codes
from .backoff import FIRST
from .errors import Error

# Services come back a moment after the node that they were at: pauses of so many seconds, which double.
COMING_BACK = 0.5


class Attempts:
    """Those that have failed so far."""

    def __init__(self) -> None:
        self.count = 0
        self.may_have_run = False
        self._missing = 0

    def pause(self, error: Error, most: int, may_run_twice: bool, left: float | None) -> float | None:
        """One more has failed: how long to wait before the next one; None when there must be none."""
        self.count += 1
        self.may_have_run = self.may_have_run or error.executed == "unknown"
        if self.count >= most:
            return None
        if error.code == codes.METHOD_NOT_FOUND:
            # It was there when the call was taken before.
            if not (self.may_have_run and may_run_twice):
                return None
            self._missing += 1
            pause = COMING_BACK * (1 << self._missing - 1)
            return pause if left is None else min(pause, left / 2)
        if error.code not in (codes.UNAVAILABLE, codes.RESOURCE_EXHAUSTED):
            return None
        if not (error.executed == "no" or may_run_twice and error.executed == "unknown"):
            return None
        pause = error.retry_after or FIRST * self.count
        return pause if left is None or pause < left else None

    def told(self, error: Error) -> Error:
        """The last error, as it is to be told: "no" only if no attempt can have run."""
        if not self.may_have_run or error.executed != "no":
            return error
        return Error(error.code, error.message, error.data, executed="unknown")
