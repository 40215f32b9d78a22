"""The programs beside the package, where there is no node: one sentence, and no trace."""

import contextlib
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TIMEOUT = 60
MINIMAL = [ROOT / "examples/python/minimal.py"]
SUITE = ["-m", "conformance", "node"]
NOBODY = "127.0.0.1:1"


def run(program, address, *arguments):
    done = subprocess.run([sys.executable, "-B", *program, address, *arguments], capture_output=True, text=True,
                          timeout=TIMEOUT, cwd=ROOT / "clients/conformance", check=False)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def saying(words):
    """The address of what says this to whoever comes, and closes once it was answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def greet():
            connection, _ = server.accept()
            with connection:
                connection.sendall(words)
                connection.recv(1 << 16)

        thread = threading.Thread(target=greet)
        thread.start()
        yield "127.0.0.1:%d" % server.getsockname()[1]
        thread.join()


def test_minimal(weft_node):
    no_frame = "no frame of JSON came; is this the port of a node, without TLS?\n"
    assert run(MINIMAL, weft_node.address, "foo") == (0, '"ok"\n', "")
    assert run(MINIMAL, weft_node.admin, "foo") == (1, "", f"{weft_node.admin}: {no_frame}")
    status, _, said = run(MINIMAL, NOBODY, "foo")
    assert (status, said.count("\n")) == (1, 1) and said.startswith(f"{NOBODY}: ")
    for words in b"", b"\x00\x00\x00\x02{]", b"\xff\xff\xff\xfe", b"\x15\x03\x01\x00\x02\x02\x0a":
        with saying(words) as address:
            assert run(MINIMAL, address, "foo") == (1, "", f"{address}: {no_frame}"), words


def test_conformance(weft_node):
    assert run(SUITE, weft_node.address, "--only", "^node.heartbeat$")[0] == 0
    http = "it speaks HTTP; is this the admin port of a node?\n"
    assert run(SUITE, weft_node.admin) == (2, "", f"{weft_node.admin}: {http}")
    status, output, said = run(SUITE, NOBODY)
    assert (status, output) == (2, "") and said.startswith(f"{NOBODY}: the node takes no connection: ")
    with saying(b"\x15\x03\x01\x00\x02\x02\x0a") as address:
        assert "it speaks TLS, which this suite does not; give a port without it\n" in run(SUITE, address)[2]
    status, output, said = run(SUITE, NOBODY, "--json", "--only", "^cancel.overtakes$")
    assert (status, said) == (1, "") and "the node takes no connection" in output


@pytest.mark.parametrize("program, arguments", [(MINIMAL, ["foo", "{"]), (SUITE, ["--only", "("])])
def test_wrong_usage(program, arguments):
    status, output, said = run(program, NOBODY, *arguments)
    assert (status, output) == (64, "") and "Traceback" not in said
