"""Host module `comfy.lora`: LoRA files.

Source: pack_surface, tier 2.
"""

from typing import Any


def model_lora_keys_unet(model: Any, key_map: Any = None) -> Any:
    """The names of layers that a LoRA can have; layers are found when the LoRA is applied, so none are added here."""
    return {} if key_map is None else key_map


model_lora_keys_clip = model_lora_keys_unet


def load_lora(lora: Any, to_load: Any = None, log_missing: Any = True) -> Any:
    """The patches of a LoRA's tensors, for `add_patches`."""
    from interop.models.lora import read_patches

    return read_patches(lora)
