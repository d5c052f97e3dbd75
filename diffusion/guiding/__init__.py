"""Other ways to guide: functions for a model's hooks that change, project or add to classifier-free guidance."""

from diffusion.guiding.added import perturbed_attention, self_attention, skipped_layers, unguided_skipping
from diffusion.guiding.changed import (
    frequency_scaled,
    gradual_mask,
    norm_limited,
    positive_leaning,
    projected,
    renormalised,
    rescaled,
    tangential,
    zero_star,
)

__all__ = [
    "frequency_scaled",
    "gradual_mask",
    "norm_limited",
    "perturbed_attention",
    "positive_leaning",
    "projected",
    "renormalised",
    "rescaled",
    "self_attention",
    "skipped_layers",
    "tangential",
    "unguided_skipping",
    "zero_star",
]
