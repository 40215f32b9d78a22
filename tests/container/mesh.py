"""The composition under test: docker-compose, the nodes' published ports, and Prometheus' HTTP API."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from images import run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from wire import Closed, Wire  # noqa: E402

NODES = ("a", "b", "c")
DATA_PORT = {"a": 7401, "b": 7402, "c": 7403}
ADMIN_PORT = {"a": 9461, "b": 9462, "c": 9463}
PROMETHEUS = "http://127.0.0.1:9090"
# Of its own: a user's composition has the folder's name.
PROJECT = "weft-suite"
READY_TIMEOUT_S = 120
POLL_S = 0.2


class CallFailed(Exception):
    """An error answer; `error` is its JSON-RPC error object."""

    def __init__(self, error: dict) -> None:
        super().__init__(json.dumps(error))
        self.error = error


def eventually(what: str, holds, timeout: float = READY_TIMEOUT_S):
    """Asks until the answer is true: neither a reconnected peer nor a scrape announces itself to us. Connection
    errors on the way are part of starting and stopping."""
    deadline = time.monotonic() + timeout
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = holds()
            if last:
                return last
        except (OSError, Closed, CallFailed) as error:
            last = error
        time.sleep(POLL_S)
    raise AssertionError(f"not within {timeout:.0f} s: {what}; last answer: {last!r}")


def call(node: str, method: str, params=None):
    """Calls a node through its port published on this host."""
    with Wire(("127.0.0.1", DATA_PORT[node])) as connection:
        answer = connection.call(method, params)
    if "error" in answer:
        raise CallFailed(answer["error"])
    return answer["result"]


def relay(path: str, method: str, params=None):
    """Calls `method` on the last node of `path` ("abc": through a and b on c)."""
    for hop in reversed(path[1:]):
        inner = {"method": method} if params is None else {"method": method, "params": params}
        method, params = "demo.relay", {"to": hop} | inner
    return call(path[0], method, params)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def admin(node: str, path: str) -> tuple[int, str]:
    return get(f"http://127.0.0.1:{ADMIN_PORT[node]}{path}")


def prometheus(path: str, **parameters: str):
    status, body = get(f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
    if status != 200:
        raise AssertionError(f"Prometheus answers {path} {parameters} with {status}: {body}")
    return json.loads(body)["data"]


def query(expression: str) -> dict[str, float]:
    """An instant query whose result is told apart by `instance`."""
    return {row["metric"].get("instance", ""): float(row["value"][1])
            for row in prometheus("query", query=expression)["result"]}


class Composition:
    def __init__(self, root: pathlib.Path, environment: dict[str, str], file: str = "docker-compose.yml",
                 project: str = PROJECT) -> None:
        self.root = root
        self.environment = environment
        self.project = project
        self.command = ["docker-compose", "--project-name", project, "--file", str(root / file)]

    def compose(self, *arguments: str) -> None:
        run([*self.command, *arguments], self.environment)

    def docker(self, *arguments: str) -> str:
        result = subprocess.run(["docker", *arguments], env=self.environment, capture_output=True, text=True)
        if result.returncode != 0:
            said = result.stderr.strip()
            raise AssertionError(f"docker {' '.join(arguments)} failed with {result.returncode}: {said}")
        return result.stdout.strip()

    def refuse_to_disturb(self, ours: bool) -> None:
        """An earlier run that was killed may have left its containers; other users of the ports are not ours."""
        self.down()
        for port in (*DATA_PORT.values(), *ADMIN_PORT.values(), 9090):
            try:
                Wire(("127.0.0.1", port), timeout=1).close()
            except OSError:
                continue
            whose = "another program" if ours else "another composition or program"
            raise AssertionError(f"{whose} listens on 127.0.0.1:{port}, which docker-compose.yml publishes; stop it")

    def image_of(self, service: str) -> str:
        config = subprocess.run([*self.command, "config"], env=self.environment, capture_output=True, text=True,
                                check=True)
        # The standard library has no YAML parser: the service's block is what is indented below its name.
        block = config.stdout.split(f"\n  {service}:\n", 1)[1]
        return next(line.split(": ", 1)[1] for line in block.splitlines() if line.startswith("    image: "))

    def up(self) -> None:
        self.compose("up", "--detach")
        for node in NODES:
            eventually(f"container {node} is healthy", lambda: self.health(node) == "healthy")

    def health(self, service: str) -> str:
        return self.inspect(service)["State"]["Health"]["Status"]

    def inspect(self, service: str) -> dict:
        return json.loads(self.docker("inspect", self.container(service)))[0]

    def container(self, service: str) -> str:
        found = self.docker("ps", "--all", "--quiet", *self.ours(f"com.docker.compose.service={service}"))
        if len(found.split()) != 1:
            raise AssertionError(f"expected one container of service {service}, found: {found or 'none'}")
        return found

    def ours(self, *labels: str) -> list[str]:
        every = (f"com.docker.compose.project={self.project}", *labels)
        return [part for label in every for part in ("--filter", f"label={label}")]

    def logs(self) -> str:
        result = subprocess.run([*self.command, "logs", "--no-color", "--tail", "40"], env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return result.stdout

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans")
