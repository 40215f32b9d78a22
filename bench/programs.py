"""The programs that are measured: a row for each, with the processes it is made of and the client that loads it.

`{back}` in a command or in the environment is the address of the process before it, `{folder}` an empty folder,
`{connections}` how many connections a hop may take with the descriptors there are.
"""

import dataclasses
import os

BUILD = os.path.join("build", "release")
PYTHON = "/usr/bin/python3"
IDLE_CONNECTIONS = 10_000

# How a process tells that it serves: a line `ready … listen=HOST:PORT`, a connection on the listening socket that it
# inherits, or the file in which nats-server names its ports.
LINE, SOCKET, PORTS_FILE = "line", "socket", "ports file"


def built(name):
    return os.path.join(BUILD, name)


@dataclasses.dataclass(frozen=True)
class Process:
    command: tuple
    environment: dict = dataclasses.field(default_factory=dict)
    ready: str = LINE


@dataclasses.dataclass(frozen=True)
class Program:
    title: str
    processes: tuple
    # Which of the processes the client talks to.
    front: int = -1
    # None: `weft bench`, with frames; else a program with the same options and the same report.
    client: str | None = None
    # A hop has two.
    descriptors_per_connection: int = 1
    # Of CMake.
    targets: tuple = ()


def _limit(name, *arguments):
    return Process((built(f"limit_{name}"), *arguments))


def _node(*arguments, reactors=1):
    # The default limit, half of the descriptors, may be too few for the idle connections.
    return Process((built("weft"), "node", "--reactors", str(reactors), "--listen", "127.0.0.1:0", "--admin",
                    "127.0.0.1:0", "--limits-connections", str(IDLE_CONNECTIONS + 500), *arguments))


def _script(name, interpreter, *arguments):
    return Process((interpreter, os.path.join("bench", "peers", name), *arguments))


_NATS = Process(("nats-server", "--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", "{folder}"),
                {"GOMAXPROCS": "1"}, PORTS_FILE)
_HAPROXY = Process(("haproxy", "-db", "-f", os.path.join("bench", "peers", "haproxy.cfg")), {"TARGET": "{back}", "MAX_CONNECTIONS": "{connections}"}, SOCKET)
_STREAMS = _limit("stream_server")

PROGRAMS = {
    "limit": Program("limit: bare epoll loop, fixed reply", (_limit("server"),), targets=("limit_server",)),
    "weft": Program("weft", (_node("--demo"),), targets=("weft",)),

    # What users would pick instead.
    "go": Program("Go, net + encoding/json", (Process((built("peer_go"),), {"GOMAXPROCS": "1"}),),
                  targets=("peer_go",)),
    "nodejs": Program("Node.js, net + JSON", (_script("node_server.mjs", "node"),)),
    "uvloop": Program("asyncio on uvloop", (_script("asyncio_server.py", PYTHON, "--uvloop"),)),
    "asyncio": Program("asyncio", (_script("asyncio_server.py", PYTHON),)),
    "grpc": Program("gRPC C++, callback API", (Process((built("peer_grpc_server"),)),),
                    client=built("peer_grpc_client"), targets=("peer_grpc_server", "peer_grpc_client")),
    "nats": Program("NATS request/reply", (_NATS, Process((built("peer_nats_responder"), "{back}"))), front=0,
                    client=built("peer_nats_client"), targets=("peer_nats_responder", "peer_nats_client")),
    "caf": Program("CAF brokers + nlohmann_json", (Process((built("peer_caf"),)),), targets=("peer_caf",)),
    "haproxy": Program("HAProxy TCP hop before the limit", (_limit("server"), _HAPROXY),
                       descriptors_per_connection=2, targets=("limit_server",)),

    # Yardsticks and arrangements of single scenarios.
    "asio": Program("Asio, fixed reply", (_limit("asio_server"),), targets=("limit_asio_server",)),
    "limit chain": Program("limit behind a byte-copying forwarder",
                           (_limit("server"), _limit("forwarder", "--to", "{back}")),
                           targets=("limit_server", "limit_forwarder")),
    "weft chain": Program("weft node, weft node, method",
                          (_node("--demo", "--id", "back"), _node("--id", "front", "--peer", "back={back}")),
                          targets=("weft",)),
    "weft service": Program("weft node, registered service",
                            (_node(), _limit("service", "--node", "{back}")), front=0,
                            targets=("weft", "limit_service")),
    "limit streams": Program("limit: bare epoll loop that streams", (_STREAMS,), targets=("limit_stream_server",)),
    "limit streams chain": Program("the same behind a byte-copying forwarder",
                                   (_STREAMS, _limit("forwarder", "--to", "{back}")),
                                   targets=("limit_stream_server", "limit_forwarder")),
    "weft streams service": Program("weft node, registered service that streams",
                                    (_node(), _limit("service", "--node", "{back}", "--streams")), front=0,
                                    targets=("weft", "limit_service")),
    "haproxy streams": Program("HAProxy TCP hop before the limit that streams", (_STREAMS, _HAPROXY),
                               targets=("limit_stream_server",)),
    "weft 2": Program("weft, two reactors", (_node("--demo", reactors=2),), targets=("weft",)),
}

PEERS = ("go", "nodejs", "uvloop", "asyncio", "grpc", "nats", "caf", "haproxy")
# Measured only when asked for.
EXTRA_PEERS = ("asio",)
# Peers with streams of their own.
STREAM_PEERS = ("grpc", "nats")
SERVERS_OF_TARGET_S3 = ("go", "nats", "nodejs")


def is_peer(program):
    """One that may be missing, or fail without ending the run; an arrangement is named after the peer in it."""
    return program.partition(" ")[0] in (*PEERS, *EXTRA_PEERS)
