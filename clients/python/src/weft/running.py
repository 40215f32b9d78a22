"""Runs a method of ours for a call, and answers it."""

import asyncio
import contextlib
import logging
from typing import Any

from . import codes, trace
from .context import Call, _current
from .errors import Error
from .json_text import dumps
from .service import Method
from .sources import drive, gather

log = logging.getLogger("weft")

_no_span = contextlib.nullcontext()


def run(call: Call, method: Method, params: Any) -> None:
    """A plain function runs at once, anything else in a task that sees the call as `weft.current()`."""
    try:
        args, names = method.parameters.arrange(params)
    except Error as error:
        return call.peer.answer_error(call, error)
    if method.plain:
        return _run_now(call, method, args, names)
    _begin(call, method, args, names)


def _begin(call: Call, method: Method, args: list[Any], names: dict[str, Any]) -> None:
    call.peer.beginnings.add(call, _finish(call, method, args, names))
    if call.deadline is not None:
        call.peer.watch_call(call)


def _run_now(call: Call, method: Method, args: list[Any], names: dict[str, Any]) -> None:
    token = _current.set(call)
    try:
        with trace.span(call) if trace.INSTALLED else _no_span:
            result = method.function(*args, **names)
        if hasattr(result, "__await__"):
            # Of a callable that is a coroutine function after all.
            call.work = result
            return _begin(call, method, args, names)
        text = dumps(result)
        if call.peer.methods.checked:
            method.check(method.result, text, "the result")
    except Exception as error:
        call.peer.answer_error(call, _error_of(call, error))
    else:
        call.peer.answer(call, text)
    finally:
        _current.reset(token)


def _work(call: Call, method: Method, args: list[Any], names: dict[str, Any]) -> Any:
    """To be awaited."""
    if call.work is not None:
        return call.work
    if method.thread:
        return asyncio.to_thread(method.function, *args, **names)
    made = method.function(*args, **names)
    if method.streams:
        return gather(method, made) if call.source is None else drive(call, method, made)
    return made


async def _finish(call: Call, method: Method, args: list[Any], names: dict[str, Any]) -> None:
    try:
        if trace.INSTALLED:
            with trace.span(call):
                result = await _work(call, method, args, names)
        else:
            result = await _work(call, method, args, names)
        text = dumps(result)
        if call.peer.methods.checked and not method.streams:
            method.check(method.result, text, "the result")
        if call.source is not None and call.taken_back is not None:
            # Its generator has run its cleanup, and said nothing of it.
            raise call.taken_back
    except asyncio.CancelledError:
        call.peer.answer_error(call, call.taken_back or Error(codes.REQUEST_CANCELLED, "cancelled by the service"))
    except Exception as error:
        call.peer.answer_error(call, call.taken_back or _error_of(call, error))
    else:
        call.peer.answer(call, text)


def _error_of(call: Call, error: Exception) -> Error:
    if isinstance(error, Error):
        return error
    # What it says is for whoever runs the service, and no business of its callers.
    log.error("%s failed", call.method, exc_info=error)
    return Error(codes.INTERNAL_ERROR, f"internal error in the handler of '{call.method}'")
