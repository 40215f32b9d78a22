"""A client that takes leave of the mesh."""

from ..client import equal, expect
from ..registry import edge
from ..wire import Clock, Failed

GOES = "a service is about to go: nothing new is sent to it, what is under way finishes"
TAKEN_BACK = -32800


def leaves(client):
    """Returns once the node has been told, and has agreed."""
    client.do("leave", {})
    client.link.until(lambda: client.link.has_left, "the client to send mesh.drain")
    return client.link


@edge("leave.is_told", GOES, ends=True)
def is_told(client):
    leaves(client).ends("the client to leave, as nothing is under way")
    try:
        client.adapter.accept(Clock(0.5))
    except Failed:
        return
    raise Failed("a client that has left came back")


@edge("leave.under_way_finishes", GOES, ends=True)
def under_way_finishes(client):
    waiting, held = client.control("wait", {}), client.control("hold", {}, stream={"credit": 5})
    equal(client.link.of_stream("item", held)["value"], 0, "the item was")
    link = leaves(client)
    # What the node sent before it was told may come behind that.
    for n in range(5):
        equal(client.do("echo", {"value": n}), n, "the answer was")
    link.settle(0.2)
    for id in waiting, held:
        expect(not link.has(lambda m: m.get("id") == id), "what was under way was cut off")
        link.notify("$/cancelRequest", {"id": id})
        link.error(id, TAKEN_BACK)
    link.ends("the client to leave, as nothing is under way any more")
