#!/usr/bin/env python3
"""`weft gen typescript`: clean under tsc --strict, and called."""

import sys
import unittest

from gen_case import CHANGED, ROOT, GenCase

PRINTED = """\
lamp used 2.5 home
new
10 0,1
3
dark-green
12 9
root 1
from=a,list=b,my-name=d,my_name=e,self=c
21
{"a":[1]}
1.0 1 3 4 function
1.5,2.5,9
3
0 2.5 6.5
no longer
4
404 as asked
"""


class TypeScript(GenCase):
    def setUp(self):
        super().setUp()
        (self.folder / "package.json").write_text('{"type": "module"}')
        (self.folder / "node_modules").mkdir()
        (self.folder / "node_modules/weft").symlink_to(ROOT / "clients/node")
        self.tsc = ["tsc", "--strict", "--noUncheckedIndexedAccess", "--noUnusedLocals", "--target", "es2022", "--module",
                    "es2022", "--moduleResolution", "node", "caller.ts"]

    def test_it_is_typed_and_calls(self):
        shop = self.open_shop()
        self.generate("typescript", "made.ts")
        self.assert_passes(self.tsc)
        self.assertEqual(self.assert_passes(["node", "caller.js", self.node.listen]), PRINTED)
        shop.close()
        self.open_shop(CHANGED)
        self.generate("typescript", "made.ts")
        self.assert_complains(self.tsc, "'shelf' is missing", "'string' is not assignable to parameter of type 'number'",
                              "'area' does not exist", "'product' does not exist", '"dark-green"',
                              '"back"', "Type 'number' is not assignable to type 'string'")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
