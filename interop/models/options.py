"""Model options: the nested dictionaries in which packs say what they change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

__all__ = ["copied_options", "says_anything", "with_patch", "with_replacement"]


def copied_options(options: Any) -> Any:
    """Dicts and lists copied at every depth, everything else shared."""
    if isinstance(options, dict):
        return {key: copied_options(value) for key, value in options.items()}
    if isinstance(options, list):
        return [copied_options(value) for value in options]
    return copy.copy(options) if isinstance(options, set) else options


def says_anything(options: Any) -> bool:
    """Whether options hold more than empty dictionaries and lists."""
    if isinstance(options, Mapping):
        return any(says_anything(value) for value in options.values())
    return bool(options) if isinstance(options, list) else options is not None


def with_patch(options: dict[str, Any], kind: str, function: Any) -> None:
    """Append a function inside the network, in place."""
    patches = options.setdefault("transformer_options", {}).setdefault("patches", {})
    patches[kind] = [*patches.get(kind, []), function]


def with_replacement(
    transformer_options: dict[str, Any], function: Any, kind: str, block: str, number: int, index: int | None = None
) -> dict[str, Any]:
    """Transformer options with a replacement, in dictionaries of its own: others may share the ones there are."""
    place = (block, number) if index is None else (block, number, index)
    replaced = dict(transformer_options.get("patches_replace", {}))
    replaced[kind] = {**replaced.get(kind, {}), place: function}
    return {**transformer_options, "patches_replace": replaced}
