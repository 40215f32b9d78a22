"""The PEP 517 backend of this package. The standard library is enough for it, so that pip installs without a network.

Reads pyproject.toml and packs src/: a wheel, an editable one, or a source distribution.
"""

import base64
import hashlib
import io
import pathlib
import tarfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = f"{PROJECT['name']}-{PROJECT['version']}"
TAG = "py3-none-any"
# Archives of the same sources are the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def _metadata():
    lines = ["Metadata-Version: 2.1", f"Name: {PROJECT['name']}", f"Version: {PROJECT['version']}",
             f"Summary: {PROJECT['description']}", f"License: {PROJECT['license']['text']}",
             f"Requires-Python: {PROJECT['requires-python']}",
             *(f"Classifier: {each}" for each in PROJECT["classifiers"]),
             "Description-Content-Type: text/markdown", "", (ROOT / PROJECT["readme"]).read_text(encoding="utf-8")]
    return "\n".join(lines)


def _entry_points():
    groups = {"console_scripts": PROJECT["scripts"], **PROJECT["entry-points"]}
    return "\n".join(line for group, entries in groups.items()
                     for line in (f"[{group}]", *(f"{name} = {target}" for name, target in entries.items()), ""))


def _about():
    """The files of the .dist-info folder, but for RECORD."""
    wheel = f"Wheel-Version: 1.0\nGenerator: weft\nRoot-Is-Purelib: true\nTag: {TAG}\n"
    return {"METADATA": _metadata(), "WHEEL": wheel, "entry_points.txt": _entry_points()}


def _sources():
    for path in sorted((ROOT / "src").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT / "src").as_posix(), path.read_bytes()


def _write_wheel(folder, files):
    name = f"{NAME}-{TAG}.whl"
    info = f"{NAME}.dist-info"
    files = {**files, **{f"{info}/{file}": text.encode() for file, text in _about().items()}}
    record = ""
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(content)}\n"
            _add(archive, path, content)
        _add(archive, f"{info}/RECORD", (record + f"{info}/RECORD,,\n").encode())
    return name


def _add(archive, path, content):
    entry = zipfile.ZipInfo(path, EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = pathlib.Path(metadata_directory) / f"{NAME}.dist-info"
    info.mkdir()
    for file, text in _about().items():
        (info / file).write_text(text, encoding="utf-8")
    return info.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _write_wheel(wheel_directory, dict(_sources()))


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write_wheel(wheel_directory, {f"{PROJECT['name']}.pth": f"{ROOT / 'src'}\n".encode()})


def build_sdist(sdist_directory, config_settings=None):
    files = {"PKG-INFO": _metadata().encode()}
    for part in ("pyproject.toml", "README.md", "packaging/backend.py"):
        files[part] = (ROOT / part).read_bytes()
    files |= {f"src/{path}": content for path, content in _sources()}
    name = f"{NAME}.tar.gz"
    with tarfile.open(pathlib.Path(sdist_directory) / name, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{NAME}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return name
