"""Workflows that ship with the project, to start from: one list for our own API and for established clients.

Blocking: call in a thread.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from server.errors import Refused
from server.settings import PROJECT

__all__ = ["DEFAULT", "Template", "picture_of", "template_path", "templates"]

_FOLDER = PROJECT / "workflows"
_PICTURES = _FOLDER / "pictures"
DEFAULT = "text-to-image"
"""The workflow that the editor opens with."""


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow to start from.

    Attributes:
        id: its name in addresses.
        order: where it stands in the list (`meta.order`).
        has_picture: whether there is a small picture of what it gives.
    """

    id: str
    name: str
    description: str
    order: float
    has_picture: bool


def templates() -> list[Template]:
    """All of them, in the order in which people are shown them."""
    return sorted((_described(path) for path in sorted(_FOLDER.glob("*.json"))), key=lambda one: one.order)


def template_path(id: str) -> Path:
    """The file of a workflow.

    Raises:
        Refused: 404, naming those that there are.
    """
    return _file(id, _FOLDER, "json", "workflow")


def picture_of(id: str) -> Path:
    """The picture of what a workflow gives.

    Raises:
        Refused: 404, naming those that there are.
    """
    return _file(id, _PICTURES, "webp", "picture of a workflow")


def _file(id: str, folder: Path, ending: str, what: str) -> Path:
    known = {path.stem: path for path in sorted(folder.glob(f"*.{ending}"))}
    if id not in known:
        raise Refused(404, "no_such_template", f"There is no {what} {id!r}.", f"There are {', '.join(known)}.")
    return known[id]


def _described(path: Path) -> Template:
    data = json.loads(path.read_text(encoding="utf-8"))
    meta = data.get("meta", {})
    return Template(
        id=path.stem,
        name=data.get("name") or path.stem.replace("-", " "),
        description=meta.get("description", ""),
        order=meta.get("order", float("inf")),
        has_picture=(_PICTURES / f"{path.stem}.webp").is_file(),
    )
