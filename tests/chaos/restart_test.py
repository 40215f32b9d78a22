"""Rolling restarts under load, with clients and services that heed `$/goaway`: no call fails."""

from cluster import ChaosCase, main


class Restart(ChaosCase):
    # Nobody is silent here: who is late on a busy machine is not to be taken for gone.
    heartbeat = "5s"

    def assert_no_call_fails(self, what, restart):
        self.start()
        load = self.load()
        self.let_run(1)
        restart()
        self.let_run(1)
        ledger = self.compare(load)
        self.report(what, ledger, failed=len(ledger.failed()))
        self.assert_nothing_false(ledger)
        self.assertEqual(len(ledger.failed()), 0, ledger.reasons())

    def restart_instances(self):
        for name, nodes in (("one", "ab"), ("two", "bc")):
            self.instances[name].end()
            self.start_instance(name, nodes)
            self.wait_for_routes("abc")

    def restart_nodes(self):
        for name in "abc":
            node = self.mesh[name]
            node.terminate()
            node.wait()
            self.mesh.start(name)
            self.mesh.wait_until_up()
            self.wait_for_routes("abc")

    def test_every_instance(self):
        self.assert_no_call_fails("rolling restart of the instances", self.restart_instances)

    def test_every_node(self):
        self.assert_no_call_fails("rolling restart of the nodes", self.restart_nodes)


if __name__ == "__main__":
    main()
