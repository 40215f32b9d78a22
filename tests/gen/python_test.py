#!/usr/bin/env python3
"""`weft gen python`: clean under mypy --strict, and called."""

import os
import sys
import unittest

from gen_case import CHANGED, ROOT, GenCase

PACKAGE = ROOT / "clients/python/src"
PRINTED = """\
lamp used 2.5 light
new
10 [0, 1]
3
dark-green
12 9.0
root 1
['from=a', 'list=b', 'my-name=d', 'my_name=e', 'self=c']
21
{'a': [1]}
(1.0, 'a') 3 (4, None)
[1.5, 2.5, 9.0]
3
0.0 2.5 6.5
4
404 as asked
"""


class Python(GenCase):
    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, "MYPYPATH": str(PACKAGE), "PYTHONPATH": str(PACKAGE)}
        self.environment = {name: value for name, value in self.environment.items() if not name.startswith("WEFT_")}
        self.mypy = ["mypy", "--strict", "--cache-dir", self.folder / "cache", "made.py", "caller.py"]

    def test_it_is_typed_and_calls(self):
        shop = self.open_shop()
        self.generate("python", "made.py")
        self.assert_passes(self.mypy, env=self.environment)
        printed = self.assert_passes([sys.executable, "-W", "error", "caller.py", self.node.listen], env=self.environment)
        self.assertEqual(printed.replace("12.0", "12"), PRINTED)
        shop.close()
        self.open_shop(CHANGED)
        self.generate("python", "made.py")
        self.assert_complains(self.mypy, 'Missing named argument "shelf"', 'List comprehension has incompatible type',
                              '"area"', 'Unexpected keyword argument "product"', "dark-green",
                              'Argument 1 to "asend" of "DuplexStream" has incompatible type "Literal[\'back\']"',
                              '"Tuple[int, str]"; expected "Tuple[str, str]"', env=self.environment)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
