"""Names of weights as packs know them: the published ones, which files of checkpoints use."""

from __future__ import annotations

from diffusion.layouts.renaming import rename, reverse
from diffusion.network import Network

__all__ = ["NETWORK", "original_names", "tower_names"]

NETWORK = "diffusion_model."
"""What names of weights of the denoising network begin with."""


def original_names(network: Network) -> dict[str, str]:
    """Parameter of a denoising network → its published name."""
    back = reverse(network.names) if network.names else {}
    return {name: NETWORK + (rename(name, back) or name) for name in network.parameter_names()}


def tower_names(tower: str, network: Network) -> dict[str, str]:
    """Parameter of a text encoder → its published name."""
    if tower == "t5xxl":
        return {name: f"t5xxl.transformer.{name}" for name in network.parameter_names()}
    return {name: f"clip_{tower}.transformer.text_model.{name}" for name in network.parameter_names()}
