"""From bytes to checked plain data, and from plain data to a `Document`, with errors that name path and cure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from graph_runtime.documents import model
from graph_runtime.documents.errors import DocumentProblem, InvalidDocument, UnreadableDocument, nearest

MAX_DEPTH = 100
MAX_PROBLEMS = 100

_PARTS: dict[type[BaseModel], dict[str, tuple[str, type[BaseModel]]]] = {
    model.Document: {
        "nodes": ("many", model.Node),
        "definitions": ("many", model.Definition),
        "layout": ("one", model.Layout),
        "form": ("one", model.Form),
    },
    model.Form: {"inputs": ("many", model.FormField), "outputs": ("many", model.FormOutput)},
    model.Definition: {
        "inputs": ("many", model.Socket),
        "outputs": ("many", model.DefinitionOutput),
        "nodes": ("many", model.Node),
        "layout": ("one", model.Layout),
    },
    model.Node: {"inputs": ("many", model.Wired), "sockets": ("one", model.Sockets)},
    model.Sockets: {"inputs": ("many", model.InputSocket), "outputs": ("many", model.Socket)},
    model.Layout: {
        "nodes": ("many", model.NodeLayout),
        "groups": ("many", model.Group),
        "notes": ("many", model.Note),
        "reroutes": ("many", model.Waypoint),
        "view": ("one", model.View),
    },
}


def read_json(text: str | bytes) -> Any:
    """Parse JSON that may come from anywhere.

    NaN and infinities are accepted here (older tools write them into pictures) and found later by
    `check_values` where they matter.

    Raises:
        UnreadableDocument: not JSON, not UTF-8, nested too deep, or with a key given twice.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        data = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise UnreadableDocument(
            f"The text is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}.",
            "Save the file as UTF-8 JSON.",
        ) from error
    except json.JSONDecodeError as error:
        raise UnreadableDocument(
            f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            "Open a workflow saved as JSON, or a picture that carries one.",
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise UnreadableDocument(f"This JSON cannot be read: {error}.", "Check its numbers.") from error
    check_depth(data)
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise UnreadableDocument(
                    f"The key {key[:80]!r} appears twice in one object.",
                    "Keep one of the two; which one was meant cannot be known.",
                    code="duplicate_key",
                )
            seen.add(key)
    return found


def _too_deep() -> UnreadableDocument:
    return UnreadableDocument(
        f"The data is nested more than {MAX_DEPTH} levels deep.",
        "No workflow is; check what produced the file.",
        code="too_deep",
    )


def check_depth(data: object) -> None:
    """Refuse plain data nested deeper than any workflow is, without recursing into it.

    Raises:
        UnreadableDocument: if lists and objects are nested more than `MAX_DEPTH` deep, or hold themselves.
    """
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(value for value in each.values() if isinstance(value, (dict, list, tuple)))
            elif isinstance(each, (list, tuple)):
                below.extend(value for value in each if isinstance(value, (dict, list, tuple)))
        if not below:
            return
        level = below
    raise _too_deep()


def check_values(data: object, path: str = "") -> list[DocumentProblem]:
    """Values that JSON has no word for: NaN, infinities, keys that are no text, other objects."""
    if _is_json(data):
        return []
    problems: list[DocumentProblem] = []
    pending: list[tuple[str, Any]] = [(path, data)]
    while pending and len(problems) < MAX_PROBLEMS:
        place, value = pending.pop()
        if isinstance(value, dict):
            for key, each in value.items():
                if isinstance(key, str):
                    pending.append((join(place, key), each))
                else:
                    problems.append(
                        DocumentProblem("wrong_key", place, f"The key {key!r} is not text.", "Write keys as text.")
                    )
        elif isinstance(value, (list, tuple)):
            pending.extend((join(place, str(index)), each) for index, each in enumerate(value))
        elif isinstance(value, float) and not math.isfinite(value):
            problems.append(
                DocumentProblem(
                    "not_finite", place, f"The number is {value}, which JSON cannot hold.", "Write a number."
                )
            )
        elif value is not None and not isinstance(value, (str, int, float)):
            problems.append(
                DocumentProblem("wrong_type", place, f"{type(value).__name__} is no JSON value.", "Use plain JSON.")
            )
    return problems


def _is_json(data: object) -> bool:
    """Whether the C encoder takes the data as it is, which is far quicker to find out than what is wrong where."""
    try:
        json.dumps(data, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def join(path: str, key: str) -> str:
    """`path.key`, without a leading dot."""
    return f"{path}.{key}" if path else key


def read_document(data: Mapping[str, Any]) -> model.Document:
    """Check plain data against our own format.

    Raises:
        InvalidDocument: every unknown key (with the nearest known one), missing key and wrong value.
    """
    check_depth(data)
    version = data.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > model.VERSION:
        raise UnreadableDocument(
            f"The document has version {version}; this program reads version {model.VERSION}.",
            "Open it with a newer version of Heddle.",
            code="newer_version",
            path="version",
        )
    problems = check_values(data)
    if isinstance(version, bool):
        problems.append(DocumentProblem("wrong_value", "version", f"The version is {version}.", "Write 1."))
    if problems:
        raise InvalidDocument(problems)
    try:
        return model.Document.model_validate(data)
    except ValidationError as error:
        raise InvalidDocument(_problems(error)) from error


def _problems(error: ValidationError) -> list[DocumentProblem]:
    found: dict[str, DocumentProblem] = {}
    for detail in error.errors(include_url=False, include_input=True):
        loc = _without_tags(detail["loc"])
        path = ".".join(str(step) for step in loc)
        node, name = _concerned(loc)
        code, what, fix = _worded(detail["type"], detail["msg"], loc, detail["input"])
        found.setdefault(path, DocumentProblem(code, path, what, fix, node, name))
        if len(found) == MAX_PROBLEMS:
            break
    return list(found.values())


def _without_tags(loc: Sequence[int | str]) -> tuple[int | str, ...]:
    """Drop what pydantic adds to a path for the branches of a union."""
    steps = list(loc)
    for index, step in enumerate(steps):
        if step == "inputs" and index >= 2 and steps[index - 2] == "nodes" and len(steps) > index + 2:
            tag = steps[index + 2]
            return tuple(steps[: index + 2] + ([] if tag == "literal" else steps[index + 3 :]))
    while steps and steps[-1] in ("int", "float", "str", "bool", "none"):
        steps.pop()
    return tuple(steps)


def _concerned(loc: Sequence[int | str]) -> tuple[str | None, str | None]:
    if "nodes" not in loc or "layout" in loc:
        return None, None
    at = loc.index("nodes")
    node = str(loc[at + 1]) if len(loc) > at + 1 else None
    has_input = len(loc) > at + 3 and loc[at + 2] == "inputs"
    return node, str(loc[at + 3]) if has_input else None


def _worded(kind: str, message: str, loc: Sequence[int | str], value: Any) -> tuple[str, str, str]:
    last = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        return "unknown_key", f"The key {last!r} is not known here.", nearest(last, _keys_around(loc))
    if kind == "missing":
        return "missing_key", f"The key {last!r} is missing.", "Add it."
    if len(loc) >= 2 and loc[-2] == "inputs" and isinstance(value, (list, tuple)):
        return (
            "bare_list",
            "An input cannot be a bare list.",
            'Write {"link": ["node id", "OUTPUT"]} for a link or {"value": […]} for a list.',
        )
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "…"
    text = message.removeprefix("Value error, ")
    return "wrong_value", f"{text[:1].upper()}{text[1:]}; got {shown}.", "See docs/workflow-format.md for this key."


def _keys_around(loc: Sequence[int | str]) -> list[str]:
    """The keys of the part that holds the last step of `loc`."""
    part: type[BaseModel] = model.Document
    steps = iter(loc[:-1])
    for step in steps:
        kind, inner = _PARTS.get(part, {}).get(str(step), ("", part))
        if kind == "many":
            next(steps, None)
        part = inner
    return list(part.model_fields)
