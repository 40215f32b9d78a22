"""Finds the support modules, and is where the suite imports them from."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import Mesh, eventually, own_host  # noqa: E402, F401
from mesh_case import MeshCase, main  # noqa: E402, F401
from node_process import NodeProcess, _environment  # noqa: E402, F401
from service import Refused, Service  # noqa: E402, F401
from stream import StreamService  # noqa: E402, F401
from wire import Closed, Wire, frame, notification, request  # noqa: E402, F401
