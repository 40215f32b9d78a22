"""What the suite checks, one function per step; each raises AssertionError with what it saw."""

import json
import pathlib
import subprocess
import time

from mesh import NODES, CallFailed, Composition, admin, call, eventually, prometheus, query, relay

IMAGE = "weft:local"
IMAGE_BYTES_AT_MOST = 60 << 20
USER = "65532"
STOP_GRACE_S = 15
UNAVAILABLE = 14
CALLS_PER_NODE = 20
PATHS = ("ab", "ac", "ba", "bc", "ca", "cb", "abc", "cba", "abca")


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def image_is_small(composition: Composition) -> str:
    image = json.loads(composition.docker("image", "inspect", IMAGE))[0]
    size = image["Size"]
    expect(size <= IMAGE_BYTES_AT_MOST, f"the image has {size} bytes, at most {IMAGE_BYTES_AT_MOST} were expected")
    config = image["Config"]
    expect(config["User"].startswith(USER), f"the image runs as {config['User']!r}, expected {USER}")
    test = config["Healthcheck"]["Test"]
    expect(test[0] == "CMD", f"the health check needs a shell: {test}")
    shell = subprocess.run(["docker", "run", "--rm", "--entrypoint", "/bin/sh", IMAGE, "-c", "true"],
                           env=composition.environment, capture_output=True)
    expect(shell.returncode == 127, f"/bin/sh in the image ended with {shell.returncode}, expected 127: not found")
    return f"{size / (1 << 20):.1f} MiB"


def a_cpu_quota_is_respected(composition: Composition) -> str:
    container = composition.docker("run", "--detach", "--cpus", "0.5", IMAGE, "node")
    try:
        said = eventually("a node with half a core is ready", lambda: said_when_ready(composition, container))
    finally:
        composition.docker("rm", "--force", container)
    changes = [line for line in said.splitlines() if "the CPU quota is 0.5 cores" in line]
    expect(any("1 reactors" in line for line in changes), f"not one reactor for half a core:\n{said}")
    expect(any("no polling" in line for line in changes), f"it polls with half a core:\n{said}")
    return "one reactor, no polling"


def said_when_ready(composition: Composition, container: str) -> str:
    """The container's log once the node is ready, else nothing."""
    said = subprocess.run(["docker", "logs", container], env=composition.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=True).stdout
    return said if "ready node=" in said else ""


def containers_are_hardened(composition: Composition) -> None:
    for service in (*NODES, "prometheus"):
        state = composition.inspect(service)
        host = state["HostConfig"]
        expect(host["ReadonlyRootfs"], f"{service}: the root file system can be written to")
        expect(host["CapDrop"] == ["ALL"] and not host["CapAdd"], f"{service}: not all capabilities are dropped")
        expect(host["Memory"] > 0 and host["PidsLimit"] > 0, f"{service}: no memory or process limit")
        addresses = {binding["HostIp"] for bindings in host["PortBindings"].values() for binding in bindings}
        expect(addresses == {"127.0.0.1"}, f"{service}: published on {addresses}, expected 127.0.0.1 only")
        check_process(service, pathlib.Path(f"/proc/{state['State']['Pid']}"))
    nofile = composition.environment.get("NOFILE", "65536")
    for node in NODES:
        check_open_files_limit(composition.inspect(node)["State"]["Pid"], nofile)


def check_process(service: str, process: pathlib.Path) -> None:
    """What the kernel enforces, not what the engine was asked for."""
    lines = (process / "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    expect(int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0, f"{service}: has capabilities")
    expect(status["NoNewPrivs"] == "1", f"{service}: may gain privileges")
    expect(status["Uid"].split()[0] != "0", f"{service}: runs as root")


def check_open_files_limit(pid: int, nofile: str) -> None:
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()
    limit = next(line for line in limits if line.startswith("Max open files"))
    expect(limit.split()[3:5] == [nofile, nofile], f"expected {nofile} open files, soft and hard, found: {limit}")


def calls_cross_the_mesh(composition: Composition) -> None:
    for node in NODES:
        for _ in range(CALLS_PER_NODE):
            answer = call(node, "demo.whoami")
            expect(answer == {"node": node}, f"demo.whoami on {node} answers {answer}")
    for path in PATHS:
        answer = eventually(f"relay along {path}", lambda: relay(path, "demo.whoami"))
        expect(answer == {"node": path[-1]}, f"demo.whoami along {path} answers {answer}")
    payload = {"text": "größer € 𝄞", "deep": [[[[1.5, None, True]]]]}
    answer = relay("abc", "demo.echo", payload)
    expect(answer == payload, f"demo.echo along abc answers {answer}")
    # The program in the image, by the name that the composition's network gives the node.
    answer = composition.docker("exec", composition.container("a"), "weft", "call", "c:7400", "demo.whoami")
    expect(json.loads(answer) == {"node": "c"}, f"weft call inside container a answers {answer}")


def prometheus_sees_everything(composition: Composition) -> str:
    instances = {f"{node}:9464" for node in NODES}
    eventually("Prometheus scrapes all three nodes", lambda: targets_up() == instances)
    calls = 'sum by (instance) (rpc_server_call_duration_seconds_count{rpc_method="demo.whoami"})'
    made = {f"{node}:9464": CALLS_PER_NODE + sum(path[-1] == node for path in PATHS) for node in NODES}
    counted = eventually("Prometheus counts the calls", lambda: all_at_least(query(calls), made))
    groups = prometheus("rules")["groups"]
    unwell = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]
    expect(len(groups) > 0, "Prometheus has loaded no rules")
    expect(not unwell, f"Prometheus cannot evaluate these rules: {unwell}")
    return f"demo.whoami calls counted: {counted}"


def targets_up() -> set[str]:
    return {target["labels"]["instance"] for target in prometheus("targets")["activeTargets"]
            if target["labels"]["job"] == "weft" and target["health"] == "up"}


def all_at_least(counted: dict[str, float], made: dict[str, int]) -> dict[str, float] | None:
    return counted if all(counted.get(instance, 0) >= count for instance, count in made.items()) else None


def one_node_stops_and_returns(composition: Composition) -> str:
    begin = time.monotonic()
    composition.compose("stop", "b")
    stopped_after = time.monotonic() - begin
    state = composition.inspect("b")["State"]
    expect(state["ExitCode"] == 0, f"b ended with {state['ExitCode']}, expected 0 after a drain")
    expect(stopped_after < STOP_GRACE_S, f"b took {stopped_after:.1f} s to stop, the whole grace period")

    for node in ("a", "c"):
        status, body = admin(node, "/readyz?verbose")
        expect(status == 200, f"/readyz of {node} answers {status} while b is down: {body}")
        expect(call(node, "demo.whoami") == {"node": node}, f"{node} does not answer while b is down")
    expect(relay("ac", "demo.whoami") == {"node": "c"}, "a does not reach c while b is down")
    expect_unavailable("ab")
    expect_unavailable("cb")
    without_b = {"a:9464": 1, "b:9464": 0, "c:9464": 1}
    eventually("Prometheus sees b down", lambda: query('up{job="weft"}') == without_b)

    composition.compose("start", "b")
    eventually("a reaches b again", lambda: relay("ab", "demo.whoami") == {"node": "b"})
    eventually("c reaches b again", lambda: relay("cb", "demo.whoami") == {"node": "b"})
    eventually("b reaches its peers again", lambda: relay("abca", "demo.whoami") == {"node": "a"})
    eventually("Prometheus sees all three again", lambda: set(query('up{job="weft"}').values()) == {1})
    return f"b drained and stopped in {stopped_after:.1f} s"


def expect_unavailable(path: str) -> None:
    try:
        answer = relay(path, "demo.whoami")
    except CallFailed as failed:
        said = f"a call along {path} while b is down fails with {failed.error}"
        expect(failed.error.get("code") == UNAVAILABLE, f"{said}, expected code {UNAVAILABLE}")
        expect((failed.error.get("data") or {}).get("executed") == "no", f"{said}, expected executed: no")
    else:
        raise AssertionError(f"a call along {path} while b is down answers {answer}")


def nothing_is_left(composition: Composition) -> None:
    for listing in (("container", "ls", "--all"), ("network", "ls"), ("volume", "ls")):
        left = composition.docker(*listing, "--quiet", *composition.ours())
        expect(not left, f"left behind after docker-compose down: {listing[0]} {left}")
