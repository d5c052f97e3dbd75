"""Models as files again: the original key layouts, so that every program of the field can read them.

Weights are written as the model's patches (LoRA, merges) make them, in the dtype they are kept in.
"""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

from diffusion.autoencoder import Autoencoder
from diffusion.errors import ModelFileError
from diffusion.families.unclip import UnclipFamily
from diffusion.families.video import VideoFamily
from diffusion.families.zero123 import Zero123Family
from diffusion.latents import NormalizedFormat
from diffusion.layouts.clip import blocks_in_open_clip
from diffusion.layouts.clip_vision import IN_CHECKPOINT, in_open_clip
from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.transformers import TransformerLayout
from diffusion.layouts.video import OF_VIEWS
from diffusion.model import Model
from diffusion.network import Patches
from diffusion.sampling.prediction import Kind, LogPrediction
from diffusion.tensor_file import dtype_name
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import ClipTower, Tower
from diffusion.vision.encoder import PictureEncoder

ZERO_SNR_ABOVE = 1000.0  # a schedule whose last level is pure noise ends in the thousands, others near 15
NETWORK, FIRST_STAGE = "model.diffusion_model.", "first_stage_model."
_IN_CHECKPOINT = {
    ("l",): {"l": "cond_stage_model.transformer."},
    ("h",): {"h": "cond_stage_model.model."},
    ("l", "g"): {"l": "conditioner.embedders.0.transformer.", "g": "conditioner.embedders.1.model."},
    ("g",): {"g": "conditioner.embedders.0.model."},
}
"""Where a checkpoint keeps its text encoders."""
_OF_TRANSFORMERS = {
    "l": "text_encoders.clip_l.transformer.",
    "g": "text_encoders.clip_g.transformer.",
    "t5xxl": "text_encoders.t5xxl.transformer.",
}
"""Where those of Stable Diffusion 3 and Flux keep them."""
_VISIONS = {
    UnclipFamily: IN_CHECKPOINT["unclip"], VideoFamily: IN_CHECKPOINT["video"], Zero123Family: IN_CHECKPOINT["zero123"],
}  # fmt: skip
"""Where a checkpoint that is shown pictures keeps their encoder."""


def network_tensors(model: Model) -> dict[str, Tensor]:
    """The denoising network under its original names, without a prefix; layers that were cut are whole again."""
    network = model.network
    weights = {name: network.patched_weight(name, model.patches) for name in network.parameter_names()}
    return TransformerLayout(network.names, network.pieces).restore(weights)


def autoencoder_tensors(vae: Autoencoder) -> dict[str, Tensor]:
    """An autoencoder under its original names, without a prefix.

    Raises:
        ModelFileError: for anything but the KL autoencoder of the Stable Diffusion and Flux families.
    """
    if not vae.network.names:
        raise ModelFileError(f"An autoencoder of the kind {type(vae.codec).__name__} cannot be written.")
    back = reverse(vae.network.names)
    result = {}
    for name in vae.network.parameter_names():
        original, weight = rename(name, back), vae.network.patched_weight(name, vae.patches)
        assert original is not None, f"'{name}' came from a file and has a name there"
        result[original] = weight
    return as_convolutions(result)


def as_convolutions(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An autoencoder's tensors with its attention as the original layout has it: as 1×1 convolutions."""
    attends = re.compile(r"\.attn_\d\.(q|k|v|proj_out)\.weight$")
    return {
        name: one[..., None, None] if one.ndim == 2 and attends.search(name) else one for name, one in tensors.items()
    }


def text_tensors(clip: TextEncoder) -> dict[str, dict[str, Tensor]]:
    """Each text encoder under the names of transformers, by the encoder's own name."""
    return {tower.name: _transformers(tower, clip.patches.get(tower.name, Patches())) for tower in clip.towers}


def checkpoint_tensors(
    model: Model, clip: TextEncoder | None, vae: Autoencoder | None, vision: PictureEncoder | None = None
) -> dict[str, Tensor]:
    """A whole checkpoint of the original layout.

    Raises:
        ModelFileError: for networks, or encoders of texts or pictures, that no such layout has a place for.
    """
    result = {f"{NETWORK}{name}": tensor for name, tensor in network_tensors(model).items()} | _marks(model)
    if vae is not None:
        first_stage = OF_VIEWS if model.family.name.startswith("sv3d") else FIRST_STAGE
        result |= {f"{first_stage}{name}": tensor for name, tensor in autoencoder_tensors(vae).items()}
    if vision is not None:
        result |= _vision_tensors(model, vision)
    if clip is None:
        return result
    places = _IN_CHECKPOINT.get(tuple(tower.name for tower in clip.towers))
    if model.family.name in ("sd3", "flux"):
        places = _OF_TRANSFORMERS
    if places is None:
        names = ", ".join(tower.name for tower in clip.towers)
        raise ModelFileError(f"No checkpoint of this kind has room for the text encoders {names}. Save them apart.")
    for tower in clip.towers:
        patches = clip.patches.get(tower.name, Patches())
        place = places[tower.name]
        found = _open_clip(tower, patches) if place.endswith("model.") else _transformers(tower, patches)
        result |= {f"{place}{name}": tensor for name, tensor in found.items()}
    return result


def _vision_tensors(model: Model, vision: PictureEncoder) -> dict[str, Tensor]:
    place = next((place for kind, place in _VISIONS.items() if isinstance(model.family, kind)), None)
    network = vision.network
    if place is None or vision.siglip:
        raise ModelFileError(
            f"No checkpoint of this kind ({model.family.name}) has room for this encoder of pictures. Save the model "
            "without it."
        )
    return {
        f"{place}{name}": weight
        for name, weight in in_open_clip({one: network.weights[one] for one in network.parameter_names()}).items()
    }


def _marks(model: Model) -> dict[str, Tensor]:
    """What a checkpoint holds of a model beside its weights.

    Tensors without a use of their own tell how an XL network predicts, which its weights do not show.
    """
    if isinstance(model.family, Zero123Family):
        return model.family.tensors()
    if isinstance(model.family, UnclipFamily):
        told = model.family.augmentation
        return {"noise_augmentor.data_mean": told.mean, "noise_augmentor.data_std": told.deviation}
    if isinstance(model.latent_format, NormalizedFormat):  # Playground 2.5
        form = model.latent_format
        return {"edm_mean": torch.tensor(form.mean), "edm_std": torch.tensor(form.deviation)}
    if model.family.name != "sdxl" or model.prediction.kind is not Kind.V:
        return {}
    if isinstance(model.prediction, LogPrediction):  # CosXL
        rule = model.prediction
        return {"edm_vpred.sigma_max": rule.sigma_max.clone(), "edm_vpred.sigma_min": rule.sigma_min.clone()}
    unending = float(model.prediction.sigmas[-1]) > ZERO_SNR_ABOVE
    return {name: torch.zeros(0) for name in (("v_pred", "ztsnr") if unending else ("v_pred",))}


def described(model: Model) -> dict[str, str]:
    """What a file says about the model in it (Stability AI's modelspec 1.0.0, as far as it is known here)."""
    kinds = {"sdxl": "stable-diffusion-xl-v1-base", "sdxl_refiner": "stable-diffusion-xl-v1-refiner"}
    known = kinds.get(model.family.name)
    spec = {"modelspec.sai_model_spec": "1.0.0", "modelspec.prediction_type": model.prediction.kind.value}
    if known is not None:
        spec["modelspec.architecture"] = known
    return {**spec, **carried(model.attachments)}


def carried(attachments: Mapping[str, object]) -> dict[str, str]:
    """What the file that a model came from said of itself; only small models need it to be read again."""
    own = attachments.get("heddle.description")
    return dict(own) if isinstance(own, Mapping) else {}


def _transformers(tower: Tower, patches: Patches) -> dict[str, Tensor]:
    weights = {name: tower.network.patched_weight(name, patches) for name in tower.network.parameter_names()}
    if not isinstance(tower, ClipTower):
        weights.pop("encoder.embed_tokens.weight", None)  # T5's words once more, under another name
        return weights
    result = {f"text_model.{name.removeprefix('text_model.')}": weight for name, weight in weights.items()}
    if tower.projection is not None:
        result["text_projection.weight"] = tower.projection.T.contiguous()
    return result


def _open_clip(tower: Tower, patches: Patches) -> dict[str, Tensor]:
    found = _transformers(tower, patches)
    return open_clip_layout({name.removeprefix("text_model."): weight for name, weight in found.items()})


def open_clip_layout(encoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The layout of open_clip: queries, keys and values in one weight, the projection the other way round.

    Args:
        encoder: tensors of transformers' text encoder, without the prefix `text_model.`.
    """
    plain = dict(encoder)
    result = {
        "token_embedding.weight": plain.pop("embeddings.token_embedding.weight"),
        "positional_embedding": plain.pop("embeddings.position_embedding.weight"),
        "ln_final.weight": plain.pop("final_layer_norm.weight"),
        "ln_final.bias": plain.pop("final_layer_norm.bias"),
    }
    if "text_projection.weight" in plain:
        result["text_projection"] = plain.pop("text_projection.weight").T.contiguous()
    return {**result, **blocks_in_open_clip(plain)}


def write_tensors(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, one tensor after the other, so that no second copy of a model is in memory.

    Source of the format: huggingface/safetensors, `README.md`.
    """
    ordered = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))  # so that all lie aligned
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in ordered:
        start, end = end, end + tensors[name].numel() * tensors[name].element_size()
        entry = {"dtype": dtype_name(tensors[name].dtype), "shape": list(tensors[name].shape)}
        header[name] = {**entry, "data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for name in ordered:
        file.write(memoryview(tensors[name].contiguous().cpu().reshape(-1).view(torch.uint8).numpy()))


def encoded(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a small safetensors file."""
    file = io.BytesIO()
    write_tensors(file, tensors, metadata)
    return file.getvalue()


__all__ = [
    "as_convolutions", "autoencoder_tensors", "carried", "checkpoint_tensors", "described", "encoded",
    "network_tensors", "open_clip_layout", "text_tensors",
    "write_tensors",
]  # fmt: skip
