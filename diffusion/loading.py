"""Model files become models: recognised by their tensor names, mapped, never read twice.

Source of the layouts: the published checkpoints of the families.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from diffusion.assembly.autoencoders import kl_autoencoder
from diffusion.assembly.flows import SD3_SHIFT, flux_model, is_flux, is_sd3, sd3_model
from diffusion.assembly.texts import checkpoint_text, separate_text
from diffusion.assembly.unets import unet_model
from diffusion.assembly.videos import is_video, video_model
from diffusion.autoencoder import Autoencoder
from diffusion.errors import ModelFileError, UnknownModel, recognising
from diffusion.families.zero123 import PROJECTION
from diffusion.layouts.clip_vision import IN_CHECKPOINT, has_open_clip_vision, has_transformers_vision
from diffusion.layouts.diffusers_names import with_original_names
from diffusion.layouts.scaled_weights import with_scales_applied
from diffusion.layouts.video import OF_VIEWS
from diffusion.model import Model
from diffusion.network import check_finite, grouped
from diffusion.pipeline_folder import PipelineFolder, is_pipeline_folder, read_pipeline_folder
from diffusion.placement import default_device
from diffusion.tensor_file import TensorFile, open_tensors
from diffusion.text.embeddings import Embeddings
from diffusion.text.encoder import TextEncoder
from diffusion.text.vocabulary import folders_near
from diffusion.vision.encoder import PictureEncoder, picture_encoder

NETWORK, FIRST_STAGE = "model.diffusion_model.", "first_stage_model."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a checkpoint; a part the file does not have is None."""

    model: Model
    clip: TextEncoder | None
    vae: Autoencoder | None
    metadata: Mapping[str, str]
    vision: PictureEncoder | None = None


def load_checkpoint(
    path: str | Path | TensorFile,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    tokenizers: Sequence[Path] = (),
    embeddings: Sequence[Path] = (),
) -> Checkpoint:
    """Load a single-file checkpoint in its original layout, or a folder in which diffusers saved a pipeline.

    Args:
        device: where to compute; None takes the accelerator there is.
        dtype: arithmetic of the denoising network; None chooses by device.
        tokenizers: folders searched for vocabularies, before those near the file.
        embeddings: folders searched for `embedding:name`.
    Raises:
        ModelFileError: if the file is damaged, incomplete or unknown; the message names file, fault and cure.
    """
    if not isinstance(path, TensorFile) and is_pipeline_folder(Path(path)):
        return _folder_checkpoint(read_pipeline_folder(Path(path)), _device(device), dtype, tokenizers, embeddings)
    file = with_scales_applied(path if isinstance(path, TensorFile) else open_tensors(path))
    config, where = own_config(file), _device(device)
    if not any(name.startswith(NETWORK) for name in file):
        cure = "If it is a LoRA, autoencoder, text encoder or separate diffusion model, load it with the node for that."
        if any(name.startswith("model_ema.") for name in file):
            cure = "It has averaged weights for further training alone (model_ema.); use the file for pictures."
        raise UnknownModel(
            f"'{file.path}' has no denoising network: none of its {len(file)} tensors begins with '{NETWORK}'. {cure}"
        )
    check_finite(file, str(file.path))
    folders, given = (*tokenizers, *folders_near(file.path)), Embeddings(tuple(embeddings))
    with recognising(file.path):
        return Checkpoint(
            model=denoising_network(file, NETWORK, where, dtype, config),
            clip=None
            if f"{PROJECTION}weight" in file  # what lies beside its encoder of pictures is no whole text encoder
            else checkpoint_text(file, where, folders, given, config, flux=is_flux(file, NETWORK)),
            vae=kl_autoencoder(file, OF_VIEWS, where, config) or kl_autoencoder(file, FIRST_STAGE, where, config),
            metadata=file.metadata,
            vision=_vision(file, where),
        )


def _vision(file: TensorFile, device: torch.device) -> PictureEncoder | None:
    """The encoder of pictures that a checkpoint brings, in either layout, or None if it has none."""
    for prefix in IN_CHECKPOINT.values():
        if has_open_clip_vision(file, prefix) or has_transformers_vision(file, prefix):
            return picture_encoder(file, str(file.path), device, prefix)
    return None


def _folder_checkpoint(
    folder: PipelineFolder, device: torch.device, dtype: torch.dtype | None, tokenizers: Sequence[Path],
    embeddings: Sequence[Path],
) -> Checkpoint:  # fmt: skip
    places = (*tokenizers, *folders_near(folder.path))
    with recognising(folder.path):
        return Checkpoint(
            model=denoising_network(folder.denoiser(), "", device, dtype, folder.config),
            clip=folder.text(device, places, Embeddings(tuple(embeddings))),
            vae=folder.autoencoder(device),
            metadata={},
            vision=folder.vision(device),
        )


def own_config(file: TensorFile) -> dict[str, Any]:
    """What the file says about itself (`heddle.config`, see docs/embedded-models.md); empty for published models."""
    if "heddle.config" not in file.metadata:
        return {}
    try:
        config = json.loads(file.metadata["heddle.config"])
    except ValueError as error:
        raise ModelFileError(f"'{file.path}': its own description (heddle.config) is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise ModelFileError(f"'{file.path}': its own description (heddle.config) is not an object.")
    return config


def load_diffusion_model(
    path: str | Path | TensorFile,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    storage: torch.dtype | None = None,
) -> Model:
    """Load a denoising network that lies in a file of its own, with or without the checkpoint prefix.

    Args:
        dtype: arithmetic; None chooses by device.
        storage: dtype the weights are kept in, float8 for example; None chooses.
    Raises:
        ModelFileError: if the file is damaged, incomplete or unknown.
    """
    file = _opened(path)
    with recognising(file.path):
        file = with_original_names(file)
        prefix = NETWORK if any(name.startswith(NETWORK) for name in file) else ""
        return denoising_network(file, prefix, _device(device), dtype, own_config(file), storage)


def load_autoencoder(path: str | Path | TensorFile, *, device: torch.device | str | None = None) -> Autoencoder:
    """Load an autoencoder that lies in a file of its own.

    Raises:
        ModelFileError: if the file is damaged, incomplete or unknown.
    """
    file = _opened(path)
    with recognising(file.path):
        file = with_original_names(file)
        prefix = FIRST_STAGE if any(name.startswith(FIRST_STAGE) for name in file) else ""
        found = kl_autoencoder(file, prefix, _device(device), own_config(file))
    if found is None:
        raise UnknownModel(f"'{file.path}' holds no autoencoder: it begins with {grouped(sorted(file), 3)}.")
    return found


def load_text_encoders(
    paths: Sequence[str | Path | TensorFile],
    kind: str,
    *,
    device: torch.device | str | None = None,
    tokenizers: Sequence[Path] = (),
    embeddings: Sequence[Path] = (),
) -> TextEncoder:
    """Load text encoders that lie in files of their own and join them as a family wants.

    Args:
        kind: `stable_diffusion`, `sdxl`, `sd3` or `flux`; says how their outputs are joined.
    Raises:
        ModelFileError: if a file is damaged, or not a text encoder that the kind uses.
    """
    files = [_opened(path) for path in paths]
    folders = (*tokenizers, *(folder for file in files for folder in folders_near(file.path)))
    with recognising("', '".join(str(file.path) for file in files)):
        return separate_text(files, kind, _device(device), folders, Embeddings(tuple(embeddings)))


def _opened(path: str | Path | TensorFile) -> TensorFile:
    file = path if isinstance(path, TensorFile) else open_tensors(path)
    check_finite(file, str(file.path))
    return with_scales_applied(file)


def _device(device: torch.device | str | None) -> torch.device:
    return torch.device(device) if device is not None else default_device()


def denoising_network(
    file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None, config: Mapping[str, Any],
    storage: torch.dtype | None = None,
) -> Model:  # fmt: skip
    """The denoising network under a prefix, whatever its kind.

    Raises:
        ModelFileError: if it is incomplete or unknown.
    """
    if is_sd3(file, prefix):
        return sd3_model(file, prefix, device, dtype, storage, config.get("shift", SD3_SHIFT))
    if is_flux(file, prefix):
        return flux_model(file, prefix, device, dtype, storage)
    if is_video(file, prefix):
        return video_model(file, prefix, device, dtype, config, storage)
    model = unet_model(file, prefix, device, dtype, config, storage)
    own = {key: text for key, text in file.metadata.items() if key.startswith("heddle.")}
    return model.with_attachment("heddle.description", own) if own else model


__all__ = [
    "Checkpoint",
    "denoising_network",
    "load_autoencoder",
    "load_checkpoint",
    "load_diffusion_model",
    "load_text_encoders",
    "own_config",
]
