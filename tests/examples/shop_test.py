"""The shop example as its users run it: orders through every node, and instances that die or leave meanwhile."""

import json
import tempfile
import unittest

from shop import Shop, eventually

BOOKS_AGREE = {"charged twice": 0, "ok but not charged": 0, "charged but not_executed": 0}


class ShopTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.shop = Shop(folder.name)
        self.addCleanup(self.shop.kill)
        for node, orders in (("a", 1), ("b", 1), ("c", 2)):
            self.shop.wait_for_instances(node, users=2, billing=2, orders=orders)

    def assert_orders_go_on(self, nodes, count=5):
        for node in nodes:
            for number in range(count):
                key = f"{self.id()}-{node}-{number}"
                answer = self.shop.order(node, key)
                self.assertIn("result", answer, f"order {key} through node {node}: {answer}")
                self.assertEqual(answer["result"]["receipt"]["amount_cents"], 250)
                self.assertEqual(answer["result"]["receipt"]["key"], key)

    def finish(self, load):
        """The load client's result, once it has sent all its orders."""
        output, _ = load.communicate(timeout=120)
        return json.loads(output.splitlines()[-1])

    def start_load(self, rate, seconds):
        load = self.shop.load(rate, seconds)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        self.assertIn("orders sent", load.stdout.readline())
        return load

    def test_an_order_succeeds_through_every_node(self):
        for node in "abc":
            result = self.shop.order(node, f"order-{node}")["result"]
            self.assertEqual(result["order"], f"order-{node}")
            self.assertEqual((result["user"]["id"], result["user"]["name"]), (3, "Frances"))
            self.assertIn(result["receipt"]["receipt"].partition("/")[0], ("billing-1", "billing-2"))
            self.assertIn(result["node"], ("a", "b") if node == "c" else (node,))

    def test_an_order_that_fails_says_what_was_done(self):
        error = self.shop.order("c", "no-such-user", user=99)["error"]
        self.assertEqual(error["code"], 404)
        self.assertIn("no user 99", error["message"])
        self.assertEqual(error["data"]["executed"], "unknown")
        self.assertEqual(error["data"]["billing.charge"]["result"]["key"], "no-such-user")

    def test_a_service_that_is_missing_is_named(self):
        for name in ("users-1", "users-2"):
            self.shop.services[name].kill()
        self.shop.wait_for_instances("a", users=0)
        error = self.shop.order("a", "nobody-home")["error"]
        self.assertEqual(error["code"], 14)
        self.assertIn("users.get failed", error["message"])
        # The charge was made, so nobody may send the order again by itself.
        self.assertEqual(error["data"]["executed"], "unknown")

    def test_orders_go_on_when_one_instance_of_each_service_is_killed(self):
        load = self.start_load(rate=30, seconds=6)
        self.shop.services["users-1"].kill()
        self.shop.wait_for_instances("a", users=1)
        self.assert_orders_go_on("abc")
        self.shop.services["billing-2"].kill()
        self.shop.wait_for_instances("c", billing=1)
        self.assert_orders_go_on("abc", count=3)
        self.shop.nodes["b"].kill()
        self.assertIn(self.shop.services["billing-1"].wait_until_ready(times=2), "ac")
        for node in "ac":
            self.shop.wait_for_instances(node, users=1, billing=1, orders=1)
        self.assert_orders_go_on("ac", count=4)
        result = self.finish(load)
        self.assertEqual(result["books"], BOOKS_AGREE)
        self.assertGreater(result["outcomes"]["ok"], 90, result)

    def test_instances_that_leave_cost_no_order(self):
        load = self.start_load(rate=30, seconds=4)
        for name in ("users-2", "billing-1"):
            process = self.shop.services[name].process
            process.terminate()
            self.assertEqual(process.wait(30), 0, self.shop.services[name].log())
        result = self.finish(load)
        self.assertEqual(result["outcomes"]["ok"], result["orders"], result)
        self.assertEqual((load.returncode, result["books"]), (0, BOOKS_AGREE), result)

    def test_services_heed_goaway(self):
        self.shop.nodes["b"].terminate()
        self.assertIn(self.shop.services["billing-1"].wait_until_ready(times=2), "ac")
        self.shop.nodes["b"].wait()
        for node in "ac":
            self.shop.wait_for_instances(node, billing=2, orders=1)
        self.assert_orders_go_on("ac")
        self.shop.start_node("b")
        eventually(lambda: self.shop.instances("b", "users.get") == 2, "b is back in the mesh")
        self.assert_orders_go_on("abc")


if __name__ == "__main__":
    unittest.main(verbosity=2)
