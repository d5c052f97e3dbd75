"""What authors of nodes import, and nothing else.

from graph_runtime.api import Context, Range, Socket, node
"""

from __future__ import annotations

from graph_runtime.behaviour import Blocker, Result
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue, InputSpec, NodeSpec, OutputSpec
from graph_runtime.context import Context
from graph_runtime.declare import node, spec_of
from graph_runtime.errors import Cancelled, DeclarationError, HeddleError
from graph_runtime.expansion import Subgraph
from graph_runtime.files import SavedFile
from graph_runtime.native import Refused
from graph_runtime.sockets import (
    OPTIONAL,
    Alias,
    AnyType,
    Choice,
    FileIn,
    Hidden,
    Lazy,
    Many,
    Options,
    Output,
    Range,
    Ref,
    Seed,
    ShowIf,
    Socket,
    Text,
)

__all__ = [
    "OPTIONAL",
    "Alias",
    "AnyType",
    "Blocker",
    "CancelToken",
    "Cancelled",
    "Catalogue",
    "Choice",
    "Context",
    "DeclarationError",
    "FileIn",
    "HeddleError",
    "Hidden",
    "InputSpec",
    "Lazy",
    "Many",
    "NodeSpec",
    "Options",
    "Output",
    "OutputSpec",
    "Range",
    "Ref",
    "Refused",
    "Result",
    "SavedFile",
    "Seed",
    "ShowIf",
    "Socket",
    "Subgraph",
    "Text",
    "node",
    "spec_of",
]
