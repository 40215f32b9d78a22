"""Base of the tests in which services register methods with a mesh of three nodes."""

import itertools

from setup import SharedMesh, eventually

from service import Service

_prefixes = itertools.count(1)


class ServiceCase(SharedMesh):
    """Three nodes for all tests of a class, with `options`; each test has method names of its own."""

    def setUp(self):
        self.prefix = f"t{next(_prefixes)}"

    def name(self, method):
        return f"{self.prefix}.{method}"

    def serve(self, node, *methods, handler=None, **connect):
        """A service at a node; `methods` are names without the test's prefix, or full entries."""
        serves = [self.name(each) if isinstance(each, str) else {**each, "method": self.name(each["method"])}
                  for each in methods]
        service = Service(self.mesh[node], serves, handler, **connect)
        self.addCleanup(service.close)
        return service

    def client(self, node, *services):
        """A connection to a node that knows the way to these services."""
        wire = self.connect(self.mesh[node])
        for service in services:
            service.reachable_from(wire)
        return wire

    def call(self, wire, method, params=None, id=1, **members):
        return wire.call(self.name(method), params, id, **members)

    def eventually_gone(self, node, wire, method):
        """Waits until this node, to which `wire` leads, knows that nobody serves the method, given with its prefix.

        Before that, another node may refuse the call, or it was on its way to a service that left, and may have run."""
        expected = (14, "no", self.mesh[node].id)

        def refused():
            error = wire.call(method).get("error", {})
            data = error.get("data", {})
            return (error.get("code"), data.get("executed"), data.get("node")) == expected

        eventually(refused, f"{method} is answered with 14, not executed, by node {node}")
