#!/usr/bin/env python3
"""docs/first-service-node.md, as it stands there.   node_page_test.py BUILD_DIRECTORY"""

import subprocess
import unittest

from first_service import TIMEOUT, FirstService, main


class Page(FirstService, unittest.TestCase):
    page, folder, service = "docs/first-service-node.md", "first-node", "npm start "
    listen, admin = "127.0.0.1:7412", "127.0.0.1:9472"

    def check_printed(self, text, done):
        if '"city": 7' in text:
            self.assertIn("'city' is a string", done.stderr)

    def check_at_the_end(self, serving):
        # The service ends with what the page has started, which is npm: it holds the pipe as long as it runs.
        serving.terminate()
        serving.communicate(timeout=TIMEOUT)
        unreachable = subprocess.run(["node", "watch.mjs", "127.0.0.1:1", "Oslo"], cwd=self.home / self.folder,
                                     env=self.variables, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual((unreachable.returncode, unreachable.stderr), (1, ""))
        self.assertRegex(unreachable.stdout, r"\A[^\n]*127\.0\.0\.1:1[^\n]*\n\Z")


if __name__ == "__main__":
    main()
