"""deploy/scale: one service whose nodes find each other by its name, while their number changes."""

import json
import time

from mesh import Composition, Wire, eventually, get

SERVICE = "weft"
FILE = "deploy/scale/docker-compose.yml"
PROJECT = "weft-suite-scale"
REPLICAS = 5


class Replica:
    """A container of the service, through the ports that the engine chose for it."""

    def __init__(self, composition: Composition, container: str) -> None:
        state = json.loads(composition.docker("inspect", container))[0]
        ports = state["NetworkSettings"]["Ports"]
        self.address, self.admin = (
            (bound["HostIp"], int(bound["HostPort"])) for bound in (ports["7400/tcp"][0], ports["9464/tcp"][0]))
        networks = state["NetworkSettings"]["Networks"].values()
        self.peer_address = f"{next(iter(networks))['IPAddress']}:7400"

    def peers(self) -> dict[str, str]:
        """The state of each address."""
        status, body = get("http://%s:%d/peers" % self.admin)
        return {peer["address"]: peer["state"] for peer in json.loads(body)} if status == 200 else {}


def scaled_to(composition: Composition, count: int) -> list[Replica]:
    """Changes the number of containers and waits until every node knows exactly the others, and itself as itself."""
    composition.compose("up", "--detach", "--scale", f"{SERVICE}={count}")
    containers = composition.docker("ps", "--quiet", *composition.ours(f"com.docker.compose.service={SERVICE}"))
    replicas = [Replica(composition, container) for container in containers.split()]
    assert len(replicas) == count, f"{len(replicas)} containers run, expected {count}"
    for replica in replicas:
        expected = {other.peer_address: "self" if other is replica else "up" for other in replicas}
        eventually(f"{replica.peer_address} knows the others of {count}: {expected}",
                   lambda: replica.peers() == expected)
    return replicas


def scales_up_and_down(composition: Composition) -> str:
    try:
        scaled_to(composition, 1)
        begin = time.monotonic()
        replicas = scaled_to(composition, REPLICAS)
        up = time.monotonic() - begin
        for replica in replicas:
            method_reaches_everyone(replica, replicas)
        begin = time.monotonic()
        scaled_to(composition, 1)
        down = time.monotonic() - begin
        return f"{REPLICAS} nodes knew each other {up:.1f} s after the command, one was alone {down:.1f} s after it"
    except Exception:
        print(composition.logs())
        raise
    finally:
        composition.down()


def method_reaches_everyone(served_at: Replica, replicas: list[Replica]) -> None:
    method = f"users.at-{served_at.peer_address}"
    with Wire(served_at.address) as service:
        assert "result" in service.call("connect", {"serves": [method]})
        for replica in replicas:
            with Wire(replica.address) as wire:
                eventually(f"{replica.peer_address} knows {method}", lambda: method in methods(wire))
                wire.send({"jsonrpc": "2.0", "id": "call", "method": method, "params": [replica.peer_address]})
                request = service.receive()
                while request["method"] != method:
                    service.send({"jsonrpc": "2.0", "id": request["id"], "result": "ok"})
                    request = service.receive()
                service.send({"jsonrpc": "2.0", "id": request["id"], "result": request["params"]})
                answer = wire.receive()
                assert answer.get("result") == [replica.peer_address], f"{method} answers {answer}"


def methods(wire: Wire) -> set[str]:
    return {method["name"] for method in wire.call("rpc.discover")["result"]["methods"]}
