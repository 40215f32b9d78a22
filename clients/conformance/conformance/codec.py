"""JSON as the suite's own client reads and writes it: strictly, and with ids as they are written."""

import json

PARSE, INVALID, UNKNOWN, PARAMS, INTERNAL, TAKEN_BACK = -32700, -32600, -32601, -32602, -32603, -32800
LATE, EXHAUSTED, LOST = 4, 8, 14


class RpcError(Exception):
    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.object = {"code": code, "message": message, **({} if data is None else {"data": data})}
        self.code = code


class _Int(int):
    pass


class _Float(float):
    pass


def _number(kind):
    def read(text):
        number = kind(text)
        number.text = text
        return number
    return read


def _no_constant(text):
    raise ValueError(f"{text} is no JSON")


def decode(payload):
    """Raises ValueError for what is no JSON, however deep."""
    text = payload.decode()
    try:
        message = json.loads(text, parse_int=_number(_Int), parse_float=_number(_Float), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if "\\u" in text:
        # A lone surrogate has no UTF-8.
        json.dumps(message, ensure_ascii=False).encode()
    return message


def written(id):
    """The id's text, by which it is known: 1, 1.0 and "1" are three."""
    return getattr(id, "text", None) or json.dumps(id, ensure_ascii=False)


def encode(message):
    id = message.get("id", 0)
    if not hasattr(id, "text"):
        return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    rest = json.dumps({name: value for name, value in message.items() if name != "id"}, ensure_ascii=False, separators=(",", ":"))
    return f'{rest[:-1]},"id":{id.text}}}'


def error_of(message):
    """The error of a response, None for a result; raises ValueError for what is neither."""
    error, result = message.get("error"), message.get("result")
    if error is None and "result" in message:
        return None
    if not isinstance(error, dict) or result is not None or not isinstance(error.get("code"), int) \
            or not isinstance(error.get("message"), str):
        raise ValueError("neither a result nor an error with a code and a message")
    return RpcError(error["code"], error["message"], error.get("data"))
