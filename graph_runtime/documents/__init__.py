"""Workflow documents: our own format and every other that people have.

document = load(read_json(text), catalogue)
graph = document.to_graph(catalogue)
"""

from graph_runtime.documents.errors import DocumentProblem, InvalidDocument, UnreadableDocument
from graph_runtime.documents.flatten import to_prompt
from graph_runtime.documents.loading import Converted, convert, load
from graph_runtime.documents.media import Embedded, read_media
from graph_runtime.documents.model import FORMAT, VERSION, Document
from graph_runtime.documents.reading import read_json
from graph_runtime.documents.saved_export import to_saved
from graph_runtime.documents.texts import Texts

__all__ = [
    "FORMAT",
    "VERSION",
    "Converted",
    "Document",
    "DocumentProblem",
    "Embedded",
    "InvalidDocument",
    "Texts",
    "UnreadableDocument",
    "convert",
    "load",
    "read_json",
    "read_media",
    "to_prompt",
    "to_saved",
]
