#!/usr/bin/env python3
"""cmake/compile.sh: clones share what any of them compiled, and none depends on another one's files."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

COMPILE, CCACHE, COMPILER = sys.argv[1:4]
HEADER = "#pragma once\n#include <vector>\ninline int first(const std::vector<int>& of) { return of.front(); }\n"
SOURCE = "int use(const std::vector<int>& of) { return first(of); }\n"


class CompileCache(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_in(self, tree, *arguments):
        done = subprocess.run(["/bin/sh", COMPILE, tree, CCACHE, COMPILER, *arguments], cwd=tree / "build",
                              env={**os.environ, "CCACHE_DIR": str(self.folder / "cache")}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def build(self, name):
        """As CMake builds a file with a precompiled header."""
        tree = self.folder / name
        (tree / "build").mkdir(parents=True)
        (tree / "used.hpp").write_text(HEADER)
        (tree / "use.cpp").write_text(SOURCE)
        build = tree / "build"
        (build / "pch.hxx").write_text(f'#include "{tree}/used.hpp"\n')
        (build / "pch.hxx.cxx").write_text("/* made by the build */\n")
        flags = ("-std=c++2b", "-Xclang", "-fno-pch-timestamp")
        self.run_in(tree, *flags, "-Xclang", "-emit-pch", "-Xclang", "-include", "-Xclang", f"{build}/pch.hxx", "-x", "c++-header",
                    "-MD", "-MT", "pch.hxx.pch", "-MF", "pch.hxx.pch.d", "-o", "pch.hxx.pch", "-c", f"{build}/pch.hxx.cxx")
        self.run_in(tree, *flags, "-Xclang", "-include-pch", "-Xclang", f"{build}/pch.hxx.pch", "-Xclang", "-include",
                    "-Xclang", f"{build}/pch.hxx", "-MD", "-MT", "use.o", "-MF", "use.o.d", "-o", "use.o", "-c", f"{tree}/use.cpp")
        self.assertGreater((build / "use.o").stat().st_size, 0)
        return tree

    def hits(self):
        told = subprocess.run([CCACHE, "--print-stats"], env={**os.environ, "CCACHE_DIR": str(self.folder / "cache")},
                              capture_output=True, text=True, check=True).stdout
        counts = dict(line.split("\t") for line in told.splitlines())
        return int(counts["direct_cache_hit"]) + int(counts["preprocessed_cache_hit"])

    def test_a_clone_builds_when_the_one_that_filled_the_cache_is_gone(self):
        shutil.rmtree(self.build("first"))
        self.build("second")
        self.assertEqual(self.hits(), 1, "what was compiled with the header is shared")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
