"""Host module `comfy.lora`: LoRA files.

Source: pack_surface, tier 2.
"""

from typing import Any


def model_lora_keys_unet(model: Any, key_map: Any = None) -> Any:
    """Names that LoRA files have for layers of a model's network → names of their weights, added to `key_map`."""
    from interop.models import take_back
    from interop.models.lora import model_keys

    own = getattr(model, "heddle_model", None)
    found = {} if key_map is None else key_map
    found.update(model_keys(take_back(model) if own is None else own))
    return found


def model_lora_keys_clip(model: Any, key_map: Any = None) -> Any:
    """Names that LoRA files have for layers of text encoders → names of their weights, added to `key_map`."""
    from interop.models.lora import clip_keys

    found = {} if key_map is None else key_map
    found.update(clip_keys(model.heddle_encoder))
    return found


def load_lora(lora: Any, to_load: Any, log_missing: Any = True) -> Any:
    """The changes of a LoRA's tensors by weight, for `add_patches`."""
    from interop.models.lora import read_patches

    return read_patches(lora, to_load)


def calculate_weight(patches: Any, weight: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
    """A weight with patches applied: (strength, change, factor of the weight, offset, function) each."""
    from interop.models.weights import calculate_weight as calculate

    return calculate(patches, weight, key, *args, **kwargs)
