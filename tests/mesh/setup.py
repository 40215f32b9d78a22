"""Finds the support modules, and is where the suite imports them from."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from auth import Secrets, token_of  # noqa: E402, F401
from certificates import Certificates, run  # noqa: E402, F401
from crowd import Crowd  # noqa: E402, F401
from fake_peer import FakePeer  # noqa: E402, F401
from mesh import Mesh, MeshNode, eventually, free_addresses, own_host  # noqa: E402, F401
from mesh_case import MeshCase, SharedMesh, main, relay, sleep_on  # noqa: E402, F401
from node_process import NodeFailure  # noqa: E402, F401
from tls_wire import TlsWire  # noqa: E402, F401
from wire import Closed, Wire, frame, notification, request  # noqa: E402, F401
