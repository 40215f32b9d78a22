"""examples/shop in containers: an order goes from a node without orders to one with, and on to users and billing."""

from mesh import DATA_PORT, CallFailed, Composition, Wire, admin, eventually

FILE = "examples/shop/docker-compose.yml"
PROJECT = "weft-suite-shop"
# All but Prometheus and Grafana, whose images come from a registry.
SERVICES = ("a", "b", "c", "users-1", "users-2", "billing-1", "billing-2")
ORDERS = 20


def order(node: str, number: int) -> dict:
    with Wire(("127.0.0.1", DATA_PORT[node])) as wire:
        params = {"key": f"order-{node}-{number}", "user": 1 + number % 10, "amount_cents": 100 + number}
        answer = wire.call("orders.create", params, deadline_ms=5_000)
    if "error" in answer:
        raise CallFailed(answer["error"])
    return answer["result"]


def orders_go_through(composition: Composition) -> str:
    try:
        composition.compose("up", "--detach", *SERVICES)
        for node in "abc":
            eventually(f"/readyz of {node} is 200", lambda: admin(node, "/readyz")[0] == 200)
            eventually(f"an order through {node} is taken", lambda: order(node, 0))
        for number in range(1, ORDERS):
            node = "abc"[number % 3]
            taken = order(node, number)
            assert taken["order"] == f"order-{node}-{number}" and taken["user"]["id"] == 1 + number % 10, taken
        return f"{ORDERS - 1} orders through three nodes, the last: {taken}"
    except Exception:
        print(composition.logs())
        raise
    finally:
        composition.down()
