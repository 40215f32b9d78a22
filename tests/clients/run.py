"""Runs one client of this folder against a real node.

    run.py NAME [WEFT]      NAME: vscode_jsonrpc json_rpc_2_0 aiorpcx_client blocking_client asyncio_client
                                  examples_test
                            WEFT: the program, else what WEFT_BIN names

The client gets HOST:PORT. Fails when the client fails or takes too long, or when the node dies, reports a
sanitizer finding or does not end with 0 on SIGTERM. The npm packages are in the folder WEFT_CLIENTS_MODULES.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from node_process import NodeProcess  # noqa: E402

CLIENT_TIMEOUT = 120
INTERPRETERS = {".py": sys.executable, ".mjs": "node"}


def find_client(name):
    for suffix, interpreter in INTERPRETERS.items():
        program = HERE / (name + suffix)
        if program.exists():
            return [interpreter, str(program)]
    sys.exit(f"no client {name} in {HERE}; there are {', '.join(sorted(p.stem for p in HERE.glob('*.*')))}")


def main(name, binary=None):
    client = find_client(name)
    with NodeProcess(binary=binary) as node:
        try:
            status = subprocess.run([*client, node.listen], timeout=CLIENT_TIMEOUT, check=False).returncode
        except subprocess.TimeoutExpired:
            status = f"a timeout of {CLIENT_TIMEOUT} s"
        if status != 0:
            print(f"{name} ended with {status}; the node's log:\n{node.log()}", file=sys.stderr)
    return 0 if status == 0 else 1


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
