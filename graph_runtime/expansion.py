"""Building the nodes that a node expands into.

A native node asks for a builder with a parameter of type `Subgraph`, and returns `graph.result(...)`:

    def refine(latent: Ref[Latent], graph: Subgraph) -> Latent:
        return graph.result(graph.add(ksampler, latent_image=latent, …))
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from graph_runtime.behaviour import Result
from graph_runtime.errors import ExpansionError
from graph_runtime.graph import Link, Node

if TYPE_CHECKING:
    from graph_runtime.catalogue import Catalogue, NodeSpec

__all__ = ["Subgraph", "child_prefix"]

_LONGEST = 160


def child_prefix(node_id: str, real_id: str) -> str:
    """Return a stable prefix for ids of nodes that `node_id` expands into.

    `parent/0`, `parent/1`, … as long as that stays short; in deep nests the middle is replaced by a hash, so that
    ids do not grow with depth.
    """
    if len(node_id) <= _LONGEST:
        return f"{node_id}/"
    return f"{real_id[:_LONGEST]}/~{hashlib.blake2b(node_id.encode(), digest_size=12).hexdigest()}/"


class Subgraph:
    """Collects new nodes and the links between them.

    Args:
        catalogue: what may be added.
        prefix: put before every id; see `child_prefix`.
    """

    __slots__ = ("_catalogue", "_nodes", "_prefix")

    def __init__(self, catalogue: Catalogue, prefix: str) -> None:
        self._catalogue = catalogue
        self._prefix = prefix
        self._nodes: dict[str, Node] = {}

    def add(self, node: str | Callable[..., Any], /, *, display_id: str | None = None, **inputs: Any) -> Any:
        """Add a node and return a link to its output, or a tuple of links if it has several.

        Args:
            node: a declared function, or a node's id.
            display_id: the node that editors highlight in its place; default: the expanding node.
            inputs: literals, links from other `add` calls, and values received as `Ref`.
        """
        spec = self._spec(node)
        node_id = f"{self._prefix}{len(self._nodes)}"
        unknown = [] if spec.dynamic_inputs else [name for name in inputs if name not in spec.by_name]
        if unknown:
            raise ExpansionError(
                f"'{spec.id}' has no input '{unknown[0]}'.", fix=f"It has: {', '.join(spec.by_name) or 'none'}."
            )
        self._nodes[node_id] = Node(node_id, spec.id, inputs, display_id=display_id)
        links = tuple(Link(node_id, index) for index in range(len(spec.outputs)))
        return links[0] if len(links) == 1 else links

    def result(self, *values: Any) -> Any:
        """Return what the expanding node returns: links or plain values, one an output."""
        return Result([_to_list(value) for value in values], expand=self.to_prompt())

    def to_prompt(self) -> Mapping[str, Any]:
        """Return the new nodes in the API format."""
        from graph_runtime.graph import Graph
        from graph_runtime.prompt import to_prompt

        return to_prompt(Graph(self._nodes))

    def _spec(self, node: str | Callable[..., Any]) -> NodeSpec:
        if isinstance(node, str):
            return self._catalogue.spec(node, where="expansion")
        return self._catalogue.spec_of(node)


def _to_list(value: Any) -> Any:
    return value.to_list() if isinstance(value, Link) else value
