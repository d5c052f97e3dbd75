"""Host module `comfy.sd`: loading models from files.

Source: pack_surface, tier 2.
"""

import enum
from typing import Any


class CLIPType(enum.Enum):
    """Families of text encoders."""

    STABLE_DIFFUSION = 1
    STABLE_CASCADE = 2
    SD3 = 3
    STABLE_AUDIO = 4
    HUNYUAN_DIT = 5
    FLUX = 6
    MOCHI = 7
    LTXV = 8
    HUNYUAN_VIDEO = 9
    PIXART = 10
    COSMOS = 11
    LUMINA2 = 12
    WAN = 13
    HIDREAM = 14
    CHROMA = 15
    ACE = 16
    OMNIGEN2 = 17
    QWEN_IMAGE = 18
    HUNYUAN_IMAGE = 19


def load_checkpoint_guess_config(
    ckpt_path: Any,
    output_vae: Any = True,
    output_clip: Any = True,
    output_clipvision: Any = False,
    embedding_directory: Any = None,
    output_model: Any = True,
    model_options: Any = None,
    te_model_options: Any = None,
) -> Any:
    """Load a checkpoint.

    Args:
        embedding_directory: folder or folders with embeddings for prompts.
    Returns:
        (model, clip, vae, clip vision); what was not asked for, or is not in the file, is None.
    Raises:
        ModelFileError: if the file is damaged or of an unknown kind.
    """
    from pathlib import Path

    from diffusion.loading import load_checkpoint
    from interop.models import lend_one

    if isinstance(embedding_directory, str):
        embedding_directory = [embedding_directory]
    found = load_checkpoint(ckpt_path, embeddings=[Path(path) for path in embedding_directory or ()])
    model = lend_one(found.model) if output_model else None
    clip = lend_one(found.clip) if output_clip else None
    vae = lend_one(found.vae) if output_vae else None
    return model, clip, vae, None


def load_checkpoint(
    config_path: Any = None,
    ckpt_path: Any = None,
    output_vae: Any = True,
    output_clip: Any = True,
    embedding_directory: Any = None,
) -> Any:
    """Load a checkpoint; the configuration file is not needed. Returns (model, clip, vae)."""
    return load_checkpoint_guess_config(ckpt_path, output_vae, output_clip, False, embedding_directory)[:3]


def load_lora_for_models(model: Any, clip: Any, lora: Any, strength_model: Any, strength_clip: Any) -> Any:
    """A model and a text encoder with a LoRA's tensors added; either may be None."""
    from interop.models import take_back
    from interop.models.lora import clip_keys, model_keys, read_patches

    keys = {} if model is None else model_keys(take_back(model))
    keys |= {} if clip is None else clip_keys(take_back(clip))
    patches = read_patches(lora, keys)
    changed = [None if one is None else one.clone() for one in (model, clip)]
    for one, strength in zip(changed, (strength_model, strength_clip), strict=True):
        if one is not None and strength:
            one.add_patches(patches, strength)
    return changed[0], changed[1]
