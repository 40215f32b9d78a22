"""The images that the compose file names: pulled where a registry answers, else made from Debian's packages."""

import os
import pathlib
import shutil
import subprocess
import tempfile

PULL_TIMEOUT_S = 120
COMPILER_CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft-bare/ccache"
DEBIAN_SOURCES = pathlib.Path("/etc/apt/sources.list.d/debian.sources")

# What the slim image leaves out as well.
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "var/lib/apt/lists",
            "var/cache/apt")

# Same paths, user, entry point and volume as the published image.
PROMETHEUS_DOCKERFILE = """\
FROM debian:bookworm-slim
RUN apt-get update -qq \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends prometheus \\
 && rm -rf /var/lib/apt/lists/* /etc/prometheus/* \\
 && mkdir /prometheus && chown 65534:65534 /prometheus
USER 65534
WORKDIR /prometheus
VOLUME /prometheus
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
"""

# What the images are built on here: the bare suite's compiler cache is lent to it, since the sources were compiled there
# minutes ago. Packages come first, so that a cache that changed does not install them again.
BASE_DOCKERFILE = """\
FROM debian:bookworm-slim
COPY setup.sh /
RUN /setup.sh build && rm -rf /var/lib/apt/lists/*
COPY ccache /root/.cache/ccache
# The compiler cache knows compilations by it, too.
ENV LANG=C.UTF-8
"""


def exists(name: str, environment: dict[str, str]) -> bool:
    command = ["docker", "image", "inspect", name]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def pulled(name: str, environment: dict[str, str]) -> bool:
    command = ["docker", "pull", "--quiet", name]
    try:
        result = subprocess.run(command, env=environment, capture_output=True, timeout=PULL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def provide(name: str, make, environment: dict[str, str]) -> str:
    """Makes sure that the engine has image `name`; says where it came from."""
    if exists(name, environment):
        return "already there"
    if pulled(name, environment):
        return "pulled"
    make(name, environment)
    return "made from Debian's packages, no registry has it in reach"


def make_debian(name: str, environment: dict[str, str]) -> None:
    # Below the working directory: /tmp may be mounted nodev, and debootstrap makes device nodes.
    with tempfile.TemporaryDirectory(prefix="debootstrap-", dir=os.getcwd()) as folder:
        system = pathlib.Path(folder)
        run(["debootstrap", "--variant=minbase", "bookworm", folder], environment)
        if DEBIAN_SOURCES.exists():
            # As in the published image: security updates too, from wherever this machine gets its packages.
            shutil.copy(DEBIAN_SOURCES, system / "etc/apt/sources.list.d/")
            (system / "etc/apt/sources.list").unlink()
        for unneeded in UNNEEDED:
            for entry in (system / unneeded).iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        tar = subprocess.Popen(["tar", "-C", folder, "--numeric-owner", "-c", "."], stdout=subprocess.PIPE)
        subprocess.run(["docker", "import", "-", name], env=environment, stdin=tar.stdout, check=True,
                       stdout=subprocess.DEVNULL)
        if tar.wait() != 0:
            raise RuntimeError(f"tar of the base system failed with {tar.returncode}")


def make_prometheus(name: str, environment: dict[str, str]) -> None:
    run(["docker", "build", "--tag", name, "-"], environment, text=PROMETHEUS_DOCKERFILE)


def make_base(name: str, project: pathlib.Path, environment: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory(prefix="base-", dir=os.getcwd()) as folder:
        context = pathlib.Path(folder)
        shutil.copy(project / "deploy/setup.sh", context)
        cache = context / "ccache"
        if COMPILER_CACHE.is_dir():
            shutil.copytree(COMPILER_CACHE, cache)
        else:
            cache.mkdir()
        (context / "Dockerfile").write_text(BASE_DOCKERFILE)
        run(["docker", "build", "--tag", name, folder], environment)
        return f"{sum(1 for entry in cache.rglob('*') if entry.is_file())} files of the compiler cache lent"


def run(command: list[str], environment: dict[str, str], text: str | None = None) -> None:
    """Runs quietly; a failure shows the end of what the command said."""
    result = subprocess.run(command, env=environment, input=text, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    if result.returncode != 0:
        end = "\n".join(result.stdout.splitlines()[-40:])
        raise RuntimeError(f"{' '.join(command)} failed with {result.returncode}:\n{end}")
