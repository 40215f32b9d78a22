"""Fixtures for pytest: `fake_mesh`, and `weft_node`, a real node for all tests of a run."""

from collections.abc import Iterator

import pytest

from .testing import FakeMesh, RealNode, find_program


@pytest.fixture
def fake_mesh() -> Iterator[FakeMesh]:
    """A mesh in this process, under a clock that nobody waits for; a new one for each test."""
    with FakeMesh() as mesh:
        yield mesh


@pytest.fixture(scope="session")
def weft_node() -> Iterator[RealNode]:
    """A node with its demonstration methods on a free port, started once: of the program that WEFT_BIN names, or of
    `weft` on the PATH. `weft_node.address` is where to connect."""
    try:
        find_program()
    except FileNotFoundError as missing:
        pytest.fail(f"weft_node: {missing}", pytrace=False)
    with RealNode() as node:
        yield node
