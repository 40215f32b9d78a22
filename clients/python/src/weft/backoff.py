"""How long to wait before something is tried again."""

import random

FIRST, LONGEST = 0.05, 5.0
# A connection that was there for so long was a good one.
LASTED = 5.0


class Backoff:
    """None at first, then pauses that double. Jitter keeps a thousand clients from coming back in the same instant."""

    def __init__(self) -> None:
        self._next = 0.0

    def reset(self) -> None:
        self._next = 0.0

    def pause(self) -> float:
        pause, self._next = self._next, min(max(2 * self._next, FIRST), LONGEST)
        return pause * random.uniform(0.5, 1)
