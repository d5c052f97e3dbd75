"""Host module `comfy_api.latest._io` (`io` for packs): the types, inputs and outputs of V3 schemas."""

from interop.v3.dynamic import Autogrow, DynamicCombo, MatchType
from interop.v3.node import ComfyNode
from interop.v3.schema import Hidden, HiddenHolder, NodeOutput, Schema
from interop.v3.sockets import Input, Output, WidgetInput, comfytype
from interop.v3.sockets import custom as Custom
from interop.v3.types import plain_types as _plain_types
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
    "NumberDisplay",
    "Output",
    "RemoteOptions",
    "Schema",
    "String",
    "UploadType",
    "WidgetInput",
    "comfytype",
]
