"""Training of the small autoencoder: first on crops, which are cheap, then on whole pictures.

The loss is the mean absolute error of pixels and of their differences to the right and downwards
(which keeps edges crisp), and a little Kullback–Leibler divergence. Afterwards the latent is shifted
and scaled so that, times SD1's 0.18215, each channel has mean 0 and variance 1; a channel that
ended up carrying nothing is silenced.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from diffusion.training.drawn_set import DrawnSet, as_images
from diffusion.training.fast_norms import keep_group_norms_in_float32
from diffusion.training.flat_pictures import SIZE
from diffusion.training.model_sizes import SCALING_FACTOR, build_autoencoder
from diffusion.training.muon import muon_for
from diffusion.training.progress import Progress

CARRIES_NOTHING = 2.0  # posterior standard deviation, in units of the means' own, from which a channel is only noise


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderSettings:
    """How the autoencoder is trained.

    Attributes:
        crop_steps: optimizer steps on square crops.
        whole_steps: steps on whole pictures after that.
        crop: side of a crop in pixels.
        crop_batch: crops a step.
        whole_batch: whole pictures a step.
        lr: step length of the orthogonal (Muon) updates.
        adam_lr: step length of the AdamW updates.
        divergence: weight of the Kullback–Leibler term.
        save_every: steps between checkpoints.
        seed: of weights, crops and noise.
    """

    crop_steps: int = 2300
    whole_steps: int = 430
    crop: int = 64
    crop_batch: int = 24
    whole_batch: int = 8
    lr: float = 0.01
    adam_lr: float = 2e-3
    divergence: float = 2e-3
    save_every: int = 200
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.crop_steps + self.whole_steps

    def lr_share(self, step: int) -> float:
        """Return the share of the full step length: warm-up, half a cosine, then a line to zero."""
        if step >= self.crop_steps:
            return 0.12 * (1 - (step - self.crop_steps) / self.whole_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.crop_steps))
        return min(1.0, (step + 1) / 60) * (0.12 + 0.88 * cosine)


class AutoencoderTraining:
    """One run of training in a folder; `run` goes on from the newest checkpoint there."""

    def __init__(self, drawn: DrawnSet, settings: AutoencoderSettings, folder: Path) -> None:
        self.settings = settings
        self.checkpoint_file = folder / "autoencoder.pt"
        self._pictures = np.load(drawn.pictures_file, mmap_mode="r")
        torch.manual_seed(settings.seed)
        self.vae = build_autoencoder().to(memory_format=torch.channels_last)
        keep_group_norms_in_float32(self.vae)
        self._optimizer = muon_for({"vae": self.vae}, lr=settings.lr, adam_lr=settings.adam_lr)
        self.step = 0
        if self.checkpoint_file.exists():
            state = torch.load(self.checkpoint_file, weights_only=True)
            self.step = state["step"]
            self.vae.load_state_dict(state["vae"])
            self._optimizer.load_state_dict(state["optimizer"])

    def run(self, progress: Progress, until: int | None = None) -> None:
        """Train to `until` (default: the end), saving checkpoints and logging the losses."""
        last = min(self.settings.steps, until or self.settings.steps)
        while self.step < last:
            progress.step(self.step + 1, self.settings.steps, **self._train_step())
            self.step += 1
            if self.step % self.settings.save_every == 0 or self.step == last:
                self._save()

    def _train_step(self) -> dict[str, float]:
        for group in self._optimizer.param_groups:
            group["lr"] = group["base_lr"] * self.settings.lr_share(self.step)
        random = np.random.default_rng((self.settings.seed, self.step))
        losses = self._losses(as_images(self._batch(random)), random)
        total = losses["pixels"] + 0.5 * losses["edges"] + self.settings.divergence * losses["divergence"]
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self._optimizer.step()
        return {name: loss.item() for name, loss in losses.items()}

    def _losses(self, images: Tensor, random: np.random.Generator) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            posterior = self.vae.encode(images).latent_dist
            noise = torch.from_numpy(random.standard_normal(posterior.mean.shape, dtype=np.float32))
            decoded = self.vae.decode(posterior.mean + posterior.std * noise).sample
        error = decoded.float() - images
        edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        return {"pixels": error.abs().mean(), "edges": edges, "divergence": divergence}

    def _batch(self, random: np.random.Generator) -> np.ndarray:
        crops = self.step < self.settings.crop_steps
        side, batch = (self.settings.crop, self.settings.crop_batch) if crops else (SIZE, self.settings.whole_batch)
        parts = []
        for index in random.integers(0, len(self._pictures), batch):
            top, left = random.integers(0, SIZE - side + 1, 2)
            parts.append(self._pictures[index, top : top + side, left : left + side])
        return np.stack(parts)

    def _save(self) -> None:
        state = {"step": self.step, "vae": self.vae.state_dict(), "optimizer": self._optimizer.state_dict()}
        temporary = self.checkpoint_file.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint_file)


@torch.no_grad()
def normalise_latent(vae: AutoencoderKL, images: Tensor) -> None:
    """Change the autoencoder's two 1×1 convolutions so that its scaled latent has mean 0 and variance 1.

    What a picture decodes to does not change.

    Args:
        vae: changed in place.
        images: a sample of pictures, float [batch, 3, height, width] in -1..1.
    """
    posteriors = [vae.encode(part).latent_dist for part in images.split(32)]
    means = torch.cat([posterior.mean for posterior in posteriors])
    noise = torch.cat([posterior.std for posterior in posteriors]).mean((0, 2, 3))
    mean, deviation = means.mean((0, 2, 3)), means.std((0, 2, 3))
    scale = 1 / (deviation * SCALING_FACTOR)
    channels = len(mean)
    into, out = vae.quant_conv, vae.post_quant_conv
    into.weight[:channels] *= scale.view(-1, 1, 1, 1)
    into.bias[:channels] = (into.bias[:channels] - mean) * scale
    into.bias[channels:] += 2 * scale.log()
    out.bias += out.weight[:, :, 0, 0] @ mean
    out.weight /= scale.view(1, -1, 1, 1)
    for channel in torch.nonzero(noise > CARRIES_NOTHING * deviation).flatten().tolist():
        into.weight[channel] = 0
        into.bias[channel] = 0
        into.weight[channels + channel] = 0
        into.bias[channels + channel] = -20  # log variance: no noise
        out.weight[:, channel] = 0
