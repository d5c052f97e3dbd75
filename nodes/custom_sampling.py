"""Sampling put together from parts: noise, guider, sampler and noise levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from graph_runtime.api import Context, Range, Seed, node
from nodes.guiders import GuidedModel
from nodes.previews import preview_of
from nodes.sampling import fit_channels
from nodes.sockets import Conditioning, Guider, Latent, Model, Noise, Sampler, Sigmas

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "NoNoise",
    "Sampled",
    "SeededNoise",
    "add_noise",
    "disable_noise",
    "random_noise",
    "sampler_custom",
    "sampler_custom_advanced",
]


class Sampled(NamedTuple):
    """The latent where sampling stopped, and what the model took the picture behind it to be."""

    output: Latent
    denoised_output: Latent


@dataclass(frozen=True, slots=True)
class SeededNoise:
    """What travels on a NOISE wire: noise that a seed decides."""

    seed: int

    def generate_noise(self, latent: dict[str, Any]) -> Tensor:
        """Noise shaped like a latent's samples, on the CPU."""
        from diffusion.sampling.noise import prepare_noise

        return prepare_noise(latent["samples"], self.seed, latent.get("batch_index"))


@dataclass(frozen=True, slots=True)
class NoNoise:
    """A NOISE that adds nothing."""

    seed: int = 0

    def generate_noise(self, latent: dict[str, Any]) -> Tensor:
        """Zeros shaped like a latent's samples, on the CPU."""
        import torch

        return torch.zeros_like(latent["samples"], device="cpu")


@node("RandomNoise", title="Random Noise", category="sampling/custom_sampling/noise")
def random_noise(*, noise_seed: Seed = 0) -> Noise:
    """Noise that a seed decides.

    Args:
        noise_seed: the same seed gives the same noise.
    """
    return SeededNoise(noise_seed)


@node("DisableNoise", title="Disable Noise", category="sampling/custom_sampling/noise")
def disable_noise() -> Noise:
    """Add no noise: go on from a latent that has some already."""
    return NoNoise()


@node("AddNoise", title="Add Noise", category="_for_testing/custom_sampling/noise")
def add_noise(*, model: Model, noise: Noise, sigmas: Sigmas, latent_image: Latent) -> Latent:
    """Add noise to a latent without removing any.

    Args:
        model: says how its noise is added.
        noise: the noise.
        sigmas: how much: from the first to the last level where there are several.
        latent_image: the latent.
    """
    import torch

    if len(sigmas) == 0:
        return latent_image
    samples = fit_channels(latent_image["samples"], model.latent_format.channels)
    drawn = noise.generate_noise({**latent_image, "samples": samples})
    level = (sigmas[0] - sigmas[-1]).abs() if len(sigmas) > 1 else sigmas[0]
    start = model.latent_format.to_network(samples) if samples.any() else samples
    noisy = model.prediction.add_noise(start, drawn, level)
    noisy = torch.nan_to_num(model.latent_format.from_network(noisy), nan=0.0, posinf=0.0, neginf=0.0)
    return {**latent_image, "samples": noisy}


@node("SamplerCustom", title="Sampler Custom", category="sampling/custom_sampling")
def sampler_custom(
    *,
    model: Model,
    add_noise: bool = True,
    noise_seed: Seed = 0,
    cfg: Annotated[float, Range(0.0, 100.0, step=0.1, round=0.01)] = 8.0,
    positive: Conditioning,
    negative: Conditioning,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
    ctx: Context,
) -> Sampled:
    """Denoise a latent along given noise levels with a given sampler.

    Args:
        model: the diffusion model.
        add_noise: whether to add noise first; not when going on from another sampler's work.
        noise_seed: decides the noise.
        cfg: guidance scale; 1 ignores the negative.
        positive: what to paint.
        negative: what to avoid.
        sampler: the algorithm of a step.
        sigmas: the noise levels.
        latent_image: where to start.
    """
    from diffusion.sampling.guidance import ClassifierFree

    guider = GuidedModel(model, {"positive": positive, "negative": negative}, ClassifierFree(cfg))
    noise = SeededNoise(noise_seed) if add_noise else NoNoise(noise_seed)
    return _run(ctx, noise, guider, sampler, sigmas, latent_image)


@node("SamplerCustomAdvanced", title="Sampler Custom (Advanced)", category="sampling/custom_sampling")
def sampler_custom_advanced(
    *, noise: Noise, guider: Guider, sampler: Sampler, sigmas: Sigmas, latent_image: Latent, ctx: Context
) -> Sampled:
    """Denoise a latent with every part chosen on its own.

    Args:
        noise: where the initial noise comes from.
        guider: the model, its conditionings and how they are joined.
        sampler: the algorithm of a step.
        sigmas: the noise levels.
        latent_image: where to start.
    """
    return _run(ctx, noise, guider, sampler, sigmas, latent_image)


def _run(ctx: Context, noise: Any, guider: Any, sampler: Any, sigmas: Any, latent: dict[str, Any]) -> Sampled:
    model = guider.model_patcher
    form = model.latent_format
    samples = fit_channels(latent["samples"], form.channels)
    start = {**latent, "samples": samples}
    last: list[Tensor] = []

    def on_step(step: int, x0: Tensor, x: Tensor, total: int) -> None:
        last[:] = [x0]
        ctx.progress(step + 1, total, preview=lambda: preview_of(ctx, model, x0))

    result = guider.sample(
        noise.generate_noise(start), samples, sampler, sigmas,
        denoise_mask=latent.get("noise_mask"), callback=on_step, disable_pbar=True, seed=noise.seed,
    )  # fmt: skip
    output = {**start, "samples": result}
    if not last:
        return Sampled(output, output)
    return Sampled(output, {**start, "samples": form.from_network(last[0].float()).to("cpu")})
