"""Host modules `comfy_api.latest`, `comfy_api.v0_0_1` and `comfy_api.v0_0_2`: the V3 schema API.

Source: protocol §5.3.
"""

import importlib as _importlib
from types import SimpleNamespace as _Names

from interop.v3 import values as _values
from interop.v3.api import ComfyAPI, ComfyAPISync, ComfyExtension

io = comfy_io = _importlib.import_module("comfy_api.latest._io")
ui = _importlib.import_module("comfy_api.latest._ui")


class _Tensor:
    """Names a tensor in annotations."""


Input = _Names(
    Image=_Tensor, Mask=_Tensor, Audio=_values.AudioInput, Latent=_values.LatentInput, Video=_values.VideoInput
)
InputImpl = _Names(VideoFromFile=_values.VideoFromFile, VideoFromComponents=_values.VideoFromComponents)
Types = _Names(
    VideoCodec=_values.VideoCodec, VideoContainer=_values.VideoContainer, VideoComponents=_values.VideoComponents,
    MESH=_values.Mesh, VOXEL=_values.Voxel, File3D=_values.File3D,
)  # fmt: skip
IO, UI = io, ui
ComfyAPI_latest = ComfyAPI

__all__ = ["ComfyAPI", "ComfyAPISync", "ComfyExtension", "Input", "InputImpl", "Types", "comfy_io", "io", "ui"]
