"""What a person types for the moment of running: `{red|blue}` picks one, `%date:yyyy-MM-dd%` is today.

Editors of this family do this when a workflow is queued, so whoever runs a document as a person would has to. An
API prompt has been through it already and is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.model import Document

_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"%([^%\n]{1,200})%")
_FORBIDDEN: Final = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_DATE_TOKEN: Final = re.compile(r"d{1,2}|h{1,2}|m{1,2}|s{1,2}|M{1,2}|yyyy|yy")
_PREFIX: Final = "filename_prefix"

Choose = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Texts:
    """How texts are expanded.

    Attributes:
        choose: picks one of several texts; `random.choice` for a person, something fixed for a test.
        now: what `%date:…%` means.
    """

    choose: Choose
    now: datetime

    def expand(
        self, prompt: Mapping[str, dict[str, Any]], document: Document, catalogue: Mapping[str, NodeSpec]
    ) -> dict[str, dict[str, Any]]:
        """The prompt of a document with its dynamic prompts chosen and its file names filled in."""
        names = _names(prompt, document)
        expanded = {}
        for node_id, node in prompt.items():
            spec = catalogue.get(node["class_type"])
            inputs = dict(node["inputs"])
            for name, value in inputs.items():
                declared = spec.by_name.get(name) if spec is not None else None
                if not isinstance(value, str) or declared is None:
                    continue
                if declared.options.get("dynamicPrompts"):
                    inputs[name] = dynamic_prompt(value, self.choose)
                elif name == _PREFIX and "%" in value:
                    inputs[name] = self._filled(value, prompt, names)
            expanded[node_id] = {**node, "inputs": inputs}
        return expanded

    def _filled(self, text: str, prompt: Mapping[str, dict[str, Any]], names: Mapping[str, str]) -> str:
        def replace(match: re.Match[str]) -> str:
            inner = match[1]
            if inner == "date" or inner.startswith("date:"):
                return format_date(self.now, inner.partition(":")[2] or "yyyyMMddhhmmss")
            owner, dot, widget = inner.rpartition(".")
            node_id = names.get(owner) if dot else None
            value = prompt[node_id]["inputs"].get(widget) if node_id is not None else None
            if value is None or isinstance(value, (list, dict)):
                return match[0]
            return _FORBIDDEN.sub("_", str(value))

        return _PLACEHOLDER.sub(replace, text)


def dynamic_prompt(text: str, choose: Choose) -> str:
    r"""Pick one of every `{a|b}`, from the inside out; drop `//` and `/* */` comments; `\{`, `\|`, `\}` are literal.

    A brace that is never closed reaches to the end.
    """
    text = _COMMENT.sub("", text)
    open_blocks: list[list[list[str]]] = []
    current: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\" and text[at : at + 1] in ("{", "}", "|"):
            current.append(text[at])
            at += 1
        elif char == "{":
            open_blocks.append([current])
            current = []
        elif char == "|" and open_blocks:
            open_blocks[-1].append(current)
            current = []
        elif char == "}" and open_blocks:
            current = _closed(open_blocks.pop(), current, choose)
        else:
            current.append(char)
    while open_blocks:
        current = _closed(open_blocks.pop(), current, choose)
    return "".join(current)


def _closed(block: list[list[str]], last: list[str], choose: Choose) -> list[str]:
    before, *options = block
    before.append(choose(["".join(option) for option in (*options, last)]))
    return before


def format_date(now: datetime, pattern: str) -> str:
    """A date in the pattern of file name placeholders: `yyyy`, `yy`, `M`, `d`, `h`, `m`, `s`, doubled with a zero."""
    parts = {"d": now.day, "h": now.hour, "m": now.minute, "s": now.second, "M": now.month}

    def replace(match: re.Match[str]) -> str:
        token = match[0]
        if token[0] == "y":
            return f"{now.year:04}"[-len(token) :]
        return f"{parts[token[0]]:0{len(token)}}"

    return _DATE_TOKEN.sub(replace, pattern)


def _names(prompt: Mapping[str, dict[str, Any]], document: Document) -> dict[str, str]:
    """What placeholders may call a node: its own name for them, its type, its title; the first of a name counts."""
    found: dict[str, str] = {}
    for node_id in prompt:
        own = document.nodes.get(node_id)
        alias = ((own.kept or {}).get("properties") or {}) if own is not None else {}
        name = alias.get("Node name for S&R") if isinstance(alias, Mapping) else None
        if isinstance(name, str):
            found.setdefault(name, node_id)
    for key in ("class_type", "title"):
        for node_id, node in prompt.items():
            found.setdefault(node["class_type"] if key == "class_type" else node["_meta"]["title"], node_id)
    return found
