"""The token of a program, from a file that others cannot read."""

import os
import stat

MOST_BYTES = 1 << 16
FEWEST, MOST = 16, 256


def read_token(path: str) -> str:
    """As `weft call --token-file` does. Raises ValueError, which names the file and what would be right."""
    try:
        # A FIFO that nobody writes must not be waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if wrong := _wrong_kind(os.fstat(file.fileno()), path):
                raise ValueError(f"token file '{path}' cannot be used: {wrong}")
            os.set_blocking(file.fileno(), True)
            token = file.read(MOST_BYTES).decode("latin-1").strip(" \t\r\n")
    except OSError as error:
        raise ValueError(f"token file '{path}' cannot be used: {error.strerror}") from None
    if wrong := _wrong_token(token):
        raise ValueError(f"token file '{path}' holds no token: {wrong}; make one with: openssl rand -hex 32")
    return token


def _wrong_kind(status: os.stat_result, path: str) -> str:
    if stat.S_ISFIFO(status.st_mode) and not path.startswith(("/dev/", "/proc/")):
        return "it is a FIFO; write a regular file and move it to this name"
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == os.geteuid() and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"its mode {mode:04o} lets others at the token in it; run: chmod 600 {path}"
    return ""


def _wrong_token(token: str) -> str:
    if not FEWEST <= len(token) <= MOST:
        return f"a token has {FEWEST} to {MOST} characters, not {len(token)}"
    return "" if all("!" <= each <= "~" for each in token) else "a token is made of printable ASCII without spaces"
