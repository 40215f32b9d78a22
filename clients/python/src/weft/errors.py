"""What a call may fail with."""

from typing import Any

from . import codes


# Nothing was executed where one of these is the answer.
NEVER_RUN = (codes.PARSE_ERROR, codes.INVALID_REQUEST, codes.METHOD_NOT_FOUND, codes.INVALID_PARAMS)


class Error(Exception):
    """An error answer, or a call that got no answer (codes 4 and 14, as the node itself would give them).

    A method raises one to answer with it; other exceptions are answered with -32603, and what they say is logged.
    `executed` and `retry_after` (seconds) are read from the `data` of the mesh's errors, or written into it when
    they are given."""

    def __init__(self, code: int, message: str, data: Any = None, *,
                 executed: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(code, message, data)
        if executed is not None or retry_after is not None:
            data = dict(data) if isinstance(data, dict) else {}
            if executed is not None:
                data["executed"] = executed
            if retry_after is not None:
                data["retry_after_ms"] = retry_after * 1000
        self.code, self.message, self.data = code, message, data

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"

    def _member(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    @property
    def executed(self) -> str | None:
        """Of an error of the mesh: "no" says that the method certainly did not run, else "unknown"."""
        found = self._member("executed")
        if isinstance(found, str):
            return found
        return "no" if self.code in NEVER_RUN else None

    @property
    def retry_after(self) -> float | None:
        """Seconds after which it may help to try again."""
        found = self._member("retry_after_ms")
        return found / 1000 if isinstance(found, (int, float)) else None

    @property
    def safe_to_retry(self) -> bool:
        """True when the method certainly did not run."""
        return self.executed == "no"

    def to_json(self) -> dict[str, Any]:
        """The error object of a JSON-RPC answer."""
        data = {} if self.data is None else {"data": self.data}
        return {"code": self.code, "message": self.message, **data}

    @classmethod
    def from_json(cls, error: Any) -> "Error":
        """Of an error object as it came; one that is none says so."""
        match error:
            case {"code": int(code), "message": str(message)}:
                return cls(code, message, error.get("data"))
        return cls(codes.UNAVAILABLE, f"an error came that is none: {error!r:.100}", executed="unknown")

    @classmethod
    def of(cls, error: BaseException) -> "Error":
        """What an exception is on the wire."""
        return error if isinstance(error, cls) else cls(codes.INTERNAL_ERROR, f"{type(error).__name__}: {error}")


def unavailable(message: str, executed: str = "unknown") -> Error:
    return Error(codes.UNAVAILABLE, message, {"executed": executed})


def late(message: str, executed: str = "unknown") -> Error:
    return Error(codes.DEADLINE_EXCEEDED, message, {"executed": executed})
