"""The shop's Python programs under the package's test kit: no sockets, no time, and calls that fail when it is said."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "clients/python/src"), str(ROOT / "examples/shop")]

import weft  # noqa: E402
from load import ORDER_TIMEOUT, Load  # noqa: E402
from users import NAMES, users  # noqa: E402
from weft.testing import FakeMesh  # noqa: E402


def orders():
    service = weft.Service("orders")
    service.made = []

    @service.method
    async def create(key: str, user: int, amount_cents: int) -> str:
        service.made.append(key)
        return key

    return service


class Users(unittest.TestCase):
    def setUp(self):
        self.mesh = self.enterContext(FakeMesh())
        self.mesh.add(users("users-1"))

    def test_are_found_by_their_ids(self):
        for id, name in enumerate(NAMES, 1):
            self.assertEqual(self.mesh.call("users.get", id=id), {"id": id, "name": name, "instance": "users-1"})

    def test_others_are_refused(self):
        for id, code in (0, 404), (len(NAMES) + 1, 404), ("1", -32602), (None, -32602):
            with self.assertRaises(weft.Error) as refused:
                self.mesh.call("users.get", id)
            self.assertEqual(refused.exception.code, code)


class Orders(unittest.TestCase):
    """What the load client makes of answers."""

    def setUp(self):
        self.mesh = self.enterContext(FakeMesh())
        self.service = orders()
        self.mesh.add(self.service)
        self.load = Load()

    def order(self):
        async def one():
            async with self.mesh.connect(name="load", timeout=ORDER_TIMEOUT) as node:
                self.load._nodes = [node]
                await self.load.order(len(self.load.outcomes))

        self.mesh.run(one())
        return list(self.load.outcomes.values())[-1]

    def test_one_that_did_not_run_is_sent_again(self):
        self.mesh.fail("orders.create", 14, executed="no", times=2)
        self.assertEqual(self.order(), "ok")
        self.assertEqual((self.load.counts["sent again"], len(self.service.made)), (2, 1))

    def test_one_that_may_have_run_is_not(self):
        self.mesh.drop("orders.create", times=1)
        self.assertEqual(self.order(), "unknown")
        self.assertEqual(len(self.service.made), 1)
        self.assertGreaterEqual(self.mesh.elapsed, ORDER_TIMEOUT)

    def test_failures_are_told_apart(self):
        self.mesh.fail("orders.create", 14, executed="no", times=3)
        self.assertEqual(self.order(), "not_executed")
        self.mesh.fail("orders.create", 404, "no user", times=1)
        self.assertEqual(self.order(), "error 404")
        self.mesh.delay("orders.create", ORDER_TIMEOUT / 2)
        self.assertEqual(self.order(), "ok")


if __name__ == "__main__":
    unittest.main(verbosity=2)
