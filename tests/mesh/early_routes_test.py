"""What a node tells right behind its answer to `connect`, before the other side has made a link of the connection."""

import json

from setup import FakePeer, MeshCase, Wire, eventually, main, notification, own_host, request

ROUTES = notification("mesh.routes", {"seq": 1, "reset": True, "add": [{"method": "early.get"}]})


class EarlyRoutes(MeshCase):
    def test_are_asked_for_again(self):
        peer = FakePeer(own_host())
        self.addCleanup(peer.close)
        node = self.start_node(peers={"fake": peer.address})
        link = peer.accept()
        self.addCleanup(link.close)
        connect = link.receive_call("connect")
        # In one write, so that the node reads both at once.
        link.send({"jsonrpc": "2.0", "id": connect["id"], "result": {"node": "fake", "heartbeat_ms": 15_000}}, ROUTES)

        def heard():
            if not link.nothing_pending() and json.loads(Wire.receive_payload(link)).get("method") == "mesh.resync":
                link.send(ROUTES)
            return '"early.get"' in node.admin("/routes")[1]

        eventually(heard, "early.get is routed")
        wire = self.connect(node)
        wire.send(request(1, "early.get"))
        link.answer(link.receive_call("early.get"), "early")
        self.assert_ok(wire.receive(), "early")


if __name__ == "__main__":
    main()
