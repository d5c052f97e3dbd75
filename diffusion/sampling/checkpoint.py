"""Resuming a run where it was interrupted, with the same picture to the last bit, for every sampler.

All that takes time in a run is the network's estimates. Everything else a sampler does follows from them, from the
noise levels and from noise that a seed decides. So a checkpoint keeps the estimates: the resumed run starts the sampler
from the beginning and hands it the kept estimates until they are used up. Whatever a sampler remembers between steps
(multistep methods, step size control, noise added on the way) is thereby as it was.

An estimate is only used where the latent and the noise level are the very ones it was made for; from the first that
differs on, the network is asked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from diffusion.model import Hooks, Model
from diffusion.sampling.contract import Denoiser, Guided
from diffusion.sampling.prediction import Prediction


class Evaluation(NamedTuple):
    """One call of the denoiser, on the CPU.

    Attributes:
        asked: digest of the noisy latent.
        sigma: its noise level.
        estimates: x0; with the unconditional estimate where the sampler asked for both.
    """

    asked: int
    sigma: float
    estimates: tuple[Tensor, ...]


class Checkpoint(Protocol):
    """Where the evaluations of one run are kept.

    Attributes:
        every: steps between two savings.
    """

    every: int

    def read(self) -> Sequence[Evaluation]:
        """What an interrupted run has left, in order; empty for a new one."""

    def append(self, evaluations: Sequence[Evaluation]) -> None:
        """Keep further evaluations."""

    def refuse(self, reason: str) -> None:
        """Say why this run is not kept."""

    def discard(self) -> None:
        """The run has ended well: nothing needs to be kept."""


def can_resume(model: Model) -> str | None:
    """Why a run of this model cannot be resumed exactly, or None if it can."""
    if model.hooks != Hooks():
        return "the model carries functions that may remember something from step to step"
    return None


class ResumableDenoiser:
    """A denoiser that answers from a checkpoint as long as that knows the answer, and keeps what it had to compute.

    Args:
        inner: the denoiser that computes.
        checkpoint: what an earlier run has left; receives what this one computes.
    """

    def __init__(self, inner: Denoiser, checkpoint: Checkpoint) -> None:
        self._inner = inner
        self._checkpoint = checkpoint
        self._known = list(reversed(checkpoint.read()))
        self._new: list[tuple[Tensor, Tensor, tuple[Tensor, ...]]] = []

    @property
    def prediction(self) -> Prediction:
        """The model's prediction."""
        return self._inner.prediction

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Tensor:
        known = self._recall(x, sigma, 1)
        if known is not None:
            return known[0]
        denoised = self._inner(x, sigma, conditioning)
        self._new.append((x, sigma, (denoised,)))
        return denoised

    def guided(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Guided:
        known = self._recall(x, sigma, 2)
        if known is not None:
            return Guided(*known)
        found = self._inner.guided(x, sigma, conditioning)
        self._new.append((x, sigma, (found.denoised, found.unconditional)))
        return found

    def after(self, step: int) -> None:
        """A step's first evaluation is done: save if it is time to."""
        if (step + 1) % self._checkpoint.every == 0 and self._new:
            self._checkpoint.append([_evaluation(*item) for item in self._new])
            self._new.clear()

    def _recall(self, x: Tensor, sigma: Tensor, estimates: int) -> tuple[Tensor, ...] | None:
        if not self._known:
            return None
        known = self._known.pop()
        if known.asked == _digest(x) and known.sigma == float(sigma) and len(known.estimates) == estimates:
            return tuple(tensor.to(x.device) for tensor in known.estimates)
        self._known.clear()
        return None


def _evaluation(x: Tensor, sigma: Tensor, estimates: Iterable[Tensor]) -> Evaluation:
    return Evaluation(_digest(x), float(sigma), tuple(tensor.to("cpu") for tensor in estimates))


def _digest(x: Tensor) -> int:
    """Of shape, dtype and every bit."""
    plain = x.detach().to("cpu").contiguous()
    return zlib.crc32(plain.view(torch.uint8).numpy(), zlib.crc32(f"{plain.dtype} {list(plain.shape)}".encode()))


def resumable(denoiser: Denoiser, model: Model, checkpoint: Checkpoint | None) -> ResumableDenoiser | None:
    """Make a denoiser resumable; None, and the checkpoint is told why, where that cannot be exact."""
    if checkpoint is None:
        return None
    reason = can_resume(model)
    if reason is not None:
        checkpoint.refuse(reason)
        return None
    return ResumableDenoiser(denoiser, checkpoint)


__all__ = ["Checkpoint", "Evaluation", "ResumableDenoiser", "can_resume", "resumable"]
