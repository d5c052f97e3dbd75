"""The socket types of the V3 API by their names there.

Source: protocol §5.3.
"""

from __future__ import annotations

import re
from typing import Any

from interop.v3.sockets import comfytype
from interop.v3.values import AudioInput, LatentInput

__all__ = ["PLAIN_TYPES", "plain_types", "unknown_type"]

PLAIN_TYPES = {
    "AnyType": "*", "Image": "IMAGE", "Mask": "MASK", "Latent": "LATENT", "Conditioning": "CONDITIONING",
    "Sampler": "SAMPLER", "Sigmas": "SIGMAS", "Noise": "NOISE", "Guider": "GUIDER", "Clip": "CLIP",
    "ControlNet": "CONTROL_NET", "Vae": "VAE", "Model": "MODEL", "ClipVision": "CLIP_VISION",
    "ClipVisionOutput": "CLIP_VISION_OUTPUT", "AudioEncoder": "AUDIO_ENCODER",
    "AudioEncoderOutput": "AUDIO_ENCODER_OUTPUT", "StyleModel": "STYLE_MODEL", "Gligen": "GLIGEN",
    "UpscaleModel": "UPSCALE_MODEL", "Audio": "AUDIO", "Video": "VIDEO", "SVG": "SVG", "LoraModel": "LORA_MODEL",
    "LossMap": "LOSS_MAP", "Voxel": "VOXEL", "Mesh": "MESH", "Hooks": "HOOKS", "HookKeyframes": "HOOK_KEYFRAMES",
    "TimestepsRange": "TIMESTEPS_RANGE", "LatentOperation": "LATENT_OPERATION", "FlowControl": "FLOW_CONTROL",
    "Accumulation": "ACCUMULATION", "Load3DCamera": "LOAD3D_CAMERA", "Load3D": "LOAD_3D",
    "Load3DAnimation": "LOAD_3D_ANIMATION", "Photomaker": "PHOTOMAKER", "Point": "POINT",
    "FaceAnalysis": "FACE_ANALYSIS", "BBOX": "BBOX", "SEGS": "SEGS", "Webcam": "WEBCAM",
    "WanCameraEmbedding": "WAN_CAMERA_EMBEDDING", "ModelPatch": "MODEL_PATCH", "BoundingBox": "BOUNDING_BOX",
    "Color": "COLOR", "Curve": "CURVE", "Tracks": "TRACKS", "ImageCompare": "IMAGECOMPARE", "File3DAny": "FILE_3D",
    "File3DGLB": "FILE_3D_GLB", "File3DGLTF": "FILE_3D_GLTF", "File3DFBX": "FILE_3D_FBX", "File3DOBJ": "FILE_3D_OBJ",
    "File3DSTL": "FILE_3D_STL", "File3DUSDZ": "FILE_3D_USDZ", "Histogram": "HISTOGRAM", "Range": "RANGE",
    "LatentUpscaleModel": "LATENT_UPSCALE_MODEL",
}  # fmt: skip
"""Name in `io` → socket type, for types without a widget of their own."""


_MEMBERS: dict[str, dict[str, Any]] = {
    "Latent": {"LatentDict": LatentInput},
    "Audio": {"AudioDict": AudioInput},
    "Conditioning": {"CondList": list[tuple[Any, dict[str, Any]]]},
}
"""Types that packs name in annotations by a class of `io`."""


def plain_types() -> dict[str, type]:
    """A fresh class for each plain type."""
    return {
        name: comfytype(kind)(type(name, (), {"__doc__": f"{kind} values.", **_MEMBERS.get(name, {})}))
        for name, kind in PLAIN_TYPES.items()
    }


def unknown_type(name: str) -> type:
    """A class for a type that only newer hosts have, by its name there: "DepthField" is "DEPTH_FIELD".

    Raises:
        AttributeError: for what is no name of a type.
    """
    if not re.fullmatch(r"(?:[A-Z][a-z0-9]+)+", name):
        raise AttributeError(f"module 'comfy_api.latest._io' has no attribute {name!r}")
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
    made: type = comfytype(kind)(type(name, (), {"__doc__": f"{kind} values."}))
    return made
