"""Options with wrong values are refused where they are written, with what would be right."""

import math

import pytest

import weft

SECONDS = "it must be a number of seconds"
SERVICE = weft.Service("right")
SERVICE.method("right.x")(print)


def connect(**about):
    weft.connect("127.0.0.1:1", **about)


async def serve(**about):
    await weft.serve("127.0.0.1:1", SERVICE, **about)


@pytest.mark.parametrize("name, value, said", [
    ("name", 7, "it must be a text, or None"), ("instance", b"a", "a text, or None"), ("server_hostname", 1, "a text"),
    ("timeout", "2", f"'2'; {SECONDS} above 0, or None for no limit"), ("timeout", 0, f"0; {SECONDS} above 0"),
    ("timeout", math.nan, f"nan; {SECONDS}"), ("timeout", True, f"True; {SECONDS}"),
    ("heartbeat", -1, f"-1; {SECONDS}"), ("heartbeat", None, f"None; {SECONDS} above 0"),
    ("on_connect", "print", "'print'; it must be a function, or None"),
    ("tls", {"ca": "ca.pem"}, "tls is {'ca': 'ca.pem'}; it must be True, a weft.Tls, "
     "as in tls=weft.Tls(ca=\"ca.pem\")"),
    ("tls", "ca.pem", "it must be True, a weft.Tls")])
async def test_of_connect_and_serve(name, value, said):
    for whose, use in ("weft.connect", connect), ("weft.serve", serve):
        with pytest.raises((TypeError, ValueError)) as failed:
            await use(**{name: value})
        assert str(failed.value).startswith(f"{whose}: {name} is ") and said in str(failed.value)


async def test_of_one_of_them():
    for name in "services", "callbacks":
        for value in SERVICE, "users", [None]:
            with pytest.raises((TypeError, ValueError), match=f"{name} is .*; it must be a list of weft.Service"):
                connect(**{name: value})
    for name, value, said in ("drain_timeout", -1, f"{SECONDS} from 0"), ("signals", 1, "True or False"):
        with pytest.raises((TypeError, ValueError), match=f"weft.serve: {name} is {value}; .*{said}"):
            await serve(**{name: value})
    with pytest.raises(ValueError, match="weft.serve: services is .'users',.; it must be a list of weft.Service"):
        await weft.serve("127.0.0.1:1", "users")
    for addresses in (7400,), (["127.0.0.1:1"],):
        with pytest.raises(TypeError, match="is no address of a node; it is a text HOST:PORT"):
            weft.connect(*addresses)


def test_a_token_is_not_shown():
    with pytest.raises(TypeError, match="token is of type bytes; it must be a text, or None") as failed:
        connect(token=b"secret")
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("name, value, said", [
    ("timeout", "2", f"'2'; {SECONDS}, or None for no limit"), ("timeout", math.inf, f"inf; {SECONDS}, or None"),
    ("idempotent", "yes", "'yes'; it must be True or False"), ("attempts", 0, "0; it must be an integer from 1"),
    ("attempts", 2.5, "2.5; it must be an integer from 1"), ("window", True, "True; it must be an integer from 1"),
    ("window", "8", "an integer from 1"), ("resume", None, "None; it must be True or False"),
    ("returns", "User", "'User'; it must be a type, such as User or list[User]")])
def test_of_a_call(name, value, said):
    with pytest.raises((TypeError, ValueError)) as failed:
        weft.options(**{name: value})
    assert str(failed.value).startswith(f"weft.options: {name} is ") and said in str(failed.value)


def test_what_a_call_may_have():
    for about in {"timeout": None}, {"timeout": -0.5}, {"returns": int | None}, {"returns": None}, {"route_key": [1]}:
        assert weft.options(**about).given == about


async def test_of_a_block():
    with pytest.raises(TypeError, match=f"weft.timeout: seconds is '2'; {SECONDS}, or None"):
        async with weft.timeout("2"):
            pass


async def test_of_a_stream(weft_node):
    async with weft.connect(weft_node.address) as node:
        for window in 0, "8", True:
            with pytest.raises((TypeError, ValueError), match=r"window is .*1; .* goes beside weft.options\(…\)"):
                node.stream("demo.count", window=window)


@pytest.mark.parametrize("name, value, said", [
    ("max_in_flight", "5", "'5'; it must be an integer from 1, or None for any number"),
    ("max_in_flight", 0, "0; it must be an integer from 1"), ("max_in_flight", True, "True; it must be an integer"),
    ("idempotent", 1, "1; it must be True or False"), ("resumable", "no", "True or False"),
    ("thread", None, "None; it must be True or False")])
def test_of_a_method(name, value, said):
    with pytest.raises((TypeError, ValueError)) as failed:
        SERVICE.method("right.y", **{name: value})
    assert str(failed.value).startswith(f"service.method: {name} is ") and said in str(failed.value)


def test_names():
    with pytest.raises(TypeError, match="no option 'idempotnt'; there are name, .*; did you mean 'idempotent'"):
        SERVICE.method(idempotnt=True)
    with pytest.raises(TypeError, match="service.method: name is 5; it must be a text"):
        SERVICE.method(5)
    for name in "", 5, None:
        with pytest.raises((TypeError, ValueError), match="weft.Service: name is .*; it must be a name, such as "):
            weft.Service(name)


@pytest.mark.parametrize("name, value, said", [
    ("ca", ["ca.pem"], "['ca.pem']; it must be the path of a file, or None"), ("server_name", 1, "a text, or None"),
    ("minimum_version", "1.1", "'1.1'; it must be \"1.2\" or \"1.3\""), ("minimum_version", 1.2, "1.2; it must be")])
def test_of_tls(name, value, said):
    with pytest.raises((TypeError, ValueError)) as failed:
        weft.Tls(**{name: value})
    assert str(failed.value).startswith(f"weft.Tls: {name} is ") and said in str(failed.value)
