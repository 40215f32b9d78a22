#!/usr/bin/env python3
"""docs/first-service-python.md, as it stands there, without a network.   python_page_test.py BUILD_DIRECTORY"""

import os
import unittest

from first_service import FirstService, main


class Page(FirstService, unittest.TestCase):
    page, folder, service = "docs/first-service-python.md", "first-python", "venv/bin/python -m weft serve "
    listen, admin = "127.0.0.1:7411", "127.0.0.1:9471"
    environment = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def setUp(self):
        super().setUp()
        # In front of Debian's Python another one, as pyenv puts it there, in which nothing works.
        other = self.home / "other"
        other.mkdir()
        (other / "python3").symlink_to("/bin/false")
        self.variables["PATH"] = f"{other}:{os.environ['PATH']}"


if __name__ == "__main__":
    main()
