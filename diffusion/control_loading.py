"""Control networks out of files, whatever they stand beside."""

from __future__ import annotations

from pathlib import Path

import torch

from diffusion.assembly.controls import flux_control, is_flux_control, is_sd3_control, sd3_control, unet_control
from diffusion.control import ControlNet
from diffusion.control_lora import MARK, control_lora
from diffusion.errors import UnknownModel, recognising
from diffusion.large_control import is_large_control, large_control
from diffusion.layouts.scaled_weights import with_scales_applied
from diffusion.network import Network, check_finite
from diffusion.picture_adapter import adapter_of, is_adapter
from diffusion.placement import default_device
from diffusion.tensor_file import open_tensors


def load_control(
    path: str | Path, *, device: torch.device | str | None = None, base: Network | None = None
) -> ControlNet:
    """Load a ControlNet for a U-Net, Stable Diffusion 3 or Flux, or a T2I-Adapter.

    Args:
        base: the U-Net that a file of differences is added to.
    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    file = open_tensors(path)
    check_finite(file, str(file.path))
    file, home = with_scales_applied(file), torch.device(device) if device is not None else default_device()
    with recognising(file.path):
        if "controlnet_blocks.0.linear.weight" in file:
            raise UnknownModel(
                f"'{file.path}' is MistoLine for Flux, whose network is not described anywhere and is not read here. "
                "Use a control network of InstantX, Shakker, AliMama or XLabs."
            )
        if MARK in file:
            return control_lora(file, str(file.path))
        if is_adapter(file):
            return adapter_of(file, home)
        if is_sd3_control(file):
            return sd3_control(file, home)
        if is_large_control(file):
            return large_control(file, home)
        if is_flux_control(file):
            return flux_control(file, home)
        return unet_control(file, home, base)


__all__ = ["load_control"]
