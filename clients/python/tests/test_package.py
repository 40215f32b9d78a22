"""The package as such: what is in it, and what mypy and flake8 say of it."""

import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "packaging"))

import backend  # noqa: E402

TIMEOUT = 180


@pytest.fixture
def wheel(tmp_path):
    return zipfile.ZipFile(tmp_path / backend.build_wheel(str(tmp_path)))


def test_the_wheel_has_every_module_and_says_that_it_is_typed(wheel):
    names = set(wheel.namelist())
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert modules | {"weft/py.typed"} <= names
    assert not [name for name in names if "__pycache__" in name or "tests" in name]
    record = wheel.read("weft-0.1.0.dist-info/RECORD").decode()
    assert {line.split(",")[0] for line in record.splitlines()} == names
    assert "[pytest11]\nweft = weft.pytest_plugin" in wheel.read("weft-0.1.0.dist-info/entry_points.txt").decode()
    assert "Requires-Dist" not in wheel.read("weft-0.1.0.dist-info/METADATA").decode()


def test_the_same_sources_make_the_same_wheel(tmp_path):
    wheels = []
    for folder in "ab":
        (tmp_path / folder).mkdir()
        wheels.append((tmp_path / folder / backend.build_wheel(str(tmp_path / folder))).read_bytes())
    assert wheels[0] == wheels[1]


def test_a_source_distribution_makes_the_same_wheel(tmp_path, wheel):
    with tarfile.open(tmp_path / backend.build_sdist(str(tmp_path))) as archive:
        archive.extractall(tmp_path)
    subprocess.run([sys.executable, "-B", "-c", "import backend; backend.build_wheel('.')"], check=True, cwd=tmp_path,
                   env={"PYTHONPATH": str(tmp_path / "weft-0.1.0/packaging")}, timeout=TIMEOUT)
    with zipfile.ZipFile(tmp_path / "weft-0.1.0-py3-none-any.whl") as again:
        assert {name: again.read(name) for name in again.namelist()} == {name: wheel.read(name)
                                                                         for name in wheel.namelist()}


def test_an_editable_one_leads_to_the_sources(tmp_path):
    with zipfile.ZipFile(tmp_path / backend.build_editable(str(tmp_path))) as wheel:
        assert wheel.read("weft.pth").decode() == f"{ROOT / 'src'}\n"


USE = """
import asyncio
from collections.abc import AsyncIterator
import weft
import weft.sync

service = weft.Service("users")

@service.method(idempotent=True)
async def get(id: int) -> str:
    return str(id)

@service.method
async def watch() -> AsyncIterator[weft.Item[int]]:
    yield weft.Item(1, cursor="a")

async def main() -> None:
    async with weft.connect("127.0.0.1:7400", name="x", services=[service]) as node:
        async for each in node.stream("users.watch", weft.options(returns=int), window=3):
            print(each)
    node = await weft.connect("127.0.0.1:7400")
    reveal_type(get)
    reveal_type(await get(1))
    await weft.serve("127.0.0.1:7400", service)
"""
WRONG = ["weft.connect(7400)", "weft.options(timeot=1)", "service.method(idempotent='yes')", "weft.Error('x')",
         "weft.serve('127.0.0.1:7400', 'users')"]


def mypy(*arguments, **more):
    return subprocess.run(["mypy", "--strict", "--cache-dir", "/dev/null", *arguments], capture_output=True, text=True,
                          timeout=TIMEOUT, check=False, **more)


def test_mypy_finds_nothing_in_it_and_what_is_wrong_in_its_use(tmp_path):
    (tmp_path / "right.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(USE + "".join(f"{line}\n" for line in WRONG))
    done = mypy(str(ROOT / "src/weft"), str(tmp_path / "right.py"), str(tmp_path / "wrong.py"), cwd=tmp_path,
                env={"MYPYPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"})
    lines = done.stdout.splitlines()
    errors = {line.partition(": error: ")[0] for line in lines if ": error: " in line}
    first = USE.count("\n") + 1
    assert errors == {f"wrong.py:{first + n}" for n in range(len(WRONG))}, done.stdout + done.stderr
    assert any('Revealed type is "builtins.str"' in line for line in lines), done.stdout


def test_flake8_finds_nothing():
    done = subprocess.run(["flake8", "src", "packaging", "tests"], cwd=ROOT, capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
