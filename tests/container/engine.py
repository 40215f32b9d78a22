"""A Docker engine for the suite: the one that runs already, or one of our own that leaves nothing behind."""

import contextlib
import ctypes
import os
import pathlib
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
RESTORE_TIMEOUT_S = 30
STORAGE_DRIVERS = ("overlay2", "vfs")
IPTABLES_TABLES = ("filter", "nat")
# What docker-compose.yml asks for when it is free to.
NOFILE = 65536


class Unavailable(Exception):
    """No engine can run here; the text says why."""


def ensure_packages(root: pathlib.Path) -> None:
    """Debian's docker.io, docker-compose and debootstrap, installed where missing."""
    wanted = ("/usr/bin/docker", "/usr/bin/docker-compose", "/usr/sbin/dockerd", "/usr/sbin/debootstrap")
    if all(os.access(path, os.X_OK) for path in wanted):
        return
    result = subprocess.run([root / "deploy/setup.sh", "container"], capture_output=True, text=True)
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(f"deploy/setup.sh container failed: {last}")


def responds(environment: dict[str, str]) -> bool:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, env=environment, capture_output=True, timeout=30).returncode == 0


@contextlib.contextmanager
def engine(work: pathlib.Path):
    """Yields the environment in which `docker` and `docker-compose` reach an engine, and whether it is ours.
    `work` keeps our engine's images, so that a second run does not build them again."""
    environment = dict(os.environ)
    # Debian's client before any other: it is the one that matches Debian's engine and docker-compose.
    environment["PATH"] = "/usr/bin:/usr/sbin:/bin:/sbin:" + environment.get("PATH", "")
    # docker-compose then builds as `docker build` does, and finds the layers that it made.
    environment["COMPOSE_DOCKER_CLI_BUILD"] = "1"
    environment["DOCKER_BUILDKIT"] = "0"
    if responds(environment):
        yield environment, False
        return
    if os.geteuid() != 0:
        raise Unavailable("no Docker engine runs, and starting one needs root")
    with tempfile.TemporaryDirectory(prefix="weft-engine-") as scratch, network_restored():
        process = None
        try:
            process = start(pathlib.Path(scratch), work, environment)
            environment["DOCKER_HOST"] = f"unix://{scratch}/docker.sock"
            # Not the user's configuration: its contexts and credential helpers belong to another engine.
            environment["DOCKER_CONFIG"] = f"{scratch}/config"
            # Our engine may be one that cannot raise its own limit.
            environment["NOFILE"] = str(min(NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            yield environment, True
        finally:
            if process is not None:
                stop(process)
            discard_leftovers(pathlib.Path(scratch))


def start(scratch: pathlib.Path, work: pathlib.Path, environment: dict[str, str]) -> subprocess.Popen:
    failures = []
    for driver in STORAGE_DRIVERS:
        log_path = work / f"dockerd-{driver}.log"
        with open(log_path, "wb") as log:
            ready, process = launch(scratch, work, driver, environment, log)
        if ready:
            return process
        stop(process)
        lines = log_path.read_text(errors="replace").strip().splitlines() or ["no message"]
        failures.append(f"dockerd with storage driver {driver}: {lines[-1]}")
    raise Unavailable("; ".join(failures))


def launch(scratch, work, driver, environment, log) -> tuple[bool, subprocess.Popen]:
    """Starts dockerd and waits until it says itself that it serves (systemd's notification protocol)."""
    notify = scratch / "notify.sock"
    notify.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(notify))
        command = ["/usr/sbin/dockerd", f"--host=unix://{scratch}/docker.sock", f"--exec-root={scratch}/exec",
                   f"--pidfile={scratch}/docker.pid", f"--data-root={work}/data", f"--storage-driver={driver}"]
        process = subprocess.Popen(command, env=environment | {"NOTIFY_SOCKET": str(notify)},
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                   preexec_fn=end_with_parent)
        return wait_ready(listener, process), process


def end_with_parent() -> None:
    """Should the suite be killed, its engine ends too."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def wait_ready(listener: socket.socket, process: subprocess.Popen) -> bool:
    listener.settimeout(0.5)
    for _ in range(START_TIMEOUT_S * 2):
        try:
            if b"READY=1" in listener.recv(4096):
                return True
        except TimeoutError:
            if process.poll() is not None:
                return False
    return False


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def discard_leftovers(scratch: pathlib.Path) -> None:
    """Mounts that an engine killed in the middle leaves would keep the scratch directory from being removed."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{scratch}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False)
    shutil.rmtree(scratch / "exec", ignore_errors=True)


@contextlib.contextmanager
def network_restored():
    """dockerd leaves its bridge, its iptables chains, a FORWARD policy and ip_forward behind when it stops."""
    rules = {table: iptables_rules(table) for table in IPTABLES_TABLES}
    links = set(os.listdir("/sys/class/net"))
    forwarding = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
    forwarded = forwarding.read_text()
    try:
        yield
    finally:
        for link in sorted(set(os.listdir("/sys/class/net")) - links):
            if link.startswith(("docker", "br-", "veth")):
                subprocess.run(["ip", "link", "delete", link], check=False)
        for table, before in rules.items():
            restore_table(table, before)
        forwarding.write_text(forwarded)


def iptables_rules(table: str) -> list[str]:
    result = subprocess.run(["iptables", "-t", table, "-S"], capture_output=True, text=True)
    if result.returncode != 0:
        raise Unavailable(f"iptables -t {table} -S failed: {result.stderr.strip()}")
    return result.stdout.splitlines()


def restore_table(table: str, before: list[str]) -> None:
    """Takes back what was added since: rules first, then the chains they referred to, then the policies. Again until
    it holds, since the kernel may refuse a change while another one is being committed. Rules that another engine
    left, and ours removed, are no concern."""
    deadline = time.monotonic() + RESTORE_TIMEOUT_S
    while added := [rule for rule in iptables_rules(table) if rule not in before]:
        undo = [rule.replace("-A ", "-D ", 1) for rule in added if rule.startswith("-A ")]
        undo += [rule.replace("-N ", "-X ", 1) for rule in added if rule.startswith("-N ")]
        undo += [rule for rule in before if rule.startswith("-P ")]
        failures = [failure for rule in undo if (failure := undone(table, rule))]
        if failures and time.monotonic() > deadline:
            raise AssertionError(f"the engine's rules are left in iptables -t {table}: {'; '.join(failures)}")


def undone(table: str, rule: str) -> str:
    """Runs one change; what went wrong, or nothing."""
    command = ["iptables", "--wait", "5", "-t", table, *shlex.split(rule)]
    result = subprocess.run(command, capture_output=True, text=True)
    return "" if result.returncode == 0 else f"{rule}: exit {result.returncode}, {result.stderr.strip()}"
