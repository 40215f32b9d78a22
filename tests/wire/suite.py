"""Finds the support modules, and is where the suites import them from."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from auth import Secrets, hashed, token_of  # noqa: E402, F401
from certificates import Certificates, run  # noqa: E402, F401
from mesh import eventually  # noqa: E402, F401
from node_process import NodeFailure, NodeProcess  # noqa: E402, F401
from tls_wire import TlsWire  # noqa: E402, F401
from wire import Closed, Wire, frame, notification, request  # noqa: E402, F401
from wire_case import WireCase, main  # noqa: E402, F401
