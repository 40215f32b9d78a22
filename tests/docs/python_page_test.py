#!/usr/bin/env python3
"""docs/first-service-python.md, as it stands there, without a network.   python_page_test.py BUILD_DIRECTORY"""

import os
import unittest

from first_service import FirstService, main


class Page(FirstService, unittest.TestCase):
    page, service = "docs/first-service-python.md", "venv/bin/python -m weft serve "
    # Debian's Python, whichever else there is.
    environment = {"PATH": f"/usr/bin:{os.environ['PATH']}", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


if __name__ == "__main__":
    main()
