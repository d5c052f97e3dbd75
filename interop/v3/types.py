"""The socket types of the V3 API by their names there.

Source: protocol §5.3.
"""

from __future__ import annotations

from interop.v3.sockets import comfytype

__all__ = ["PLAIN_TYPES", "plain_types"]

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
}  # fmt: skip
"""Name in `io` → socket type, for types without a widget of their own."""


def plain_types() -> dict[str, type]:
    """A fresh class for each plain type."""
    return {name: comfytype(kind)(type(name, (), {"__doc__": f"{kind} values."})) for name, kind in PLAIN_TYPES.items()}
