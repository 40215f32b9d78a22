"""What is measured, on which servers, and what weft must reach."""

import os

BUILD = os.path.join("build", "release")
RESULTS = os.path.join("build", "bench")
CLIENT = os.path.join(BUILD, "weft")

# name: connections, requests in flight on each, description
LOADS = {
    "S1": (1, 1, "1 connection x 1 in flight"),
    "S2": (64, 1, "64 connections x 1 in flight"),
    "S3": (64, 32, "64 connections x 32 in flight"),
}
IDLE = "S6"
IDLE_CONNECTIONS = 10_000
SCENARIOS = [*LOADS, IDLE]

SERVERS = {
    "limit": [os.path.join(BUILD, "limit_server")],
    "asio": [os.path.join(BUILD, "limit_asio_server")],
    "weft": [CLIENT, "node", "--demo", "--reactors", "1",
             "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
             # The default, half of the descriptors, may be too few for the idle connections.
             "--limits-connections", str(IDLE_CONNECTIONS + 500)],
}
BUILD_TARGETS = ["weft", "limit_server", "limit_asio_server"]

# Share of the limit's rate that weft must reach, and resident bytes per idle connection it may not exceed.
TARGETS = {"S2": 0.75, "S3": 0.40}
TARGET_IDLE_BYTES = 8 * 1024

# Share of one core that other processes may take without a round being repeated, and how often it is tried.
DISTURBANCE_PERCENT = 5
ATTEMPTS = 4
CLIENT_SATURATED_PERCENT = 95


def describe(scenario):
    if scenario == IDLE:
        return f"resident memory of {IDLE_CONNECTIONS} idle connections"
    return LOADS[scenario][2]
