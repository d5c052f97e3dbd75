"""Host module `comfy.sampler_helpers`: conditioning and masks on their way into a run.

Source: pack_surface, tier 2.
"""

import uuid
from typing import Any

__all__ = ["uuid"]


def prepare_mask(noise_mask: Any, shape: Any, device: Any) -> Any:
    """A mask of any size, like a latent: [batch, channels, height, width]."""
    import torch

    from diffusion.sampling.inpaint import latent_mask

    return latent_mask(noise_mask, torch.empty(tuple(shape), device=device))


def convert_cond(cond: Any) -> Any:
    """[embedding, options] pairs as dictionaries."""
    from interop.models.conditions import as_dictionaries

    return as_dictionaries(cond)


def get_models_from_cond(cond: Any, model_type: Any) -> Any:
    """What the dictionaries of a conditioning have under a name."""
    return [item[model_type] for item in cond if item.get(model_type) is not None]


def get_additional_models(conds: Any, dtype: Any = None) -> Any:
    """(models, bytes) that a run needs besides the model: control networks bring themselves into place here."""
    return [], 0


def get_additional_models_from_model_options(model_options: Any = None) -> Any:
    """Models that model options need besides: none."""
    return []


def cleanup_additional_models(models: Any) -> None:
    """Nothing: models that nobody uses are freed by themselves."""


def cleanup_models(conds: Any, models: Any) -> None:
    """Nothing: models that nobody uses are freed by themselves."""


def prepare_sampling(
    model: Any, noise_shape: Any, conds: Any, model_options: Any = None, force_full_load: Any = False, **rest: Any
) -> Any:
    """(the inside of a model for one run, the conditioning, further models)."""
    return model.model_of_run(), conds, []
