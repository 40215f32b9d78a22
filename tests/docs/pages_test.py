#!/usr/bin/env python3
"""What the pages say about files, options and metrics is true."""

import re
import unittest

import checks
import facts
from markdown import ROOT, pages


class Pages(unittest.TestCase):
    maxDiff = None

    def check(self, check, *arguments):
        complaints = [complaint for page in pages() for complaint in check(page, *arguments)]
        self.assertFalse(complaints, "\n" + "\n".join(complaints))

    def test_all_pages_are_seen(self):
        expected = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md"}
        self.assertLessEqual(expected, {page.name for page in pages()})

    def test_links_lead_somewhere(self):
        self.check(checks.links, ROOT)

    def test_quoted_files_are_as_quoted(self):
        self.check(checks.quotes, ROOT)

    def test_options_exist(self):
        self.check(checks.options, facts.known_options())

    def test_metrics_exist(self):
        self.check(checks.metrics, facts.known_metrics(), facts.other_names())

    def test_what_the_pages_start_can_run_at_once(self):
        taken = facts.script_addresses()
        self.assertEqual(len(taken), 6)
        complaints = list(checks.collisions(pages(), taken))
        self.assertFalse(complaints, "\n" + "\n".join(complaints))

    def test_each_first_service_has_a_folder_of_its_own(self):
        made = [target for page in pages() for block in page.blocks
                for target in re.findall(r'^cp -r \S+ "(\$HOME/\S+)"$', block.text, re.MULTILINE)]
        self.assertEqual(len(made), 3)
        self.assertEqual(len(set(made)), 3, made)

    def test_the_protocol_lists_every_error_code(self):
        section = (ROOT / "docs/protocol.md").read_text().partition("\n## Errors\n")[2].partition("\n## ")[0]
        self.assertEqual(re.findall(r"^\| (-?\d+) \| (\w+) \| (.+) \|$", section, re.MULTILINE), facts.error_codes())


if __name__ == "__main__":
    unittest.main()
