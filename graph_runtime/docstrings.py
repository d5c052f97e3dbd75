"""Reading Google-style docstrings of nodes: a summary, texts for arguments, texts for outputs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Docstring", "read_docstring"]

_SECTION = re.compile(r"(Args|Returns|Raises|Source|Yields|Example|Examples|Note|Notes):\s*$")
_ENTRY = re.compile(r"([A-Za-z_*][\w ,*]*?)\s*(?:\([^)]*\))?:\s+(.*)$")


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says: everything before the first section, then argument and output texts by name."""

    summary: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)


def read_docstring(function: Callable[..., Any]) -> Docstring:
    """Read a function's docstring; absent parts are empty."""
    text = inspect.cleandoc(function.__doc__ or "")
    sections: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        match = _SECTION.match(line)
        if match:
            name = match[1]
            sections.setdefault(name, [])
        else:
            sections[name].append(line)
    summary = "\n".join(sections[""]).strip()
    return Docstring(summary, _entries(sections.get("Args", [])), _entries(sections.get("Returns", [])))


def _entries(lines: list[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        match = _ENTRY.match(line.strip()) if 0 < indent <= 4 else None
        if match:
            names = [name.strip(" *") for name in match[1].split(",")]
            texts.update(dict.fromkeys(names, match[2].strip()))
        elif names and line.strip():
            texts.update({name: f"{texts[name]} {line.strip()}" for name in names})
    return texts
