"""Opening a workflow in any known format as our document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.arrange import arrange
from graph_runtime.documents.errors import DocumentProblem, UnreadableDocument, nearest
from graph_runtime.documents.model import FORMAT, Document, Layout, Node
from graph_runtime.documents.prompt_import import import_prompt, is_prompt
from graph_runtime.documents.reading import MAX_PROBLEMS, check_depth, read_document
from graph_runtime.documents.saved_import import import_saved
from graph_runtime.documents.scopes import check_definitions
from graph_runtime.documents.settle import settle
from graph_runtime.documents.types import Types

_MAX_HINTS: Final = 20
_INSTALL: Final = "Install the pack that brings it, or replace the node."


@dataclass(frozen=True, slots=True)
class Converted:
    """A document with what could not be taken over exactly, and the format it came from."""

    document: Document
    warnings: tuple[DocumentProblem, ...]
    source: str


def load(data: object, catalogue: Mapping[str, NodeSpec]) -> Document:
    """Open plain data in any known format: our own, an API prompt, a saved editor document 0.4 or 1.

    Raises:
        InvalidDocument: if it is none of these, or broken; with every problem that was found.
    """
    return convert(data, catalogue).document


def convert(data: object, catalogue: Mapping[str, NodeSpec]) -> Converted:
    """As `load`, with warnings: dropped links, inputs that nobody declares, values that were left out.

    Raises:
        InvalidDocument: as `load`.
    """
    check_depth(data)
    if not isinstance(data, Mapping):
        raise _unknown("The data is not an object.")
    warnings: list[DocumentProblem] = []
    if "format" in data and not isinstance(data["format"], Mapping):
        source = "heddle"
        if data["format"] != FORMAT:
            raise _unknown(f"The format is {str(data['format'])[:80]!r}.")
        document = read_document(data)
    elif isinstance(data.get("nodes"), (list, tuple)):
        source = "saved"
        document = read_document(import_saved(data, catalogue, warnings))
    elif is_prompt(data):
        source = "prompt"
        document = read_document(import_prompt(data, catalogue, warnings))
    elif isinstance(data.get("prompt"), Mapping) and is_prompt(data["prompt"]):
        source = "prompt"
        document = read_document(import_prompt(data["prompt"], catalogue, warnings))
    else:
        keys = ", ".join(repr(str(key)[:40]) for key in list(data)[:6])
        raise _unknown(f"Its keys are {keys or 'none'}.")
    check_definitions(document.definitions or {})
    document = settle(document, catalogue)
    if source == "prompt":
        layout = Layout.model_validate({"nodes": arrange(document.nodes, Types(catalogue))})
        document = document.model_copy(update={"layout": layout})
    notes = _Notes(document, catalogue, warnings)
    notes.note("nodes", document.nodes)
    for key, definition in (document.definitions or {}).items():
        notes.note(f"definitions.{key}.nodes", definition.nodes)
    return Converted(document, tuple(warnings), source)


def _unknown(what: str) -> UnreadableDocument:
    return UnreadableDocument(
        f"This is no workflow that is known here. {what}",
        f'Open a document with "format": "{FORMAT}", a saved editor document, or an API prompt whose nodes all '
        'have "class_type".',
        code="unknown_format",
    )


class _Notes:
    """Warnings about types and inputs that the catalogue does not have."""

    def __init__(self, document: Document, catalogue: Mapping[str, NodeSpec], warnings: list[DocumentProblem]) -> None:
        self._types = Types(catalogue, document.definitions)
        self._catalogue = catalogue
        self._warnings = warnings
        self._hints: dict[str, str] = {}

    def note(self, path: str, nodes: Mapping[str, Node]) -> None:
        """Look at all nodes of one graph."""
        for node_id, node in nodes.items():
            node_type = self._types.named(node.type)
            if node_type is None:
                what = f"The node type {node.type!r} is not installed."
                place = f"{path}.{node_id}"
                self._warnings.append(DocumentProblem("unknown_type", place, what, self._hint(node.type), node_id))
                continue
            spec = self._catalogue.get(node.type)
            if spec is not None and spec.dynamic_inputs:
                continue
            declared = node_type.by_name
            for name in node.inputs:
                if name not in declared:
                    what = f"{node_type.title} has no input {name!r}; it has no effect unless the node's pack reads it."
                    place = f"{path}.{node_id}.inputs.{name}"
                    fix = nearest(name, list(declared)) if len(self._warnings) < MAX_PROBLEMS else "Check its name."
                    self._warnings.append(DocumentProblem("unknown_input", place, what, fix, node_id, name))

    def _hint(self, type_id: str) -> str:
        """The nearest installed type; searched for a few names only, for it takes its time."""
        if type_id not in self._hints:
            if len(self._hints) >= _MAX_HINTS:
                return _INSTALL
            near = get_close_matches(type_id[:200], list(self._catalogue), n=1, cutoff=0.75)
            self._hints[type_id] = f"{_INSTALL} Or did you mean {near[0]!r}?" if near else _INSTALL
        return self._hints[type_id]
