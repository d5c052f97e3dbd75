"""Reading what a node expanded into, and bounding it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph_runtime.behaviour import Result
from graph_runtime.cache import Entry
from graph_runtime.catalogue import Catalogue
from graph_runtime.errors import DuplicateNodeError, EndlessExpansion, ExpansionError, UnknownNode
from graph_runtime.graph import Node
from graph_runtime.lists import append_values
from graph_runtime.prompt import is_link, parse_node
from graph_runtime.spec import NodeSpec

__all__ = ["Growth", "resolved_values"]


@dataclass(slots=True)
class Growth:
    """Counts what expansions add to one run.

    Args:
        most_nodes: more nodes than this are taken for an endless expansion.
        most_letters: likewise for the length of their ids together, which grow with the depth of nesting.
    """

    most_nodes: int = 200_000
    most_letters: int = 200_000_000
    nodes: int = 0
    letters: int = 0

    def read(self, results: list[Result], known: Mapping[str, Any], catalogue: Catalogue, where: str) -> list[Node]:
        """Return the new nodes of all calls of one node.

        Raises:
            DuplicateNodeError: if an id exists already.
            UnknownNode: if a type does not exist.
            ExpansionError: if a node is malformed.
            EndlessExpansion: if the run grew past its bounds.
        """
        new: dict[str, Node] = {}
        for result in results:
            for node_id, data in (result.expand or {}).items():
                if node_id in known or node_id in new:
                    raise DuplicateNodeError(
                        f"it expanded into node '{node_id}', which exists already.",
                        where=where,
                        fix="Give new nodes ids of their own, for example with a graph builder.",
                    )
                new[node_id] = _node(node_id, data, catalogue, where)
                self.nodes += 1
                self.letters += len(node_id)
        self._check_bounds(where, next(reversed(new), ""))
        return list(new.values())

    def _check_bounds(self, where: str, last: str) -> None:
        if self.nodes > self.most_nodes:
            raise EndlessExpansion(
                f"expansions added {self.nodes} nodes to this run, and it goes on.",
                where=where,
                fix=f"Check that its loop ends; the limit is {self.most_nodes} nodes.",
            )
        if self.letters > self.most_letters:
            raise EndlessExpansion(
                f"expansions inside expansions added {self.nodes} nodes to this run, and it goes on; the last one's id "
                f"has {len(last)} letters.",
                where=where,
                fix="Check that its loop ends, or expand into a row of nodes instead of nodes inside each other.",
            )


def _node(node_id: Any, data: Any, catalogue: Catalogue, where: str) -> Node:
    if not isinstance(node_id, str) or not isinstance(data, Mapping) or not isinstance(data.get("class_type"), str):
        raise ExpansionError(
            f"it expanded into {node_id!r}, which is not a node with a class_type.",
            where=where,
            fix='Write {"id": {"class_type": "…", "inputs": {…}}}.',
        )
    if data["class_type"] not in catalogue:
        raise UnknownNode(data["class_type"], catalogue, where=where)
    return parse_node(node_id, data)


def resolved_values(spec: NodeSpec, pieces: Sequence[Result], results: Mapping[str, Entry]) -> list[list[Any]]:
    """Merge the results of a node's calls, with links of expanding calls replaced by the lists of values they name."""
    outputs: list[list[Any]] = []
    for piece in pieces:
        if piece.expand is None:
            append_values(spec, outputs, piece.values)
            continue
        for index, value in enumerate(piece.values):
            if index == len(outputs):
                outputs.append([])
            if is_link(value):
                values, slot = results[value[0]].outputs, int(value[1])
                outputs[index].extend(values[slot] if 0 <= slot < len(values) else [None])
            else:
                is_list = index < len(spec.outputs) and spec.outputs[index].is_list
                outputs[index].extend(value if is_list and isinstance(value, list) else [value])
    return outputs
