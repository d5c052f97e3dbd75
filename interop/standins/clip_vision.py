"""Host module `comfy.clip_vision`: encoders of pictures.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop.late_names import late_names as _late_names

__getattr__ = _late_names(
    {
        "ClipVisionModel": "vision.VisionHandle",
        "Output": "vision.Output",
        "clip_preprocess": "vision.clip_preprocess",
    }
)


def load(ckpt_path: Any) -> Any:
    """Load an encoder of pictures from its file.

    Raises:
        ModelFileError: if the file is damaged or of an unknown kind.
    """
    from diffusion.vision.encoder import load_picture_encoder
    from interop.models import lend_one

    return lend_one(load_picture_encoder(ckpt_path))


def load_clipvision_from_sd(sd: Any, prefix: Any = "", convert_keys: Any = False) -> Any:
    """An encoder of pictures out of tensors, in any layout that is known."""
    from interop.models.vision import load_from_tensors

    return load_from_tensors(sd, prefix)
