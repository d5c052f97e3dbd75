"""Host module `comfy.sd`: loading models from files.

Source: pack_surface, tier 2.
"""

import enum
from typing import Any

from interop.late_names import late_names as _late_names


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


__getattr__ = _late_names({"CLIP": "text.ClipHandle", "VAE": "autoencoder.VaeHandle"})


def _tensors(state: Any, metadata: Any = None) -> Any:
    from diffusion.tensor_file import TensorsInMemory

    return TensorsInMemory(state, "tensors of a pack", metadata)


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
    from diffusion.loading import load_checkpoint
    from interop.models import lend_one

    found = load_checkpoint(ckpt_path, embeddings=_folders(embedding_directory))
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


def _folders(directories: Any) -> Any:
    from pathlib import Path

    return [Path(path) for path in ([directories] if isinstance(directories, str) else directories or ())]


def load_state_dict_guess_config(
    sd: Any,
    output_vae: Any = True,
    output_clip: Any = True,
    output_clipvision: Any = False,
    embedding_directory: Any = None,
    output_model: Any = True,
    model_options: Any = None,
    te_model_options: Any = None,
    metadata: Any = None,
) -> Any:
    """Load a checkpoint from its tensors; see `load_checkpoint_guess_config`."""
    return load_checkpoint_guess_config(
        _tensors(sd, metadata), output_vae, output_clip, output_clipvision, embedding_directory, output_model
    )


def load_diffusion_model(unet_path: Any, model_options: Any = None) -> Any:
    """Load a denoising network from a file of its own."""
    from diffusion.loading import load_diffusion_model as load
    from interop.models import lend_one

    return lend_one(load(unet_path, dtype=(model_options or {}).get("dtype")))


def load_diffusion_model_state_dict(sd: Any, model_options: Any = None, metadata: Any = None) -> Any:
    """Load a denoising network from its tensors."""
    return load_diffusion_model(_tensors(sd, metadata), model_options)


load_unet, load_unet_state_dict = load_diffusion_model, load_diffusion_model_state_dict


def load_clip(
    ckpt_paths: Any,
    embedding_directory: Any = None,
    clip_type: Any = CLIPType.STABLE_DIFFUSION,
    model_options: Any = None,
) -> Any:
    """Load text encoders that lie in files of their own.

    Args:
        clip_type: the family that they are joined for.
    Raises:
        NotSupported: for a family that this engine does not have.
    """
    from diffusion.loading import load_text_encoders
    from interop.errors import NotSupported
    from interop.models import lend_one

    known = {CLIPType.SD3: "sd3", CLIPType.FLUX: "flux"}
    known[CLIPType.STABLE_DIFFUSION] = "sdxl" if len(ckpt_paths) == 2 else "stable_diffusion"
    if clip_type not in known:
        raise NotSupported(f"comfy.sd.load_clip(clip_type={clip_type})", "called")
    return lend_one(load_text_encoders(list(ckpt_paths), known[clip_type], embeddings=_folders(embedding_directory)))


def load_text_encoder_state_dicts(
    state_dicts: Any,
    embedding_directory: Any = None,
    clip_type: Any = CLIPType.STABLE_DIFFUSION,
    model_options: Any = None,
) -> Any:
    """Load text encoders from their tensors."""
    return load_clip([_tensors(one) for one in state_dicts], embedding_directory, clip_type, model_options)


def load_style_model(ckpt_path: Any) -> Any:
    """Load a style model."""
    from diffusion.vision.style import load_style_model as load
    from interop.models import lend_one

    return lend_one(load(ckpt_path))


def load_controlnet(ckpt_path: Any, model: Any = None) -> Any:
    """Load a control network."""
    from comfy.controlnet import load_controlnet as load

    return load(ckpt_path, model)
