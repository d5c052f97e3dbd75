"""Merkle keys: equal keys mean equal results.

A node's key hashes its type, the type's version, its change token, its literals with their types (1, 1.0 and true
differ), and for each link the key of the source with the slot. Ids and titles do not count, so renumbering a graph
invalidates nothing. What cannot be hashed faithfully (NaN, values that are not JSON, nodes that opted out) has no key,
and neither has anything that depends on it: such nodes always run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

from graph_runtime.graph import Graph, Link, Node, NotALink
from graph_runtime.spec import NodeSpec

__all__ = ["NO_TOKEN", "Key", "compute_keys", "encode", "node_key"]

Key: TypeAlias = bytes | None
"""16 bytes, or None for "never matches"."""


class _NoToken:
    def __repr__(self) -> str:
        return "NO_TOKEN"


NO_TOKEN: Any = _NoToken()
"""Stands for "this node has no change token"."""


def node_key(spec: NodeSpec, node: Node, sources: Mapping[str, Key], token: Any = NO_TOKEN) -> Key:
    """Return the key of a node whose sources have keys already.

    Args:
        sources: key by node id; a source that is not in it is missing from the graph.
        token: the node's change token.
    """
    if not spec.cache:
        return None
    parts = [spec.mark]
    if spec.keyed_by_id:
        parts.append(f"#{len(node.id)}:{node.id}")
    replaced = frozenset[str]()
    if token is not NO_TOKEN:
        text = encode(token)
        if text is None:
            return None
        parts.append(f"t{text}")
        if spec.behaviour is not None:
            replaced = spec.behaviour.replaces
    inputs = node.inputs
    for name in sorted(inputs):
        value = inputs[name]
        if type(value) is Link:
            key = sources.get(value.node)
            if key is None:
                return None
            parts.append(f"{len(name)}:{name}<{key.hex()}.{value.output}")
        elif name not in replaced:
            text = encode(value)
            if text is None:
                return None
            parts.append(f"{len(name)}:{name}={text}")
    return blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def compute_keys(
    graph: Graph,
    catalogue: Mapping[str, NodeSpec],
    keys: dict[str, Key],
    tokens: Mapping[str, Any],
    versions: dict[str, int],
) -> None:
    """Give every node of a graph its key; sources outside of it must have theirs.

    Args:
        keys: where keys are found and put, by node id.
        tokens: change tokens by node id.
        versions: gets the version of every type.
    """
    order, cyclic = graph.order()
    keys.update(dict.fromkeys(cyclic))
    for node_id in order:
        node = graph.nodes[node_id]
        spec = catalogue.get(node.type)
        keys[node_id] = None
        if spec is not None:
            versions[node.type] = spec.version
            keys[node_id] = node_key(spec, node, keys, tokens.get(node_id, NO_TOKEN))


def encode(value: Any) -> str | None:
    """Write a value so that different values, or equal ones of different type, have different texts.

    Returns None for what never matches: NaN and infinities, and anything that is not JSON (besides bytes).
    """
    kind = type(value)
    if kind is str:
        return f"s{len(value)}:{value}"
    if kind is bool:
        return "b1" if value else "b0"
    if kind is int:
        return f"i{value:x}"
    if kind is float:
        return f"f{value!r}" if value - value == 0 else None
    if value is None:
        return "n"
    if kind is bytes:
        return f"y{len(value)}:{value.hex()}"
    if kind is NotALink:
        value = value.value
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return f"j{len(text)}:{text}"
