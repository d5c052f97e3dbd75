"""Base and refiner of SDXL architecture: further phases in the folder of the first model's training."""

from dataclasses import dataclass
from pathlib import Path

from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.denoiser_training import DenoiserSettings, DenoiserTraining
from diffusion.training.recipe import FirstModel, Recipe, Say, telling
from diffusion.training.soft_pictures import soft_pictures
from diffusion.training.transplant import base_from, refiner_from
from diffusion.training.xl_export import export_base, export_refiner
from diffusion.training.xl_lessons import BaseLesson, NumberedPictures, RefinerLesson
from diffusion.training.xl_sizes import HANDOFF_TIMESTEP, BaseNetworks

BASE = DenoiserSettings(
    steps=950, batch=64, lr=0.01, adam_lr=1e-3, warm_up=50, decay_from=0.4, pairs=0.45, snr_floor=0.05, save_every=50
)
REFINER = DenoiserSettings(
    steps=320, batch=64, lr=0.01, adam_lr=1e-3, warm_up=30, decay_from=0.3, pairs=0.3, ema=0.995,
    timesteps=HANDOFF_TIMESTEP, save_every=50,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class XlRecipe:
    """How both models are made from the first one; `first.out` holds all data, checkpoints and logs."""

    first: Recipe
    base: DenoiserSettings = BASE
    refiner: DenoiserSettings = REFINER
    soft_pictures: int = 4096

    def train_base(self, model_file: Path, say: Say) -> int:
        """Train the base, after the first model where that is missing, and write it.

        Returns:
            The size of the file in bytes.
        """
        small, pictures = self._prepare(say)
        training = DenoiserTraining(self._base_lesson(pictures, small), self.base, self.first.out)
        training.run(self.first.progress("xl-base", say))
        size = export_base(training.average, small.vae, small.vocabulary, model_file)
        say(f"wrote {model_file}, {size} bytes")
        return size

    def train_refiner(self, model_file: Path, say: Say) -> int:
        """Train the refiner, after the base where that is missing, and write it.

        Returns:
            The size of the file in bytes.
        """
        small, pictures = self._prepare(say)
        taught = DenoiserTraining(self._base_lesson(pictures, small), self.base, self.first.out)
        taught.run(self.first.progress("xl-base", say))
        base: BaseNetworks = taught.average
        lesson = RefinerLesson(pictures, base.text_encoder_2, lambda: refiner_from(base))
        training = DenoiserTraining(lesson, self.refiner, self.first.out)
        training.run(self.first.progress("xl-refiner", say))
        size = export_refiner(training.average, base.text_encoder_2, small.vae, small.vocabulary, model_file)
        say(f"wrote {model_file}, {size} bytes")
        return size

    def _prepare(self, say: Say) -> tuple[FirstModel, NumberedPictures]:
        small = self.first.finished(say)
        soft = soft_pictures(small.drawn, min(self.soft_pictures, self.first.pictures))
        soft.encode(small.vae, telling(say, "softened"))
        return small, NumberedPictures(CaptionedLatents(small.drawn, small.vocabulary), soft)

    def _base_lesson(self, pictures: NumberedPictures, small: FirstModel) -> BaseLesson:
        return BaseLesson(pictures, lambda: base_from(small.networks, small.vocabulary))
