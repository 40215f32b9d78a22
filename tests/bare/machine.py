"""Bare Debian 12 systems in folders: debootstrap makes one, kept between runs, and each test gets a fresh copy.

Everything runs in namespaces of its own (mounts, processes): what a run starts or mounts ends with it, also when it is
killed. The network is the machine's, so that apt finds Debian's packages wherever this machine does.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft-bare"
RENEWED_AFTER_S = 7 * 24 * 3600
DEBIAN_SOURCES = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
APT_SETTINGS = ("Acquire::http::Proxy", "Acquire::https::Proxy")


def base_system() -> pathlib.Path:
    """An archive of the smallest Debian 12 with git."""
    archive = CACHE / "bookworm.tar"
    if archive.exists() and time.time() - archive.stat().st_mtime < RENEWED_AFTER_S:
        return archive
    CACHE.mkdir(parents=True, exist_ok=True)
    # Beside the archive: /tmp may be mounted nodev, and debootstrap makes device nodes.
    with tempfile.TemporaryDirectory(prefix="debootstrap-", dir=CACHE) as folder:
        run(["debootstrap", "--variant=minbase", "--include=git,ca-certificates", "bookworm", folder])
        if DEBIAN_SOURCES.exists():
            # Security updates too, from wherever this machine gets its packages.
            shutil.copy(DEBIAN_SOURCES, f"{folder}/etc/apt/sources.list.d/")
            pathlib.Path(folder, "etc/apt/sources.list").unlink()
        fresh = archive.with_suffix(".new")
        run(["tar", "-C", folder, "--numeric-owner", "-cf", fresh, "."])
        fresh.rename(archive)
    return archive


def run(command: list, timeout: float = 600) -> str:
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    if result.returncode != 0:
        end = "\n".join(result.stdout.splitlines()[-40:])
        raise RuntimeError(f"{' '.join(map(str, command))} failed with {result.returncode}:\n{end}")
    return result.stdout


class Machine:
    """A fresh copy with the commit under test at /srv/weft, which belongs to `user`."""

    def __init__(self, name: str, work: pathlib.Path, project: pathlib.Path, user: str = "root", sudo: bool = True):
        self.root = work / name
        self.project = project
        self.user = user
        self.home = "/root" if user == "root" else f"/home/{user}"
        self.remove()
        self.root.mkdir(parents=True)
        run(["tar", "-C", self.root, "-xf", base_system()])
        # The archive's own folder was a temporary one.
        self.root.chmod(0o755)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        shutil.copy("/etc/hosts", self.root / "etc/hosts")
        proxy = [line for line in run(["apt-config", "dump"]).splitlines() if line.startswith(APT_SETTINGS)]
        (self.root / "etc/apt/apt.conf.d/90machine").write_text("".join(f"{line}\n" for line in proxy))
        if user != "root":
            self.as_root(f"useradd --create-home --shell /bin/bash {user}")
            if sudo:
                self.as_root("apt-get update -qq && apt-get install -qq -y --no-install-recommends sudo"
                             f" && echo '{user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{user}")
        # At one path in all of them: precompiled headers hold it, and the compiler cache goes by their content.
        self.as_root(f"git clone --quiet /project /srv/weft && chown -R {user}:{user} /srv/weft")

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def as_root(self, script: str) -> str:
        code, output = self._run(script, "root", "/root", {}, True, 600)
        if code != 0:
            raise RuntimeError(f"{script} failed with {code}:\n{output[-3000:]}")
        return output

    def attempt(self, script: str, environment: dict[str, str] | None = None, network: bool = True,
                timeout: float = 1200) -> tuple[int, str]:
        """Runs bash in the user's home; the exit code and all that it said."""
        return self._run(script, self.user, self.home, environment or {}, network, timeout)

    def _run(self, script, user, home, environment, network, timeout) -> tuple[int, str]:
        folders = [(self.project, "project"), (CACHE / "ccache", "ccache"), (CACHE / "archives", "var/cache/apt/archives")]
        mounts = ["mount --make-rprivate /", f"mount -t proc proc {self.root}/proc",
                  f"mount --rbind /dev {self.root}/dev", f"mount -t tmpfs tmpfs {self.root}/tmp"]
        for source, target in folders:
            source.mkdir(parents=True, exist_ok=True)
            if target == "ccache":
                # Root's and the user's; CCACHE_UMASK does the same for what is in it.
                source.chmod(0o777)
            (self.root / target).mkdir(parents=True, exist_ok=True)
            mounts.append(f"mount --bind {source} {self.root}/{target}")
        (CACHE / "archives/partial").mkdir(exist_ok=True)
        settings = {"HOME": home, "USER": user, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "CCACHE_DIR": "/ccache", "CCACHE_UMASK": "000", "LANG": "C.UTF-8",
                    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
                    **environment}
        inner = " ".join(f"{name}='{value}'" for name, value in settings.items())
        entered = self.root / "tmp-script"
        entered.write_text(f"cd {home}\n{script}\n")
        os.chmod(entered, 0o644)
        if user == "root":
            command = f"exec chroot {self.root} env -i {inner} bash /tmp-script"
        else:
            command = f"exec chroot --userspec={user}:{user} {self.root} env -i {inner} bash /tmp-script"
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"] + ([] if network else ["--net"])
        result = subprocess.run([*namespaces, "bash", "-ec", "\n".join([*mounts, command])], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=timeout)
        return result.returncode, result.stdout
