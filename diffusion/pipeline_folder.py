"""Folders as diffusers saves pipelines: `model_index.json` beside one subfolder for each part.

Each part is read under its original names and then takes the same road as a single file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffusion.assembly.autoencoders import kl_autoencoder
from diffusion.assembly.texts import clip_tower, t5_tower
from diffusion.autoencoder import Autoencoder
from diffusion.errors import ModelFileError, UnknownModel
from diffusion.families.flux import join_flux
from diffusion.families.sd3 import join_sd3
from diffusion.families.sdxl import join_sdxl
from diffusion.layouts.diffusers_names import with_original_names
from diffusion.layouts.scaled_weights import with_scales_applied
from diffusion.network import check_finite
from diffusion.tensor_file import TensorFile, TensorsInMemory, open_tensors
from diffusion.text.embeddings import Embeddings
from diffusion.text.encoder import TextEncoder, alone
from diffusion.text.towers import Tower
from diffusion.vision.encoder import PictureEncoder, picture_encoder

INDEX = "model_index.json"
_TEXTS = ("text_encoder", "text_encoder_2", "text_encoder_3")
_JOINING = {"StableDiffusionXL": join_sdxl, "StableDiffusion3": join_sd3, "Flux": join_flux}


@dataclass(frozen=True, slots=True)
class PipelineFolder:
    """A saved pipeline.

    Attributes:
        path: the folder.
        index: what `model_index.json` says: part → (library, class).
        config: what the parts say about themselves, in the words of `heddle.config`.
    """

    path: Path
    index: Mapping[str, Any]
    config: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Class of the pipeline, as its maker named it."""
        return str(self.index.get("_class_name", ""))

    def has(self, part: str) -> bool:
        """Whether the pipeline has a part."""
        return isinstance(self.index.get(part), list) and self.index[part][1] is not None

    def denoiser(self) -> TensorFile:
        """The U-Net or transformer, under the original names if it is a U-Net.

        Raises:
            ModelFileError: if there is none.
        """
        part = next((name for name in ("unet", "transformer") if self.has(name)), None)
        if part is None:
            raise UnknownModel(f"'{self.path}' has neither a unet nor a transformer. It is no text-to-image pipeline.")
        family = "sdxl_refiner" if self.index.get("requires_aesthetics_score") else ""
        return self._part(part, {"heddle.family": family} if family else {})

    def autoencoder(self, device: torch.device) -> Autoencoder | None:
        """The autoencoder, or None if there is none."""
        return kl_autoencoder(self._part("vae"), "", device, self.config) if self.has("vae") else None

    def vision(self, device: torch.device) -> PictureEncoder | None:
        """The encoder of pictures, or None if there is none."""
        if not self.has("image_encoder"):
            return None
        return picture_encoder(self._part("image_encoder"), str(self.path / "image_encoder"), device)

    def text(self, device: torch.device, folders: Sequence[Path], embeddings: Embeddings) -> TextEncoder | None:
        """All text encoders, or None if there is none."""
        towers = [self._tower(part, device, folders) for part in _TEXTS if self.has(part)]
        if not towers:
            return None
        joining = next((rule for start, rule in _JOINING.items() if self.kind.startswith(start)), alone)
        return TextEncoder(tuple(towers), alone if len(towers) == 1 else joining, embeddings=embeddings)

    def _tower(self, part: str, device: torch.device, folders: Sequence[Path]) -> Tower:
        own = (self.path / part.replace("text_encoder", "tokenizer"), *folders)
        file = self._part(part)
        if self.index[part][1].startswith("T5"):
            return t5_tower(file, "", device, own, shortest=256 if self.kind.startswith("Flux") else 77)
        described = {"text_encoder": self.config.get(part, {})}
        width = self.config.get(part, {}).get("hidden_size", 768)
        several = sum(self.has(name) for name in _TEXTS) > 1
        single = not several and part == "text_encoder"
        second = part == "text_encoder_2"
        name = "g" if second else ("h" if single and width == 1024 else "l")
        projected = second or self.kind.startswith("StableDiffusionXL")
        return clip_tower(
            file, "", name, device, own, described, layer=-1 if single else -2, normed=single, projected=projected
        )

    def _part(self, part: str, metadata: Mapping[str, str] | None = None) -> TensorFile:
        tensors: dict[str, Tensor] = {}
        for path in _weight_files(self.path / part):
            file = open_tensors(path)
            check_finite(file, str(path))
            tensors.update({name: file[name] for name in file})
        file = with_scales_applied(TensorsInMemory(tensors, str(self.path / part), metadata))
        return with_original_names(file)


def is_pipeline_folder(path: Path) -> bool:
    """Whether a path is a folder that diffusers saved."""
    return (path / INDEX).is_file()


def read_pipeline_folder(path: Path) -> PipelineFolder:
    """Open a saved pipeline; weights are not touched yet.

    Raises:
        ModelFileError: if a description is missing or damaged.
    """
    index = _json(path / INDEX)
    folder = PipelineFolder(path, index, {})
    denoiser = "unet" if folder.has("unet") else "transformer"
    config: dict[str, Any] = {name: _json(path / name / "config.json") for name in _TEXTS if folder.has(name)}
    if folder.has("vae"):
        config["vae"] = _json(path / "vae" / "config.json")
        config["scaling_factor"] = config["vae"].get("scaling_factor", 0.18215)
    if denoiser == "unet":
        config["unet"] = _json(path / "unet" / "config.json")
    if folder.has("scheduler"):
        config.update(_schedule(_json(path / "scheduler" / "scheduler_config.json")))
    return PipelineFolder(path, index, config)


def _schedule(own: Mapping[str, Any]) -> dict[str, Any]:
    """What the noise schedule says, in the words of `heddle.config`."""
    result: dict[str, Any] = {"prediction_type": own.get("prediction_type", "epsilon")}
    if "beta_start" in own:
        result["betas"] = {
            "schedule": own.get("beta_schedule", "scaled_linear"), "start": own["beta_start"],
            "end": own.get("beta_end", 0.012), "steps": own.get("num_train_timesteps", 1000),
            "zero_terminal": bool(own.get("rescale_betas_zero_snr", False)),
        }  # fmt: skip
    if "shift" in own and not own.get("use_dynamic_shifting"):
        result["shift"] = float(own["shift"])
    return result


def _weight_files(folder: Path) -> list[Path]:
    """The files of a part: whole ones rather than float16 variants, safetensors rather than pickles."""
    for pattern in ("*.safetensors", "*.bin"):
        found = sorted(path for path in folder.glob(pattern) if not path.name.startswith("openvino"))
        plain = [path for path in found if ".fp16." not in path.name and ".non_ema." not in path.name]
        if found:
            return plain or found
    raise ModelFileError(f"'{folder}' holds no weights (*.safetensors). Download the whole folder again.")


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(
            f"'{path}' cannot be read: {error.strerror or error}. Download the folder again."
        ) from error
    except ValueError as error:
        raise ModelFileError(f"'{path}' is not JSON: {error}. Download the folder again.") from error
    if not isinstance(data, dict):
        raise ModelFileError(f"'{path}' is not a JSON object. Download the folder again.")
    return data


__all__ = ["INDEX", "PipelineFolder", "is_pipeline_folder", "read_pipeline_folder"]
