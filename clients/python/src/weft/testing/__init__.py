"""A mesh for tests, in one process and under a clock that nobody waits for; and a real node for others.

    mesh = weft.testing.FakeMesh()
    mesh.add(service)
    assert mesh.call("users.get", id=1) == {"id": 1, "name": "Ada"}

pytest has both as the fixtures `fake_mesh` and `weft_node`.
"""

from .fake_mesh import FakeMesh
from .real_node import RealNode, find_program

__all__ = ["FakeMesh", "RealNode", "find_program"]
