"""What is measured: cases with their load and the programs in them, and what counts as disturbed."""

import dataclasses

from programs import IDLE_CONNECTIONS, PEERS, STREAM_PEERS

# Share of one core, and the grain of the kernel's clock on top, that other processes may take without a measurement
# being repeated.
DISTURBANCE_SHARE = 0.05
DISTURBANCE_GRAIN_S = 0.02
CLIENT_SATURATED_PERCENT = 95


def string_params():
    text = "The quick brown fox jumps over the lazy dog. " * 92
    return f'["{text[:4096]}"]'


def nested_params():
    items, size = [], 0
    while size < 4096:
        n = len(items)
        items.append(f'{{"sku":"A-{n}","count":{n},"price":{{"amount":{n}.25,"currency":"EUR"}},'
                     f'"tags":["new",true,null],"stock":{{"site":{{"row":{n},"bin":-7}}}}}}')
        size += len(items[-1]) + 1
    return '{"items":[' + ",".join(items) + "]}"


@dataclasses.dataclass(frozen=True)
class Load:
    connections: int
    in_flight: int
    batch: int = 1
    # Requests per second of an open loop; 0 is a closed loop.
    rate: int = 0
    params: str = ""
    # Items of each stream that may be on their way; 0 makes requests instead of reading streams.
    credit: int = 0
    method: str = ""


@dataclasses.dataclass(frozen=True)
class Figure:
    """What a case is judged by."""
    key: str
    text: str
    higher_is_better: bool


RATE = Figure("requests_per_second", "requests/s", True)
ITEMS = Figure("items_per_second", "items/s", True)
LATENCY = Figure("latency_p50_us", "p50", False)
MEMORY = Figure("bytes_per_connection", "bytes per connection", False)

# Where the client runs: on the server's core, on one of its own, or on one that the server uses too.
SAME, OWN, SHARED = "same", "own", "shared"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    text: str
    figure: Figure
    # Row: (program, load). A memory case has no loads.
    rows: dict
    client: dict = dataclasses.field(default_factory=dict)
    introduced: bool = False
    # Tails need more samples.
    longer: int = 1

    @property
    def scenario(self):
        return self.name.partition(".")[0]

    def client_of(self, row):
        return self.client.get(row, self.client.get("*", OWN))


def _all(load, peers):
    return {row: (row, load) for row in ("limit", "weft", *peers)}


def _hops(program, load):
    return {"limit": ("limit chain", load), "weft": (program, load), "haproxy": ("haproxy", load)}


# Streams of some length, so that first items are seen and the ends are paid for.
STREAMS = Load(64, 1, params='{"to":9999}', credit=256, method="demo.count")
ONE, WIDE, DEEP = Load(1, 1), Load(64, 1), Load(64, 32)


def cases(peers=PEERS):
    """All of them, in order, with these peers where peers belong."""
    batches = Load(1, 1, batch=100)
    hop = "all server processes on one core; the limit is a byte-copying forwarder before the limit server"
    return [
        Case("S1.same", "1 connection x 1 in flight, server and client on one core", LATENCY, _all(ONE, peers),
             client={"*": SAME}),
        Case("S1.two", "1 connection x 1 in flight, a core each", LATENCY, _all(ONE, peers)),
        Case("S2", "64 connections x 1 in flight", RATE, _all(WIDE, peers)),
        Case("S3", "64 connections x 32 in flight", RATE, _all(DEEP, peers)),
        Case("S4.strings", "16 x 16, a string of 4 KiB as params", RATE,
             _all(Load(16, 16, params=string_params()), peers)),
        Case("S4.objects", "16 x 16, 4 KiB of nested objects as params", RATE,
             _all(Load(16, 16, params=nested_params()), peers)),
        Case("S5", "open loop, 5,000 requests/s over 16 connections", LATENCY,
             _all(Load(16, 32, rate=5_000), peers), longer=2),
        Case("S6.plain", f"resident memory of {IDLE_CONNECTIONS:,} idle connections", MEMORY, _all(None, peers)),
        Case("S6.introduced", f"the same, {IDLE_CONNECTIONS:,} connections that sent connect", MEMORY,
             {"weft": ("weft", None)}, introduced=True),
        Case("S7.64x1", f"two hops: client, node, node, method, 64 x 1; {hop}", RATE, _hops("weft chain", WIDE)),
        Case("S7.64x32", "the same, 64 x 32", RATE, _hops("weft chain", DEEP)),
        Case("S8.64x1", f"a registered service: client, node, service, 64 x 1; {hop}", RATE,
             _hops("weft service", WIDE)),
        Case("S8.64x32", "the same, 64 x 32", RATE, _hops("weft service", DEEP)),
        Case("S9", "1 connection, one JSON-RPC batch of 100 requests in flight; weft at 64 x 32 beside it", RATE,
             {"limit": ("limit", batches), "weft": ("weft", batches), "weft 64 x 32": ("weft", DEEP)}),
        Case("S10", "64 x 32: one reactor on one core; two on both cores, of which the client takes its part", RATE,
             {"weft": ("weft", DEEP), "weft 2 reactors": ("weft 2", DEEP)}, client={"weft 2 reactors": SHARED}),
        Case("S11.local", "64 streams of 10,000 numbers, credit 256, from a generator of the node", ITEMS,
             {"limit": ("limit streams", STREAMS), "weft": ("weft", STREAMS),
              **{peer: (peer, STREAMS) for peer in peers if peer in STREAM_PEERS}}),
        Case("S11.forwarded", "the same from a registered service, and from a generator behind two nodes; all server "
             "processes on one core; the limit is a byte-copying forwarder before the limit that streams", ITEMS,
             {"limit": ("limit streams chain", STREAMS), "weft": ("weft streams service", STREAMS),
              "weft two nodes": ("weft chain", STREAMS), "haproxy": ("haproxy streams", STREAMS),
              **({"nats": ("nats", STREAMS)} if "nats" in peers else {})}),
    ]


SCENARIOS = list(dict.fromkeys(case.scenario for case in cases()))


def describe(scenario):
    return "\n      ".join(f"{case.name}: {case.text}" for case in cases() if case.scenario == scenario)


def reaches_disturbance(others_s, wall_s):
    return others_s > DISTURBANCE_SHARE * wall_s + DISTURBANCE_GRAIN_S
