"""What goes wrong with calls, as a test says."""

import dataclasses
import fnmatch

from ..errors import Error


@dataclasses.dataclass
class Fault:
    """Of the next `times` calls of methods that match, or of all that come."""

    pattern: str
    times: int | None
    error: Error | None = None
    delay: float = 0
    dropped: bool = False


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self, pattern: str | None) -> None:
        self._faults = [each for each in self._faults if pattern is not None and each.pattern != pattern]

    def next(self, method: str) -> Fault | None:
        """The first that matches; delays of the others are added to its own."""
        found: Fault | None = None
        for each in list(self._faults):
            if not fnmatch.fnmatchcase(method, each.pattern):
                continue
            if found is not None and (each.error or each.dropped) and (found.error or found.dropped):
                continue
            if each.times is not None:
                each.times -= 1
                if each.times == 0:
                    self._faults.remove(each)
            found = each if found is None else dataclasses.replace(
                found, error=found.error or each.error, delay=found.delay + each.delay,
                dropped=found.dropped or each.dropped)
        return found
