"""The style LoRA and the ControlNet of the first model: further phases in the folder of its training."""

from dataclasses import dataclass
from pathlib import Path

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor

from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.control_lesson import ControlLesson
from diffusion.training.denoiser_training import DenoiserSettings, DenoiserTraining
from diffusion.training.model_sizes import NAME
from diffusion.training.recipe import Recipe, Say, telling
from diffusion.training.style_lesson import StyleLesson, pastel_pictures

STYLE_NAME = "heddle-pastel-lora"
CONTROL_NAME = "heddle-silhouette-controlnet"
STYLE = DenoiserSettings(
    steps=240, batch=24, lr=4e-3, adam_lr=1e-3, warm_up=10, decay_from=0.5, pairs=0.3, ema=0.98, save_every=40
)
CONTROL = DenoiserSettings(
    steps=560, batch=24, lr=0.01, adam_lr=1e-3, warm_up=20, decay_from=0.5, pairs=0.3, ema=0.99, snr_floor=0.05,
    save_every=40,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtrasRecipe:
    """How both are made beside the first model; `first.out` holds all data, checkpoints and logs."""

    first: Recipe
    style: DenoiserSettings = STYLE
    control: DenoiserSettings = CONTROL
    styled_pictures: int = 2048

    def train_style(self, lora_file: Path, say: Say) -> int:
        """Train the LoRA and write it in the naming of peft.

        Returns:
            The size of the file in bytes.
        """
        small = self.first.finished(say)
        styled = pastel_pictures(small.drawn, min(self.styled_pictures, self.first.pictures))
        styled.encode(small.vae, telling(say, "restyled"))
        lesson = StyleLesson(CaptionedLatents(small.drawn, small.vocabulary), styled, small.networks)
        training = DenoiserTraining(lesson, self.style, self.first.out)
        training.run(self.first.progress("style", say))
        additions = get_peft_model_state_dict(training.average.unet)
        return _write(lora_file, {f"unet.{name}": tensor for name, tensor in additions.items()}, STYLE_NAME, say)

    def train_control(self, control_file: Path, say: Say) -> int:
        """Train the ControlNet and write it in the layout of diffusers.

        Returns:
            The size of the file in bytes.
        """
        small = self.first.finished(say)
        lesson = ControlLesson(small.drawn, small.vocabulary, small.networks)
        training = DenoiserTraining(lesson, self.control, self.first.out)
        training.run(self.first.progress("control", say))
        return _write(control_file, training.average.control.state_dict(), CONTROL_NAME, say)


def _write(path: Path, tensors: dict[str, Tensor], name: str, say: Say) -> int:
    halves = {key: tensor.detach().to(torch.float16).contiguous() for key, tensor in tensors.items()}
    temporary = path.with_suffix(".tmp")
    save_file(halves, temporary, {"format": "pt", "heddle.name": name, "heddle.base_model": NAME})
    temporary.replace(path)
    size = path.stat().st_size
    say(f"wrote {path}, {size} bytes")
    return size
