"""Text encoders out of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from diffusion.errors import ModelFileError, UnknownModel
from diffusion.families.flux import join_flux
from diffusion.families.sd3 import join_sd3
from diffusion.families.sdxl import join_sdxl
from diffusion.layouts.clip import WIDTH_OF_H, read_clip
from diffusion.layouts.t5 import read_t5
from diffusion.network import Network, grouped
from diffusion.placement import place_text
from diffusion.tensor_file import TensorFile
from diffusion.text.embeddings import Embeddings
from diffusion.text.encoder import TextEncoder, alone
from diffusion.text.towers import ClipTower, T5Tower, Tower
from diffusion.text.vocabulary import carried_clip, find_clip, find_t5

SD2_TEXT = "cond_stage_model.model."
# Where checkpoints keep their text encoders: prefix → (name, layer, normed). The first that is there counts.
_SINGLE: Mapping[str, tuple[str, int, bool]] = {
    "conditioner.embedders.0.model.": ("g", -2, False),
    SD2_TEXT: ("h", -2, True),
    "cond_stage_model.transformer.": ("l", -1, True),
}
_SECOND = ("conditioner.embedders.1.model.", "conditioner.embedders.1.transformer.")
_FLOWS: Mapping[str, str] = {
    "text_encoders.clip_l.transformer.": "l",
    "text_encoders.clip_g.transformer.": "g",
    "text_encoders.t5xxl.transformer.": "t5xxl",
}
_KINDS = ("stable_diffusion", "sdxl", "sd3", "flux")


def checkpoint_text(
    file: TensorFile,
    device: torch.device,
    folders: Sequence[Path],
    embeddings: Embeddings,
    config: Mapping[str, Any],
    *,
    flux: bool = False,
) -> TextEncoder | None:
    """The text encoders of a checkpoint, by where their tensors lie; None if it has none.

    Args:
        folders: where vocabularies are searched.
        config: what the file says about itself; empty for published models.
        flux: whether they belong to Flux, whose files name them as those of Stable Diffusion 3 do.
    Raises:
        ModelFileError: if they are incomplete.
    """
    parts = {name: prefix for prefix, name in _FLOWS.items() if any(key.startswith(prefix) for key in file)}
    if parts:
        if flux and parts.keys() != {"l", "t5xxl"}:
            raise ModelFileError(
                f"'{file.path}' has the text encoders {', '.join(sorted(parts))}; Flux reads l and t5xxl. Load the "
                "model with UNETLoader and its text encoders with DualCLIPLoader."
            )
        towers = [_flow_tower(file, prefix, name, device, folders, flux=flux) for name, prefix in parts.items()]
        return TextEncoder(tuple(towers), join_flux if flux else join_sd3, embeddings=embeddings)
    second = next((prefix for prefix in _SECOND if any(key.startswith(prefix) for key in file)), None)
    if second is not None:
        first = "conditioner.embedders.0.transformer."
        towers = [
            clip_tower(file, first, "l", device, folders, config, layer=-2, normed=False),
            clip_tower(file, second, "g", device, folders, config, layer=-2, normed=False),
        ]
        return TextEncoder(tuple(towers), join_sdxl, embeddings=embeddings)
    for prefix, (name, layer, normed) in _SINGLE.items():
        if any(key.startswith(prefix) for key in file):
            tower = clip_tower(file, prefix, name, device, folders, config, layer=layer, normed=normed)
            return TextEncoder((tower,), alone, embeddings=embeddings)
    return None


def separate_text(
    files: Sequence[TensorFile], kind: str, device: torch.device, folders: Sequence[Path], embeddings: Embeddings
) -> TextEncoder:
    """Text encoders of separate files, joined as a family wants.

    Raises:
        ModelFileError: for an unknown kind, or a file that is no text encoder.
    """
    if kind not in _KINDS:
        raise ModelFileError(f"Text encoders of kind '{kind}' are not known. Known: {', '.join(_KINDS)}.")
    towers: dict[str, Tower] = {}
    for file in files:
        name = _recognised(file)
        if kind == "flux" and name == "t5xxl":
            towers[name] = t5_tower(file, "", device, folders, shortest=256)
        elif name == "t5xxl":
            towers[name] = t5_tower(file, "", device, folders)
        elif kind == "stable_diffusion":
            layer, normed = {"l": (-1, True), "h": (-2, True), "g": (-2, False)}[name]
            tower = clip_tower(file, "", name, device, folders, {}, layer=layer, normed=normed)
            towers[name] = replace(tower, layer=h_layer(tower.network)) if name == "h" else tower
        else:
            towers[name] = clip_tower(
                file, "", name, device, folders, {}, layer=-2, normed=False, projected=name != "l"
            )
    if kind == "stable_diffusion" and len(towers) == 1:
        return TextEncoder(tuple(towers.values()), alone, embeddings=embeddings)
    ordered = tuple(towers[name] for name in ("l", "g", "h", "t5xxl") if name in towers)
    wanted = {"flux": {"l", "t5xxl"}, "sdxl": {"l", "g"}, "stable_diffusion": {"l", "g"}}.get(kind)
    if wanted is not None and set(towers) != wanted:
        raise ModelFileError(
            f"Text encoders of kind '{kind}' are {' and '.join(sorted(wanted))}; the files hold "
            f"{' and '.join(sorted(towers))}. Choose other files."
        )
    joining = {"flux": join_flux, "sd3": join_sd3}.get(kind, join_sdxl)
    return TextEncoder(ordered, joining, embeddings=embeddings)


def h_layer(network: Network) -> int:
    """Which layer of OpenCLIP's H Stable Diffusion 2 reads: the last but one of 24; diffusers leaves the last away."""
    cut = "encoder.layers.22.layer_norm1.weight" in network.weights
    cut = cut and "encoder.layers.23.layer_norm1.weight" not in network.weights
    return -1 if cut else -2


def _recognised(file: TensorFile) -> str:
    """`l`, `g`, `h` or `t5xxl`, by keys and width."""
    if "shared.weight" in file or "encoder.embed_tokens.weight" in file:
        return "t5xxl"
    inner = "embeddings.token_embedding.weight"
    for name in (f"text_model.{inner}", inner, "token_embedding.weight"):
        if name in file:
            return {768: "l", 1280: "g", WIDTH_OF_H: "h"}.get(file.shape(name)[1], "l")
    raise UnknownModel(
        f"'{file.path}' is no text encoder that is known: its tensors are {grouped(sorted(file), 3)}. "
        "CLIP (L, G, H) and T5 are."
    )


def _flow_tower(
    file: TensorFile, prefix: str, name: str, device: torch.device, folders: Sequence[Path], *, flux: bool
) -> Tower:
    """A text encoder as Stable Diffusion 3 and Flux read it; Flux reads longer prompts of T5."""
    if name == "t5xxl":
        return t5_tower(file, prefix, device, folders, shortest=256 if flux else 77)
    return clip_tower(file, prefix, name, device, folders, {}, layer=-2, normed=False, projected=name != "l")


def clip_tower(
    file: TensorFile, prefix: str, name: str, device: torch.device, folders: Sequence[Path],
    config: Mapping[str, Any], *, layer: int, normed: bool, projected: bool = True,
) -> ClipTower:  # fmt: skip
    """One CLIP text encoder out of a file.

    Args:
        name: `l`, `g` or `h`; all but `l` pad with token 0.
        projected: whether the pooled vector is projected, where the file can.
    """
    from transformers import CLIPTextConfig, CLIPTextModel

    key = "text_encoder_2" if name != "l" and "text_encoder_2" in config else "text_encoder"
    own = config.get(key, {})
    layout = read_clip(file, prefix, heads=own.get("num_attention_heads"), act=own.get("hidden_act"))
    details = {"layer_norm_eps": own["layer_norm_eps"]} if "layer_norm_eps" in own else {}
    network = place_text(device).network(
        lambda: CLIPTextModel(CLIPTextConfig(**layout.config, **details)), layout.tensors, str(file.path)
    )
    carried = file.metadata.get("heddle.tokenizer")
    return ClipTower(
        name, network, (lambda: carried_clip(carried)) if carried else (lambda: find_clip(folders)),
        layer=layer, normed=normed, projection=layout.projection if projected else None,
        pad_with_zero=name != "l" and not carried,
    )  # fmt: skip


def t5_tower(
    file: TensorFile, prefix: str, device: torch.device, folders: Sequence[Path], shortest: int = 77
) -> T5Tower:
    """One T5 encoder out of a file; depth and widths are read from the shapes."""
    from transformers import T5Config, T5EncoderModel

    from diffusion.text.t5_casting import keep_precision

    layout = read_t5(file, prefix)
    network = place_text(device).network(
        lambda: T5EncoderModel(T5Config(**layout.config)), layout.tensors, str(file.path)
    )
    keep_precision(network.module)
    return T5Tower("t5xxl", network, lambda: find_t5(folders), shortest)


__all__ = ["SD2_TEXT", "checkpoint_text", "clip_tower", "h_layer", "separate_text", "t5_tower"]
