#!/usr/bin/env python3
"""Tests of tests/check_coroutines.py with the snippets beside this file."""

import contextlib
import io
import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import check_coroutines  # noqa: E402


def run(*arguments):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = check_coroutines.main([str(a) for a in arguments])
    return status, output.getvalue()


class CheckCoroutines(unittest.TestCase):
    def check_text(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "snippet.cpp"
            path.write_text(text, encoding="utf-8")
            return check_coroutines.check_file(path)

    def test_finds_every_bad_line_and_no_other(self):
        expected = set()
        for number, line in enumerate((HERE / "bad.cpp").read_text().splitlines(), 1):
            expected |= {(number, rule) for rule in re.findall(r"// expect: (\S+)", line)}
        found, _ = check_coroutines.check_file(HERE / "bad.cpp")
        self.assertEqual({(f.line, f.rule) for f in found}, expected)
        self.assertEqual({rule for _, rule in expected} | {"unbalanced"}, set(check_coroutines.ADVICE))

    def test_finds_nothing_in_good_code_but_sees_its_coroutines(self):
        found, coroutines = check_coroutines.check_file(HERE / "good.cpp")
        self.assertEqual(found, [])
        self.assertEqual(coroutines, 11)

    def test_says_where_and_what_to_do_instead(self):
        status, output = run(HERE / "bad.cpp")
        self.assertEqual(status, 1)
        self.assertRegex(output, r"bad\.cpp:5: reference-parameter: .*take a value or a handle")

    def test_ends_with_success_when_nothing_is_found(self):
        status, output = run(HERE / "good.cpp")
        self.assertEqual(status, 0)
        self.assertIn("11 coroutines in 1 files, 0 findings", output)

    def test_checks_the_folders_of_a_repository(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in ("actors/deep", "examples", "tests"):
                (root / name).mkdir(parents=True)
            bad = "task<> f(int& x) { co_return; }\n"
            for name in ("actors/deep/a.hpp", "examples/b.cpp", "tests/c.cpp", "actors/d.md"):
                (root / name).write_text(bad)
            status, output = run(root)
        self.assertEqual(status, 1)
        self.assertIn("actors/deep/a.hpp:1:", output)
        self.assertIn("examples/b.cpp:1:", output)
        self.assertIn("2 coroutines in 2 files, 2 findings", output)

    def test_names_a_path_that_does_not_exist(self):
        status, output = run(HERE / "nowhere.cpp")
        self.assertEqual(status, 2)
        self.assertIn("nowhere.cpp", output)

    def test_reports_a_bracket_without_a_partner_instead_of_guessing(self):
        for text, line in (("task<> f() {\n  co_return;\n", 1), ("int x;\n}\n", 2), ("f(]\n", 1)):
            found, _ = self.check_text(text)
            self.assertEqual([(f.line, f.rule) for f in found], [(line, "unbalanced")], text)

    def test_counts_lines_across_multi_line_strings_and_comments(self):
        found, _ = self.check_text('auto s = R"x(\n{ ( \n)x";\n/* {\n { */\ntask<> f(int& x) { co_return; }\n')
        self.assertEqual([(f.line, f.rule) for f in found], [(6, "reference-parameter")])


if __name__ == "__main__":
    unittest.main()
