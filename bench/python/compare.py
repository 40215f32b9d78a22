#!/usr/bin/env python3
"""Calls and streamed items a second of one Python process: weft's package, grpc.aio, NATS over asyncio, in one run.

    compare.py [--rounds 3] [--seconds 2] [--uvloop] [--weft build/release/weft]

Each of them runs in turn (worker.py), the median of the rounds is printed. deploy/setup.sh bench installs what it needs.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import one_process  # noqa: E402

PYTHON = "/usr/bin/python3"
TITLES = {"weft": "weft, through a node", "nats": "NATS over asyncio, through nats-server", "grpc": "grpc.aio, direct"}

if __name__ == "__main__":
    parser = one_process.arguments(__doc__)
    parser.add_argument("--uvloop", action="store_true", help="instead of asyncio's own loop")
    told = parser.parse_args()
    worker = [PYTHON, "-B", HERE / "worker.py", *(["--uvloop"] if told.uvloop else [])]
    one_process.compare(worker, TITLES, told)
