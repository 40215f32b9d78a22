#!/usr/bin/env python3
"""docs/first-service-node.md, as it stands there.   node_page_test.py BUILD_DIRECTORY"""

import unittest

from first_service import FirstService, main


class Page(FirstService, unittest.TestCase):
    page, service = "docs/first-service-node.md", "npm start "

    def as_run(self, text):
        # npm says first what it runs.
        return text.replace("npm start --", "node main.mjs")

    def check_printed(self, text, done):
        if '"city": 7' in text:
            self.assertIn("'city' is a string", done.stderr)


if __name__ == "__main__":
    main()
