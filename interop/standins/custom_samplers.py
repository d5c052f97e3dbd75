"""Host module `comfy_extras.nodes_custom_sampler`: nodes of custom sampling, and the values they make.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop.models.guider import Guider as _Guider


class Guider_Basic(_Guider):
    """Follows one conditioning, without guidance."""

    def set_conds(self, positive: Any, negative: Any = None) -> None:
        """Set the conditioning."""
        self.inner_set_conds({"positive": positive})


class Noise_EmptyNoise:
    """Noise that adds nothing."""

    def __init__(self) -> None:
        self.seed = 0

    def generate_noise(self, input_latent: Any) -> Any:
        """Zeros shaped like a latent's samples."""
        import torch

        return torch.zeros_like(input_latent["samples"], device="cpu")


class Noise_RandomNoise:
    """Noise that a seed decides."""

    def __init__(self, seed: Any) -> None:
        self.seed = seed

    def generate_noise(self, input_latent: Any) -> Any:
        """Noise shaped like a latent's samples."""
        from diffusion.sampling import prepare_noise

        return prepare_noise(input_latent["samples"], self.seed, input_latent.get("batch_index"))
