"""Training of a denoiser on latents that were computed beforehand.

What is taught (networks, examples, conditioning) is a `Lesson`; how is decided here. The loss is the
error of the predicted noise, weighted by min-SNR-5 (Hang et al., 2023). The step length rises over a
short warm-up, stays, and falls linearly to zero over the last part. All chance comes from
(seed, step), so a run that was stopped continues exactly as if it had not been.
"""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from diffusion.training.fast_norms import keep_group_norms_in_float32
from diffusion.training.model_sizes import BETAS
from diffusion.training.muon import muon_for
from diffusion.training.progress import Progress


class Networks(Protocol):
    """The networks that one lesson trains together."""

    @property
    def unet(self) -> UNet2DConditionModel:
        """The network that is trained to see noise."""
        ...

    def named(self) -> dict[str, nn.Module]:
        """Return the networks by the names used in checkpoints."""
        ...


N = TypeVar("N", bound=Networks)
E = TypeVar("E")


class Lesson(Protocol[N, E]):
    """What a denoiser is taught.

    Attributes:
        name: of the checkpoint file.
    """

    @property
    def name(self) -> str: ...

    def networks(self) -> N:
        """Build the networks with the weights they begin with."""
        ...

    def examples(self, random: np.random.Generator, settings: "DenoiserSettings") -> tuple[Tensor, E]:
        """Choose a batch: latents of unit variance [batch, 4, 16, 16], and what the networks are told of them."""
        ...

    def predict(self, networks: N, noisy: Tensor, timesteps: Tensor, told: E) -> Tensor:
        """Return the noise that the networks see in `noisy`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserSettings:
    """How the denoiser is trained.

    Attributes:
        steps: optimizer steps in all; may be changed when resuming before the decay begins.
        batch: pictures a step.
        lr: step length of the orthogonal (Muon) updates.
        adam_lr: step length of the AdamW updates.
        warm_up: steps over which both rise.
        decay_from: share of the steps after which both fall to zero.
        drop_caption: share of the captions replaced by the empty one, for classifier-free guidance.
        pairs: share of each batch that shows two objects; their relation is the hardest to learn.
        snr_limit: gamma of min-SNR.
        snr_floor: least weight of an error of the predicted picture. Above 0 it makes the coarse layout, which is
            decided while there is almost only noise, count for more.
        timesteps: how many of the 1000 noise levels are trained, from the lowest.
        ema: decay of the averaged weights.
        save_every: steps between checkpoints.
        seed: of weights, batches, noise and timesteps.
    """

    steps: int = 2600
    batch: int = 96
    lr: float = 0.02
    adam_lr: float = 2e-3
    warm_up: int = 100
    decay_from: float = 0.55
    drop_caption: float = 0.1
    pairs: float = 0.4
    snr_limit: float = 5.0
    snr_floor: float = 0.0
    timesteps: int = 1000
    ema: float = 0.998
    save_every: int = 100
    seed: int = 0

    def lr_share(self, step: int) -> float:
        """Return the share of the full step length at `step`."""
        falling = (self.steps - step) / max(1.0, self.steps * (1 - self.decay_from))
        return max(0.0, min(1.0, (step + 1) / self.warm_up, falling))


def alphas_cumprod() -> Tensor:
    """Return the cumulated signal share of SD1's noise levels, float32 [1000]."""
    betas = torch.linspace(BETAS["start"] ** 0.5, BETAS["end"] ** 0.5, BETAS["steps"], dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0).float()


class DenoiserTraining(Generic[N, E]):
    """One run of training in a folder; `run` goes on from the newest checkpoint there."""

    def __init__(self, lesson: Lesson[N, E], settings: DenoiserSettings, folder: Path) -> None:
        self.settings = settings
        self.checkpoint_file = folder / f"{lesson.name}.pt"
        self._lesson = lesson
        self._signal = alphas_cumprod()
        torch.manual_seed(settings.seed)
        self.networks = lesson.networks()
        for network in self.networks.named().values():
            network.train()
        self.average = copy.deepcopy(self.networks)
        _prepare_for_speed(self.networks.unet)
        self._optimizer = muon_for(self.networks.named(), lr=settings.lr, adam_lr=settings.adam_lr)
        self.step = 0
        if self.checkpoint_file.exists():
            self._load()

    def run(self, progress: Progress, until: int | None = None) -> None:
        """Train to `until` (default: the end), saving checkpoints and logging the mean loss."""
        last = min(self.settings.steps, until or self.settings.steps)
        while self.step < last:
            progress.step(self.step + 1, self.settings.steps, loss=self._train_step())
            self.step += 1
            if self.step % self.settings.save_every == 0 or self.step == last:
                self._save()

    def _train_step(self) -> float:
        settings = self.settings
        for group in self._optimizer.param_groups:
            group["lr"] = group["base_lr"] * settings.lr_share(self.step)
        loss = self._loss(np.random.default_rng((settings.seed, self.step)))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for network in self.networks.named().values():
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        self._optimizer.step()
        self._update_average()
        return loss.item()

    def _loss(self, random: np.random.Generator) -> Tensor:
        settings = self.settings
        x0, told = self._lesson.examples(random, settings)
        noise = torch.from_numpy(random.standard_normal(x0.shape, dtype=np.float32))
        timesteps = torch.from_numpy(random.integers(0, settings.timesteps, settings.batch))
        signal = self._signal[timesteps].view(-1, 1, 1, 1)
        noisy = (signal.sqrt() * x0 + (1 - signal).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            predicted = self._lesson.predict(self.networks, noisy, timesteps, told)
        snr = signal / (1 - signal)
        weight = snr.clamp(max=settings.snr_limit, min=settings.snr_floor) / snr
        return (weight * (predicted.float() - noise) ** 2).mean()

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        for name, network in self.networks.named().items():
            averaged = self.average.named()[name]
            for target, source in zip(averaged.parameters(), network.parameters(), strict=True):
                target.lerp_(source, 1 - decay)

    def _save(self) -> None:
        state: dict[str, Any] = {"step": self.step, "optimizer": self._optimizer.state_dict()}
        for name, network in self.networks.named().items():
            state[name] = network.state_dict()
            state[f"average_{name}"] = self.average.named()[name].state_dict()
        temporary = self.checkpoint_file.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint_file)

    def _load(self) -> None:
        state = torch.load(self.checkpoint_file, weights_only=True)
        self.step = state["step"]
        self._optimizer.load_state_dict(state["optimizer"])
        for name, network in self.networks.named().items():
            network.load_state_dict(state[name])
            self.average.named()[name].load_state_dict(state[f"average_{name}"])
        for group, lr in zip(self._optimizer.param_groups, (self.settings.lr, self.settings.adam_lr), strict=False):
            group["base_lr"] = lr


def _prepare_for_speed(unet: UNet2DConditionModel) -> None:
    """Choose the layouts and kernels that are fastest on a CPU; the weights are untouched."""
    unet.to(memory_format=torch.channels_last)
    unet.set_attn_processor(AttnProcessor())
    keep_group_norms_in_float32(unet)
