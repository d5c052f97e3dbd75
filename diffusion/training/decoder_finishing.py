"""Last polish of the autoencoder: its decoder alone, on the latents that the denoiser learns.

The encoder stays as it is, so the latents stay valid while the denoiser trains on them. A little
noise on the latents makes the decoder forgive the denoiser's small errors.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from diffusion.training.drawn_set import DrawnSet, as_images
from diffusion.training.fast_norms import keep_group_norms_in_float32
from diffusion.training.muon import muon_for
from diffusion.training.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishingSettings:
    """How the decoder is polished.

    Attributes:
        steps: optimizer steps; the step length falls linearly to zero over them.
        batch: whole pictures a step.
        lr: step length of the orthogonal (Muon) updates.
        adam_lr: step length of the AdamW updates.
        noise: standard deviation of the noise on the unit-variance latents.
        save_every: steps between checkpoints.
        seed: of batches and noise.
    """

    steps: int = 1500
    batch: int = 8
    lr: float = 2e-3
    adam_lr: float = 4e-4
    noise: float = 0.05
    save_every: int = 50
    seed: int = 1


class DecoderFinishing:
    """One run in a folder; `run` goes on from the newest checkpoint there. Trains `vae.decoder` in place."""

    def __init__(self, vae: AutoencoderKL, drawn: DrawnSet, settings: FinishingSettings, folder: Path) -> None:
        self.settings = settings
        self.vae = vae.to(memory_format=torch.channels_last)
        self.checkpoint_file = folder / "decoder.pt"
        self._pictures = np.load(drawn.pictures_file, mmap_mode="r")
        self._latents = np.load(drawn.latents_file, mmap_mode="r")
        keep_group_norms_in_float32(vae)
        self._optimizer = muon_for({"decoder": vae.decoder}, lr=settings.lr, adam_lr=settings.adam_lr)
        self.step = 0
        if self.checkpoint_file.exists():
            state = torch.load(self.checkpoint_file, weights_only=True)
            self.step = state["step"]
            vae.decoder.load_state_dict(state["decoder"])
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
        settings = self.settings
        for group in self._optimizer.param_groups:
            group["lr"] = group["base_lr"] * min(1.0, (self.step + 1) / 30) * (1 - self.step / settings.steps)
        random = np.random.default_rng((settings.seed, self.step))
        indices = np.sort(random.integers(0, len(self._pictures), settings.batch))
        images = as_images(self._pictures[indices])
        latents = torch.from_numpy(self._latents[indices]).float()
        latents += settings.noise * torch.from_numpy(random.standard_normal(latents.shape, dtype=np.float32))
        with torch.autocast("cpu", torch.bfloat16):
            decoded = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        error = decoded.float() - images
        edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        pixels = error.abs().mean()
        self._optimizer.zero_grad(set_to_none=True)
        (pixels + 0.5 * edges).backward()
        torch.nn.utils.clip_grad_norm_(self.vae.decoder.parameters(), 1.0)
        self._optimizer.step()
        return {"pixels": pixels.item(), "edges": edges.item()}

    def _save(self) -> None:
        state = {"step": self.step, "decoder": self.vae.decoder.state_dict(), "optimizer": self._optimizer.state_dict()}
        temporary = self.checkpoint_file.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint_file)
