"""Host module `comfy.lora_convert`: nothing is converted, because every layout of LoRA files is read as it is.

Source: pack_surface, tier 2.
"""

from typing import Any


def convert_lora(sd: Any) -> Any:
    """The same tensors."""
    return sd
