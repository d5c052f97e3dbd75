"""Video U-Nets out of a file: Stable Video Diffusion and SV3D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from diffusion.errors import UnknownModel
from diffusion.families.unet import UNetFamily
from diffusion.families.video import SIGMA_MAX, SIGMA_MIN, TOLD, VideoFamily
from diffusion.latents import SD1
from diffusion.layouts.renaming import renamed
from diffusion.layouts.video import VIDEO_MARK, read_video_unet
from diffusion.model import Model
from diffusion.placement import place
from diffusion.sampling.model_levels import continuous_levels
from diffusion.tensor_file import TensorFile


def is_video(file: TensorFile, prefix: str) -> bool:
    """Whether a video U-Net lies under a prefix."""
    return f"{prefix}{VIDEO_MARK}" in file


def video_model(
    file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None, config: Mapping[str, Any],
    storage: torch.dtype | None = None,
) -> Model:  # fmt: skip
    """Stable Video Diffusion (14 or 25 frames), or SV3D with or without a camera.

    Args:
        config: what the file says about itself; empty for published models.
        storage: dtype the weights are kept in; None chooses.
    Raises:
        ModelFileError: if it is unknown or incomplete.
    """
    from diffusion.video_networks import VideoUNet

    layout = read_video_unet({name[len(prefix) :]: file.shape(name) for name in file if name.startswith(prefix)})
    heads = config.get("unet", {}).get("num_attention_heads", layout.config["num_attention_heads"])
    arguments = {**layout.config, "num_attention_heads": heads}
    width, channels = arguments["projection_class_embeddings_input_dim"], arguments["in_channels"]
    if width not in TOLD or channels != 2 * SD1.channels:
        known = ", ".join(f"{wide} ({name})" for wide, (name, _) in TOLD.items())
        raise UnknownModel(
            f"a video U-Net of {channels} input channels that is told {width} numbers, which is no kind that is "
            f"known; there are {2 * SD1.channels} channels, and numbers are {known}"
        )
    weights = renamed(file, file, layout.table, prefix)
    where = place(weights, device, dtype, storage)
    network = where.network(lambda: VideoUNet(**arguments), weights, str(file.path), names=layout.table)
    name, told = TOLD[width]
    family = VideoFamily(UNetFamily(name, SD1, channels, arguments["cross_attention_dim"]), told)
    return Model(network, family, continuous_levels("v_prediction", SIGMA_MIN, SIGMA_MAX))


__all__ = ["is_video", "video_model"]
