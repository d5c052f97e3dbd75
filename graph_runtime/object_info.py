"""The established description of a node, as `/object_info` shows it and validation quotes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph_runtime.catalogue import MISSING, Catalogue, ChoicesOf, InputSpec, NodeSpec

__all__ = ["input_config", "object_info", "object_info_of"]


def input_config(item: InputSpec, choices: ChoicesOf) -> list[Any]:
    """Return `[type]` or `[type, options]` of one input, with its choices as they are now."""
    options: dict[str, Any] = {}
    if item.default is not MISSING:
        options["default"] = item.default
    options.update(item.options)
    if item.aliases:
        options["aliases"] = list(item.aliases)
    if item.show_if:
        options["show_if"] = dict(item.show_if)
    listed = item.resolve_choices(choices)
    if listed is not None and item.combo_form == "old":
        return [listed, options] if options else [listed]
    if listed is not None:
        options = {"options": listed, **options}
    return [str.__str__(item.type), options] if options else [str.__str__(item.type)]


def object_info(spec: NodeSpec, choices: ChoicesOf) -> dict[str, Any]:
    """Render one node.

    Args:
        choices: lists the names in a folder; called for inputs that choose from one.
    """
    sections: dict[str, dict[str, Any]] = {}
    for item in spec.visible:
        section = sections.setdefault("required" if item.required else "optional", {})
        section[item.name] = input_config(item, choices)
    for item in spec.hidden_inputs:
        kind: Any = [item.hidden] if spec.convention == "v3" else item.hidden
        sections.setdefault("hidden", {})[item.name] = kind
    info: dict[str, Any] = {
        "input": sections,
        "input_order": {section: list(items) for section, items in sections.items()},
        "output": [str.__str__(o.type) if o.choices is None else list(o.choices) for o in spec.outputs],
        "output_is_list": [output.is_list for output in spec.outputs],
        "output_name": [str.__str__(output.name) for output in spec.outputs],
        "name": spec.id,
        "display_name": spec.display_name,
        "description": spec.description,
        "python_module": spec.module,
        "category": spec.category or "sd",
        "output_node": spec.terminal,
    }
    if spec.convention == "v3" or any(output.tooltip for output in spec.outputs):
        info["output_tooltips"] = [output.tooltip for output in spec.outputs]
    for flag in ("deprecated", "experimental"):
        if spec.convention == "v3" or getattr(spec, flag):
            info[flag] = getattr(spec, flag)
    if spec.api_node is not None or spec.convention == "v3":
        info["api_node"] = bool(spec.api_node)
    return info


def object_info_of(catalogue: Catalogue, choices: ChoicesOf) -> Mapping[str, Any]:
    """Render a whole catalogue; each folder is listed once."""
    listed: dict[str, list[str]] = {}

    def once(folder: str) -> list[str]:
        if folder not in listed:
            listed[folder] = list(choices(folder))
        return listed[folder]

    return {node_id: object_info(spec, once) for node_id, spec in catalogue.items()}
