#!/usr/bin/env python3
"""Calls and streamed items a second of one Node.js process: weft's package, @grpc/grpc-js, nats, in one run.

    compare.py [--rounds 3] [--seconds 2] [--weft build/release/weft] [--alone]

Each of them runs in turn (worker.mjs), the median of the rounds is printed. npm installs the others into
build/bench/node, at the versions of package-lock.json; --alone measures weft's package only, and needs neither them nor
nats-server.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import one_process  # noqa: E402

MODULES = HERE.parents[1] / "build/bench/node"
TITLES = {"weft": "weft, through a node", "nats": "nats, through nats-server", "grpc": "@grpc/grpc-js, direct"}


def install():
    MODULES.mkdir(parents=True, exist_ok=True)
    for name in "package.json", "package-lock.json", ".npmrc":
        shutil.copyfile(HERE / name, MODULES / name)
    try:
        subprocess.run(["npm", "ci", "--prefer-offline", "--loglevel=error"], cwd=MODULES, check=True,
                       stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        sys.exit("npm cannot install what weft is compared with; --alone measures weft without it")


if __name__ == "__main__":
    parser = one_process.arguments(__doc__)
    parser.add_argument("--alone", action="store_true", help="weft's package only")
    told = parser.parse_args()
    if not told.alone:
        install()
    titles = {"weft": TITLES["weft"]} if told.alone else TITLES
    one_process.compare(["node", HERE / "worker.mjs", "--modules", MODULES], titles, told)
