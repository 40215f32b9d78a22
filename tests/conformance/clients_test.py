"""A client passes every edge that its language allows.   clients_test.py NAME ADAPTER...   e.g. cpp build/release/conformance_cpp"""

import shlex
import sys
import unittest

from suite import walked

# What a client cannot do by its nature, not by mistake: its adapter says so.
SKIPPED = {
    # Letting go of a stream takes it back; there is nothing that could be waited for.
    "cpp": {"read.close_waits"},
    "python": set(),
    "node": set(),
}


class Client(unittest.TestCase):
    maxDiff = None
    name = adapter = None

    def test_passes_every_edge(self):
        outcomes = walked("run", "--adapter", f"{self.adapter} {{address}} {{other}}", "--limit", "30")
        self.assertEqual({name: each for name, each in outcomes.items() if each[0] == "failed"}, {})
        self.assertEqual({name for name, (state, _) in outcomes.items() if state == "skipped"}, SKIPPED[self.name])


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in SKIPPED:
        sys.exit(__doc__)
    Client.name, Client.adapter = sys.argv[1], shlex.join(sys.argv[2:])
    unittest.main(argv=sys.argv[:1], verbosity=2)
