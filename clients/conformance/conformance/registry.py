"""The edges: a function each, with the sentence of docs/protocol.md that it stands for."""

import dataclasses
import importlib
import pathlib
import pkgutil

MINIMAL, FULL = "minimal", "full"
CALLS, SERVES, NODE = "calls", "serves", "node"


@dataclasses.dataclass(frozen=True)
class Edge:
    name: str
    says: str       # a sentence of docs/protocol.md, word for word
    level: str
    role: str       # what the client does in it; NODE: a node is walked, not a client
    ends: bool      # the client is not used any more after it
    needs_other: bool
    fresh: bool     # the client has just been started
    behind_a_node: bool  # it holds through a node as well
    seconds: float  # what it takes beside the limit, by its nature
    run: callable


_edges = {}


def edge(name, says, *, level=FULL, role=SERVES, ends=False, fresh=False, needs_other=False, behind_a_node=False, seconds=0):
    """Declares the function below as an edge."""
    def declare(function):
        if name in _edges:
            raise ValueError(f"there are two edges {name}")
        _edges[name] = Edge(name, says, level, role, ends, needs_other, fresh, behind_a_node, seconds, function)
        return function
    return declare


def all_edges():
    """In the order in which their modules are walked."""
    from . import edges
    for module in pkgutil.iter_modules(edges.__path__):
        importlib.import_module(f"{edges.__name__}.{module.name}")
    return list(_edges.values())


def protocol_page():
    """docs/protocol.md, beside which this is."""
    return pathlib.Path(__file__).resolve().parents[3] / "docs/protocol.md"


def words_of(text):
    """Without line breaks, so that a sentence is found however it is wrapped."""
    return " ".join(text.split())
