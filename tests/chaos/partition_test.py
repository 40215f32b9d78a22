"""A node that is cut off from the others with a service and callers of its own, and comes back."""

import os
import time
import unittest

from cluster import ChaosCase, Ledger, Mesh, Wire, main, wait_for_instances
from network import Network

PORT = 7400
RATE = 500
# Three silent intervals of 300 ms, and the time until the next of them is looked at.
ROTATION_SECONDS = 1.5
HEALED_SECONDS = 2.0
SECOND_LOAD = 1_000_000


class ApartMesh(Mesh):
    """Nodes a, b and c in a namespace each."""

    def __init__(self, network, options):
        self.network = network
        self.options = (*options, "--mesh-connect-timeout", "500ms")
        self.extra_peers = {}
        self.nodes = {}
        self.addresses = {name: f"{address}:{PORT}" for name, address in network.addresses.items()}
        for name in self.addresses:
            self.start(name)

    def start(self, name):
        with self.network.inside(name):
            return super().start(name)


@unittest.skipUnless(os.geteuid() == 0, "network namespaces need root: run the test as root")
class Partition(ChaosCase):
    def setUp(self):
        try:
            self.network = Network("abc")
        except OSError as error:
            self.skipTest(f"this system gives no network namespaces: {error}")
        self.addCleanup(self.network.close)

    def wire(self, name):
        with self.network.inside(name):
            wire = Wire(self.mesh[name].address)
        self.addCleanup(wire.close)
        return wire

    def test_one_node_is_cut_off_and_comes_back(self):
        self.mesh = ApartMesh(self.network, self.node_options())
        self.addCleanup(self.mesh.kill)
        self.make_folder()
        for name, node in (("one", "a"), ("two", "b")):
            with self.network.inside(node):
                self.start_instance(name, node)
        for node in "abc":
            wait_for_instances(self.wire(node), 2)
        loads = []
        for node, first in (("a", 0), ("b", SECOND_LOAD)):
            with self.network.inside(node):
                loads.append(self.load(node, rate=RATE, first=first))
        self.let_run(2)
        cut = time.monotonic()
        self.network.cut_off("b")
        self.let_run(4)
        healed = time.monotonic()
        self.network.heal("b")
        for node in "abc":
            wait_for_instances(self.wire(node), 2)
        whole = time.monotonic() - healed
        self.let_run(1)
        ledger = Ledger([call for load in loads for call in load.finish()], self.all_instances)
        apart = [call for call in ledger.calls if cut + ROTATION_SECONDS < call.due < healed]
        after = [call for call in ledger.calls if call.due > healed]
        self.report("partition of one node, then heal", ledger, **{
            "failed 1.5 s after the cut": sum(call.outcome != "ok" for call in apart),
            "failed after the heal": sum(call.outcome != "ok" for call in after),
            "full routes after s": round(whole, 2)})
        self.assert_nothing_false(ledger)
        self.assertGreater(len(apart), RATE)
        self.assertEqual([call for call in apart + after if call.outcome != "ok"], [], ledger.reasons())
        self.assertLess(whole, HEALED_SECONDS)


if __name__ == "__main__":
    main()
