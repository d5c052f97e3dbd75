"""Host module `comfy_api.latest._io` (`io` for packs): the types, inputs and outputs of V3 schemas."""

from interop.v3.dynamic import Autogrow, DynamicCombo, MatchType
from interop.v3.node import ComfyNode
from interop.v3.replacement import NodeReplace
from interop.v3.schema import Hidden, HiddenHolder, NodeOutput, PriceBadge, PriceBadgeDepends, Schema
from interop.v3.sockets import Input, Output, WidgetInput, comfytype
from interop.v3.sockets import custom as Custom
from interop.v3.types import plain_types as _plain_types
from interop.v3.types import unknown_type as _unknown_type
from interop.v3.widgets import (
    Boolean,
    Combo,
    ControlAfterGenerate,
    Float,
    FolderType,
    Int,
    MultiCombo,
    MultiType,
    NumberDisplay,
    RemoteOptions,
    String,
    UploadType,
)

globals().update(_plain_types())


class ComfyTypeI:
    """Base of socket types that a pack declares: inputs only."""


class ComfyTypeIO(ComfyTypeI):
    """Base of socket types that a pack declares."""


def __getattr__(name: str) -> type:
    """A socket type of a newer version of the host: packs that use it load, and its sockets connect to their kind."""
    return _unknown_type(name)


InputV3, OutputV3, WidgetInputV3 = Input, Output, WidgetInput

__all__ = [
    "Autogrow",
    "Boolean",
    "Combo",
    "ComfyNode",
    "ComfyTypeI",
    "ComfyTypeIO",
    "ControlAfterGenerate",
    "Custom",
    "DynamicCombo",
    "Float",
    "FolderType",
    "Hidden",
    "HiddenHolder",
    "Input",
    "Int",
    "MatchType",
    "MultiCombo",
    "MultiType",
    "NodeOutput",
    "NodeReplace",
    "NumberDisplay",
    "Output",
    "PriceBadge",
    "PriceBadgeDepends",
    "RemoteOptions",
    "Schema",
    "String",
    "UploadType",
    "WidgetInput",
    "comfytype",
]
