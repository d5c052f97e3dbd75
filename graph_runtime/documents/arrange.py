"""Places for nodes that have none: columns from sources to results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graph_runtime.documents.flatten import topological
from graph_runtime.documents.model import Node, Wired
from graph_runtime.documents.types import Types

COLUMN: Final = 340
GAP: Final = 40
_TITLE: Final = 50
_ROW: Final = 24


def arrange(nodes: Mapping[str, Node], types: Types) -> dict[str, dict[str, Any]]:
    """A position for every node: right of everything it depends on, below what shares its column."""
    columns: dict[str, int] = {}
    bottoms: dict[int, int] = {}
    layout: dict[str, dict[str, Any]] = {}
    for node_id in topological(nodes):
        node = nodes[node_id]
        sources = [value.link[0] for value in node.inputs.values() if isinstance(value, Wired) and value.link]
        column = max((columns.get(source, -1) + 1 for source in sources), default=0)
        columns[node_id] = column
        top = bottoms.get(column, 0)
        layout[node_id] = {"pos": [column * COLUMN, top]}
        node_type = types.of(node)
        rows = max(len(node_type.outputs), len(node_type.sockets) - len(node_type.widgets)) + len(node_type.widgets)
        tall = sum(3 for each in node_type.widgets if each.options.get("multiline"))
        bottoms[column] = top + _TITLE + (max(rows, len(node.inputs)) + tall) * _ROW + GAP
    return layout
