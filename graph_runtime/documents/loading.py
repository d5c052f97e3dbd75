"""Opening a workflow in any known format as our document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.arrange import arrange
from graph_runtime.documents.errors import DocumentProblem, UnreadableDocument, nearest
from graph_runtime.documents.model import FORMAT, Document, Node
from graph_runtime.documents.prompt_import import import_prompt, is_prompt
from graph_runtime.documents.reading import check_depth, read_document
from graph_runtime.documents.saved_import import import_saved
from graph_runtime.documents.scopes import check_definitions
from graph_runtime.documents.settle import settle
from graph_runtime.documents.types import Types


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
        layout = {"nodes": arrange(document.nodes, Types(catalogue))}
        document = read_document(document.to_data() | {"layout": layout})
    _note_unknown_inputs(document, catalogue, warnings)
    return Converted(document, tuple(warnings), source)


def _unknown(what: str) -> UnreadableDocument:
    return UnreadableDocument(
        f"This is no workflow that is known here. {what}",
        f'Open a document with "format": "{FORMAT}", a saved editor document, or an API prompt whose nodes all '
        'have "class_type".',
        code="unknown_format",
    )


def _note_unknown_inputs(
    document: Document, catalogue: Mapping[str, NodeSpec], warnings: list[DocumentProblem]
) -> None:
    types = Types(catalogue, document.definitions)
    _note_in("nodes", document.nodes, types, catalogue, warnings)
    for key, definition in (document.definitions or {}).items():
        _note_in(f"definitions.{key}.nodes", definition.nodes, types, catalogue, warnings)


def _note_in(
    path: str,
    nodes: Mapping[str, Node],
    types: Types,
    catalogue: Mapping[str, NodeSpec],
    warnings: list[DocumentProblem],
) -> None:
    for node_id, node in nodes.items():
        node_type = types.named(node.type)
        if node_type is None:
            what, fix = f"The node type {node.type!r} is not installed.", nearest(node.type, list(catalogue))
            warnings.append(DocumentProblem("unknown_type", f"{path}.{node_id}", what, fix, node_id))
            continue
        spec = catalogue.get(node.type)
        if spec is not None and spec.dynamic_inputs:
            continue
        declared = node_type.by_name
        for name in node.inputs:
            if name not in declared:
                what = f"{node_type.title} has no input {name!r}; it has no effect unless the node's pack reads it."
                place = f"{path}.{node_id}.inputs.{name}"
                warnings.append(
                    DocumentProblem("unknown_input", place, what, nearest(name, list(declared)), node_id, name)
                )
