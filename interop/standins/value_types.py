"""Host modules `comfy_api.input`, `comfy_api.input_impl` and `comfy_api.util`: values that V3 nodes pass on."""

from interop.v3.values import (
    AudioInput,
    LatentInput,
    VideoCodec,
    VideoComponents,
    VideoContainer,
    VideoFromComponents,
    VideoFromFile,
    VideoInput,
)


class ImageInput:
    """Names a tensor [batch, height, width, 3] in annotations."""


class MaskInput:
    """Names a tensor [batch, height, width] in annotations."""


__all__ = [
    "AudioInput",
    "ImageInput",
    "LatentInput",
    "MaskInput",
    "VideoCodec",
    "VideoComponents",
    "VideoContainer",
    "VideoFromComponents",
    "VideoFromFile",
    "VideoInput",
]
