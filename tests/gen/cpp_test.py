#!/usr/bin/env python3
"""`weft gen cpp`: compiled without a warning, and called.

    cpp_test.py BUILD_DIRECTORY COMPILER
"""

import pathlib
import sys
import unittest

from gen_case import CHANGED, ROOT, GenCase

BUILD, COMPILER = pathlib.Path(sys.argv[1]), sys.argv[2]
LIBRARIES = ["-lcaf_core", "-lprometheus-cpp-core", "-lspdlog", "-lfmt", "-lssl", "-lcrypto", "-lpthread"]
PRINTED = """\
lamp true 2.5 home
true
10 1
3
true
12 9
root 1
["from=a", "list=b", "my-name=d", "my_name=e", "self=c"]
21
true
{"a":[1]}
1 a 3 4
1.5 2.5 9 true
3
0 2.5 6.5
4
as asked (code 404)
42
"""


class Cpp(GenCase):
    def setUp(self):
        super().setUp()
        self.compile = [COMPILER, "-std=c++23", "-Wall", "-Wextra", "-Werror", "-DSPDLOG_SHARED_LIB",
                        "-DSPDLOG_COMPILED_LIB", "-DSPDLOG_FMT_EXTERNAL", f"-I{ROOT}", f"-I{ROOT / 'include'}",
                        "-ferror-limit=0", "caller.cpp"]

    def test_it_compiles_and_calls(self):
        shop = self.open_shop()
        self.generate("cpp", "made.hpp")
        self.assert_passes([*self.compile, "-o", "caller", "-fuse-ld=lld", BUILD / "libweft_actors.a",
                            BUILD / "libweft_proto.a", *LIBRARIES])
        self.assertEqual(self.assert_passes([self.folder / "caller", self.node.listen]), PRINTED)
        shop.close()
        self.open_shop(CHANGED)
        self.generate("cpp", "made.hpp")
        self.assert_complains([*self.compile, "-fsyntax-only"], "missing field 'shelf' initializer",
                              "no member named 'area'", "'product'", "'dark_green'", "price",
                              "no member named 'back'", "std::tuple")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
