"""What the tests of `weft gen` have in common: a node with the shop, and the program."""

import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import service as support  # noqa: E402
import shop  # noqa: E402
from node_process import NodeProcess, _environment  # noqa: E402
from wire import Wire  # noqa: E402

TIMEOUT = 120

# What happens to the shop until its callers are compiled anew: each spoils one of their lines.
CHANGED = {
    # Another parameter is needed, which comes first.
    "shop.find": {**shop.SERVES[0], "params": shop.taking({"shelf": shop.INTEGER, "id": shop.INTEGER})},
    # The item has another type.
    "shop.watch.prices": {**shop.SERVES[11], "item": shop.STRING},
    # One of the values that may be sent is gone.
    "shop.watch.steps": {**shop.SERVES[12], "input": {"enum": ["on"], "title": "Step"}},
    # An element of a tuple has another type.
    "shop.locate": {**shop.SERVES[13], "params": shop.taking({"from": {**shop.POINT, "prefixItems": [shop.STRING, shop.STRING]}})},
    # A value is gone from an enumeration.
    "shop.paint": {**shop.SERVES[3], "params": shop.taking({"colour": {"enum": ["red"], "title": "Colour"}}),
                   "result": {"enum": ["red"], "title": "Colour"}},
    # The method is gone.
    "shop.area": None,
    # A parameter has another name.
    "shop.add": {**shop.SERVES[2], "params": shop.taking({"thing": shop.PRODUCT})},
}


def run(command, **more):
    return subprocess.run([*map(str, command)], text=True, capture_output=True, timeout=TIMEOUT, check=False, **more)


def weft(*arguments, **more):
    return run([os.environ["WEFT_BIN"], *arguments], env=_environment(), **more)


class GenCase(unittest.TestCase):
    """`folder` is a new one for each test, with the callers in it."""

    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(NodeProcess())

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for each in (HERE / "callers").iterdir():
            shutil.copy(each, self.folder)

    def open_shop(self, changed=None):
        """Until the test or `close` of the result."""
        # The method that tells when it can be reached has the same name each time.
        support._numbers = itertools.count(1)
        service = shop.open_shop(self.node, changed)
        self.addCleanup(service.close)
        wire = Wire(self.node.address)
        service.reachable_from(wire)
        wire.close()
        return service

    def generate(self, language, output):
        """The client of the shop and the demonstration, in a file."""
        done = weft("gen", language, self.node.listen, "--output", output, cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return (self.folder / output).read_text(encoding="utf-8")

    def assert_passes(self, command, **more):
        done = run(command, cwd=self.folder, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assert_complains(self, command, *complaints, **more):
        """The command fails, and says each of these."""
        done = run(command, cwd=self.folder, **more)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for each in complaints:
            self.assertIn(each, done.stdout + done.stderr)
