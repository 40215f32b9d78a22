"""python -m weft."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

import weft
import weft.sync

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
    (["serve", "users"], "'users' is no MODULE:SERVICE, such as users:service"),
    (["serve", "no_such_module:service"], "No module named 'no_such_module'"),
    (["serve", "here:nothing"], "here has no weft.Service called nothing; it has service"),
    (["serve", "here:service", "x"], "'x' is no address of a node"),
])
def test_wrong_usage_is_said_and_has_a_status_of_its_own(arguments, said, tmp_path):
    (tmp_path / "here.py").write_text("import weft\nservice = weft.Service('here')\nservice.method('here.x')(print)\n")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 64 and done.stdout == "" and said in done.stderr, done.stderr


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
