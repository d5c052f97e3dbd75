"""From the API prompt to our document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.errors import DocumentProblem, InvalidDocument
from graph_runtime.documents.flatten import WRAPPER
from graph_runtime.documents.model import FORMAT, VERSION
from graph_runtime.documents.types import NodeType, Types
from graph_runtime.prompt import is_link


def is_prompt(data: Mapping[str, Any]) -> bool:
    """Whether an object looks like an API prompt: it has nodes, and all of them have a `class_type`."""
    return bool(data) and all(isinstance(each, Mapping) and "class_type" in each for each in data.values())


def import_prompt(
    data: Mapping[str, Any], catalogue: Mapping[str, NodeSpec], warnings: list[DocumentProblem]
) -> dict[str, Any]:
    """Turn an API prompt into the plain data of our document; links get the names of the outputs they come from.

    Raises:
        InvalidDocument: every node that is no object, has no text as `class_type` or no object as `inputs`.
    """
    problems = [problem for key, each in data.items() if (problem := _fault(key, each)) is not None]
    if problems:
        raise InvalidDocument(problems)
    types = Types(catalogue)
    outputs = {key: types.named(each["class_type"]) for key, each in data.items()}
    nodes: dict[str, Any] = {}
    for key, each in data.items():
        node: dict[str, Any] = {"type": each["class_type"]}
        title = each["_meta"].get("title") if isinstance(each.get("_meta"), Mapping) else None
        known = outputs[key]
        if isinstance(title, str) and title != (known.title if known else each["class_type"]):
            node["title"] = title
        node["inputs"] = {
            name: _input(key, name, value, outputs, warnings)
            for name, value in (each.get("inputs") or {}).items()
            if _is_finite(key, name, value, warnings)
        }
        nodes[key] = node
    return {"format": FORMAT, "version": VERSION, "nodes": nodes}


def _fault(key: object, each: Any) -> DocumentProblem | None:
    path = str(key)
    if not isinstance(key, str) or not key:
        return DocumentProblem("wrong_key", path, f"The node id {key!r} is not text.", "Write ids as text.")
    if not isinstance(each, Mapping):
        return DocumentProblem("not_a_node", path, "A node is an object.", "Write class_type and inputs.", key)
    if not isinstance(each.get("class_type"), str) or not each["class_type"]:
        return DocumentProblem("missing_key", path, "The node has no class_type.", "Name its type.", key)
    if not isinstance(each.get("inputs"), (Mapping, type(None))):
        return DocumentProblem(
            "wrong_value", f"{path}.inputs", "inputs is not an object.", "Write names and values.", key
        )
    if any(not isinstance(name, str) or not name for name in each.get("inputs") or {}):
        return DocumentProblem("wrong_key", f"{path}.inputs", "An input has no name.", "Name it.", key)
    return None


def _input(
    key: str, name: str, value: Any, outputs: Mapping[str, NodeType | None], warnings: list[DocumentProblem]
) -> Any:
    if is_link(value):
        source, slot = value[0], int(value[1])
        known = outputs.get(source)
        if slot < 0 or not source:
            warnings.append(
                DocumentProblem(
                    "import",
                    f"{key}.inputs.{name}",
                    f"The link {value!r} names no output.",
                    "Link it again.",
                    key,
                    name,
                )
            )
            return {"value": value}
        return {"link": [source, known.output_name(slot) if known else f"#{slot}"]}
    if isinstance(value, Mapping) and set(value) == {WRAPPER}:
        inner = value[WRAPPER]
        return {"value": inner} if isinstance(inner, (list, tuple, Mapping)) else inner
    if isinstance(value, (list, tuple)):
        warnings.append(
            DocumentProblem(
                "import",
                f"{key}.inputs.{name}",
                f"A list of {len(value)} is no link and was taken for a value.",
                'Write {"__value__": […]} for a list, or ["node id", output number] for a link.',
                key,
                name,
            )
        )
        return {"value": value}
    return {"value": value} if isinstance(value, Mapping) else value


def _is_finite(key: str, name: str, value: object, warnings: list[DocumentProblem]) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        warnings.append(
            DocumentProblem(
                "import", f"{key}.inputs.{name}", f"The value {value} was left out.", "Set it again.", key, name
            )
        )
        return False
    return True
