"""python -m weft."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from test_client import SECRET, tokens

import weft
import weft.sync
from weft.testing import RealNode
from weft.token_file import read_token

TIMEOUT = 30


def environment(**more):
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more}


def run(*arguments, cwd=None, **more):
    return subprocess.run([sys.executable, "-B", "-m", "weft", *arguments], capture_output=True, text=True, cwd=cwd,
                          timeout=TIMEOUT, env=environment(**more), check=False)


@pytest.mark.parametrize("method, params, printed", [
    ("demo.sum", '{"values": [1, 2]}', "3\n"), ("demo.echo", '["é"]', '["é"]\n'), ("foo", "[]", '"ok"\n')])
def test_call_prints_the_result(weft_node, method, params, printed):
    done = run("call", weft_node.address, method, params)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")


def test_call_prints_the_items_of_a_stream(weft_node):
    done = run("call", weft_node.address, "demo.count", '{"to": 2}', "--stream")
    assert (done.returncode, done.stdout) == (0, "0\n1\n2\n")


def test_call_tells_errors_apart_by_its_status(weft_node):
    failed = run("call", weft_node.address, "demo.fail", '{"code": 5, "message": "as asked"}')
    assert (failed.returncode, failed.stdout) == (1, "") and '{"code":5,"message":"as asked"}' in failed.stderr
    assert run("call", "127.0.0.1:1", "foo").returncode == 2
    late = run("call", weft_node.address, "demo.sleep", "[10000]", "--timeout", "0.1")
    assert late.returncode == 1


@pytest.mark.parametrize("arguments, said", [
    ([], "the following arguments are required: call|serve"), (["call"], "required: NODE, METHOD"),
    (["call", "x", "foo"], "'x' is no address of a node; it is HOST:PORT"),
    (["call", "a:1", "foo", "{"], "PARAMS are no JSON"),
    (["call", "a:1", "foo", "7"], "PARAMS are a JSON array or object, not 7"),
    (["call", "a:1", "foo", "[]", "--timeot", "1"], "unrecognized arguments: --timeot"),
    (["call", "a:1", "foo", "--token", "secret"], "call: --token: unknown; write the token into a file"),
    (["serve", "here:service", "--token=secret"], "give --token-file FILE"),
    (["call", "a:1", "foo", "--token-file", "none"], "token file 'none' cannot be used: No such file or directory"),
    (["call", "a:1", "foo", "--token-file", "."], "token file '.' cannot be used: Is a directory"),
    (["serve", "here:service", "--token-file", "here.py"], "lets others at the token in it; run: chmod 600 here.py"),
    (["serve", "users"], "'users' is no MODULE:SERVICE, such as users:service"),
    (["serve", "no_such_module:service"], "No module named 'no_such_module'"),
    (["serve", "here:nothing"], "here has no weft.Service called nothing; it has service"),
    (["serve", "here:service", "x"], "'x' is no address of a node"),
])
def test_wrong_usage_is_said_and_has_a_status_of_its_own(arguments, said, tmp_path):
    (tmp_path / "here.py").touch(0o644)
    (tmp_path / "here.py").write_text("import weft\nservice = weft.Service('here')\nservice.method('here.x')(print)\n")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 64 and done.stdout == "" and said in done.stderr, done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("written, said", [
    ("short", "holds no token: a token has 16 to 256 characters, not 5; make one with: openssl rand -hex 32"),
    ("0123456789 abcdef", "a token is made of printable ASCII without spaces")])
def test_a_token_file_without_a_token(written, said, tmp_path):
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(written)
    with pytest.raises(ValueError) as failed:
        read_token(str(file))
    assert said in str(failed.value)


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "token", 0o600)
    with pytest.raises(ValueError, match="it is a FIFO"):
        read_token(str(tmp_path / "token"))
    read, write = os.pipe()
    os.write(write, SECRET.encode())
    os.close(write)
    assert read_token(f"/dev/fd/{read}") == SECRET
    os.close(read)


def test_a_token_comes_from_a_file(tmp_path):
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f"{SECRET}\n")
    with RealNode("--auth-tokens-file", tokens(tmp_path)) as node:
        done = run("call", node.address, "foo", "--token-file", str(file))
        assert (done.returncode, done.stdout, done.stderr) == (0, '"ok"\n', "")


def test_serve_runs_a_service_until_sigterm(weft_node, tmp_path):
    (tmp_path / "greet.py").write_text(
        "import weft\n\nservice = weft.Service('greet')\n\n\n@service.method\ndef hello(name: str) -> str:\n"
        "    return f'hello {name}'\n")
    command = [sys.executable, "-B", "-m", "weft", "serve", "greet:service", weft_node.address]
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True,
                                                       env=environment()))
        stack.callback(process.kill)
        assert process.stderr.readline().startswith("serving greet.hello at node ")
        with weft.sync.connect(weft_node.address) as node:
            assert node.call("greet.hello", name="you") == "hello you"
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
