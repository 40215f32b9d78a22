#!/usr/bin/env python3
"""The checks find what they are there for, and nothing else."""

import pathlib
import tempfile
import unittest

import checks
import markdown
from commands import Expected, is_run

OPTIONS = {"weft node": {"--peer", "--demo"}, "weft call": {"--timeout"}, "tests/run.sh": {"--all"}}
METRICS = {"weft_peers", "rpc_server_call_duration_seconds"}


def page(text):
    return markdown.parse("page.md", text)


class Parsing(unittest.TestCase):
    def test_blocks_and_prose_are_told_apart(self):
        parsed = page("# A\n```sh\n# run\nx\n```\nb\n")
        self.assertEqual([(block.line, block.info, block.text) for block in parsed.blocks],
                         [(2, "sh", "# run\nx\n")])
        self.assertEqual(parsed.prose, [(1, "# A"), (6, "b")])

    def test_a_block_without_end_is_refused(self):
        with self.assertRaisesRegex(ValueError, "page.md:2: .*never closed"):
            page("a\n```sh\nx\n")

    def test_a_fence_inside_a_longer_one_is_text(self):
        self.assertEqual(page("````md\n```sh\nx\n```\n````\n").blocks[0].text, "```sh\nx\n```\n")

    def test_anchors_are_those_of_github(self):
        self.assertEqual(page("## One request, `end` to end\n").anchors(), {"one-request-end-to-end"})


class Links(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "other.md").write_text("# Two words\n", encoding="utf-8")

    def complaints(self, text):
        (self.root / "page.md").write_text(text, encoding="utf-8")
        return list(checks.links(page(text), self.root))

    def test_good_links_pass(self):
        text = "# Here\n[a](other.md) [b](other.md#two-words) [c](#here) [d](https://example.org/x) `[e](f)`\n"
        self.assertEqual(self.complaints(text), [])

    def test_a_missing_file_is_named(self):
        self.assertEqual(self.complaints("[a](gone.md)"), ["page.md:1: link to gone.md: there is no gone.md"])

    def test_a_missing_heading_is_named(self):
        self.assertRegex(self.complaints("[a](other.md#three)")[0], "no such heading; the nearest is two-words")


class Collisions(unittest.TestCase):
    def complaints(self, *commands):
        pages = [markdown.parse(f"{number}.md", f"```sh\n{command}\n```\n") for number, command in enumerate(commands)]
        return list(checks.collisions(pages, {"127.0.0.1:7401": "run.sh"}))

    def test_addresses_of_their_own_pass(self):
        self.assertEqual(self.complaints("weft node --demo", "x/weft node --demo --id a &", "weft call 127.0.0.1:7400 m",
                                         "# run\nweft node || true", "weft node --print-config",
                                         "users --listen 127.0.0.1:7402 --admin 127.0.0.1:9465"), [])

    def test_one_that_is_taken_is_told_with_who_has_it(self):
        self.assertEqual(self.complaints("weft node --demo", "users --listen 127.0.0.1:7400 --admin 127.0.0.1:1"),
                         ["1.md:2: 127.0.0.1:7400 is taken by 0.md:2; give `users --listen 127.0.0.1:7400 --admin 127.0.0.1:1` "
                          "one of its own"])
        self.assertRegex(self.complaints('"$HOME/weft" node --listen 127.0.0.1:7401')[0], "7401 is taken by run.sh")
        self.assertRegex(self.complaints("weft node --demo", "users --listen 127.0.0.1:7402")[0], "9464 is taken by 0.md:2")


class Quotes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "a").mkdir()
        (self.root / "a/b.py").write_text("one\ntwo\nthree\n", encoding="utf-8")

    def complaints(self, lines, info="python a/b.py"):
        return list(checks.quotes(page(f"```{info}\n{lines}```\n"), self.root))

    def test_a_contiguous_part_passes(self):
        self.assertEqual(self.complaints("two\nthree\n"), [])

    def test_left_out_lines_do_not(self):
        self.assertRegex(self.complaints("one\nthree\n")[0], "page.md:1: .*no contiguous part of a/b.py")

    def test_half_a_line_does_not(self):
        self.assertEqual(len(self.complaints("wo\nthree\n")), 1)

    def test_a_missing_file_is_named(self):
        self.assertRegex(self.complaints("one\n", "python a/c.py")[0], "quotes a/c.py, which does not exist")


class Options(unittest.TestCase):
    def complaints(self, text):
        return list(checks.options(page(text), OPTIONS))

    def test_known_ones_pass(self):
        text = "`--all`, `build/release/weft node --peer b=x:1 --demo`\n```sh\n./tests/run.sh --all\n```\n"
        self.assertEqual(self.complaints(text), [])

    def test_other_programs_have_their_own(self):
        self.assertEqual(self.complaints("`cmake --preset x`"), [])

    def test_an_unknown_one_is_found_in_spans_and_blocks(self):
        self.assertRegex(self.complaints("`--pear`")[0], "--pear is no option of any .*nearest is --peer")
        self.assertRegex(self.complaints("```sh\nx\nweft node --pear\n```\n")[0], "page.md:3: --pear .*weft node")

    def test_an_option_belongs_to_its_subcommand(self):
        self.assertEqual(len(self.complaints("`weft node --timeout 5s`")), 1)
        self.assertEqual(self.complaints("`weft node --demo` and `weft call --timeout 5s`"), [])


class Metrics(unittest.TestCase):
    def complaints(self, text):
        return list(checks.metrics(page(text), METRICS, {"weft_node"}))

    def test_known_ones_pass(self):
        self.assertEqual(self.complaints("`weft_peers` `rpc_server_call_duration_seconds_count` weft_node"), [])

    def test_an_unknown_one_is_found_in_prose_and_blocks(self):
        self.assertRegex(self.complaints("`weft_pears`")[0], "no metric weft_pears; the nearest is weft_peers")
        self.assertEqual(len(self.complaints("```\nweft_pears 1\n```\n")), 1)


class Commands(unittest.TestCase):
    def test_only_marked_shell_blocks_run(self):
        blocks = page("```sh\n# run\nx\n```\n```sh\nx\n```\n```text\n# run\n```\n").blocks
        self.assertEqual([is_run(block) for block in blocks], [True, False, False])

    def test_output_is_compared_line_by_line(self):
        self.assertTrue(Expected("a\nb\n").matches("a\nb\n"))
        self.assertFalse(Expected("a\n").matches("a\nb\n"))

    def test_an_ellipsis_stands_for_a_part_of_a_line_or_for_lines(self):
        self.assertTrue(Expected("a … c\n").matches("a b c\n"))
        self.assertFalse(Expected("a … c\n").matches("a\n c\n"))
        self.assertTrue(Expected("a\n…\nd\n").matches("a\nb\nc\nd\n"))
        self.assertTrue(Expected("a.c\n").matches("a.c\n"))
        self.assertFalse(Expected("a.c\n").matches("abc\n"))


if __name__ == "__main__":
    unittest.main()
