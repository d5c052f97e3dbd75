"""One run: noise and latent in, latent out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion.model import Model
from diffusion.pool import activation_bytes, pool_of
from diffusion.sampling.added import added_run
from diffusion.sampling.checkpoint import Checkpoint, resumable
from diffusion.sampling.conditioning import Conditioning, prepare
from diffusion.sampling.contract import Denoiser
from diffusion.sampling.evaluate import Evaluator
from diffusion.sampling.guidance import ClassifierFree, Guidance, GuidedDenoiser
from diffusion.sampling.inpaint import MaskedDenoiser, latent_mask
from diffusion.sampling.noise import SEED_BITS, StepNoise, after_noise
from diffusion.sampling.samplers import sampler_by_name
from diffusion.sampling.schedules import schedule as noise_levels

Report = Callable[[int, int, Tensor, Tensor], None]  # (step, total, x0, x), both in network space


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run is given; the fields are the arguments of `integrate`."""

    model: Model
    noise: Tensor
    latent: Tensor
    conditioning: Mapping[str, Conditioning]
    guidance: Guidance
    sampler: Callable[..., Tensor]
    sigmas: Tensor
    seed: int
    noise_mask: Tensor | None = None
    fresh_mask_noise: bool = False
    on_step: Report | None = None
    checkpoint: Checkpoint | None = None


@torch.inference_mode()
def integrate(
    model: Model,
    *,
    noise: Tensor,
    latent: Tensor,
    conditioning: Mapping[str, Conditioning],
    guidance: Guidance,
    sampler: Callable[..., Tensor],
    sigmas: Tensor,
    seed: int,
    noise_mask: Tensor | None = None,
    fresh_mask_noise: bool = False,
    on_step: Report | None = None,
    checkpoint: Checkpoint | None = None,
) -> Tensor:
    """Run a sampler over given noise levels.

    Args:
        noise: initial noise, shaped like `latent`; zeros add none.
        latent: autoencoder-space latent to start from [batch, channels, h, w].
        conditioning: lists by role, as the guidance needs them (`positive`, `negative`, …).
        sampler: from `sampler_by_name`.
        sigmas: float32, decreasing; empty returns the latent unchanged.
        seed: of the noise added on the way.
        noise_mask: 1 where the latent is repainted, any resolution.
        fresh_mask_noise: noise the unmasked part with a draw of its own (seed + 1).
        on_step: told after each step's first evaluation.
        checkpoint: keeps the run, so that another call can resume it.
    Returns:
        Autoencoder-space latent, float32, on the CPU.
    """
    if len(sigmas) == 0:
        return latent
    run = Run(
        model, noise, latent, conditioning, guidance, sampler, sigmas, seed, noise_mask, fresh_mask_noise, on_step,
        checkpoint,
    )  # fmt: skip
    takes_over = model.hooks.run or getattr(sampler, "run_whole", None) or added_run()
    pool = pool_of(model.network.device)
    try:
        with pool.session():
            return _integrate(run) if takes_over is None else takes_over(run)
    except torch.OutOfMemoryError:
        pool.lower(model.network)  # whoever tries again needs less
        raise


def _integrate(run: Run) -> Tensor:
    model, seed, on_step = run.model, run.seed, run.on_step
    module = model.network.prepare(model.patches, _working(model, run.noise))
    device = model.network.device
    noise, sigmas = run.noise.to(device, torch.float32), run.sigmas.to("cpu", torch.float32).clone()
    start = run.latent.to(device, torch.float32)
    start = model.latent_format.to_network(start) if bool(start.any()) else start
    mask = None if run.noise_mask is None else latent_mask(run.noise_mask, noise)
    lists = prepare(run.conditioning, model.family, model.prediction, noise, start, mask, seed, model.network)
    chance = after_noise(noise, seed + run.fresh_mask_noise)  # ddim draws again, masked or not
    denoiser: Denoiser = GuidedDenoiser(Evaluator(model, module, sigmas, chance), run.guidance)
    if mask is not None:
        mask_noise = noise
        if run.fresh_mask_noise:
            generator = torch.Generator("cpu").manual_seed((seed + 1) & SEED_BITS)
            mask_noise = torch.randn(noise.shape, generator=generator).to(device)
        denoiser = MaskedDenoiser(denoiser, model, mask, start, mask_noise, sigmas)
    rule, total = model.prediction, len(sigmas) - 1
    kept = resumable(denoiser, model, run.checkpoint)
    denoiser = kept or denoiser

    def tell(step: int, denoised: Tensor, x: Tensor) -> None:
        if kept is not None:
            kept.after(step)
        if on_step is not None:
            on_step(step, total, denoised, x)

    x = rule.add_noise(start, noise, sigmas[0], from_pure_noise=rule.starts_from_pure_noise(sigmas[0]))
    x = run.sampler(denoiser, x, sigmas, lists, StepNoise(seed, device), tell)
    x = rule.finish(x, sigmas[-1])
    return model.latent_format.from_network(x.float()).to("cpu")


def _working(model: Model, noise: Tensor) -> int:
    """Bytes that one call of the network needs besides its weights."""
    config = getattr(model.network.module, "config", {})
    width = (config.get("block_out_channels") or [0])[0] or config.get("num_attention_heads", 8) * 64
    return activation_bytes(noise.shape, width, model.network.compute.itemsize)


def sample(
    model: Model,
    *,
    noise: Tensor,
    latent: Tensor,
    positive: Conditioning,
    negative: Conditioning,
    guidance_scale: float,
    sampler: str,
    schedule: str,
    steps: int,
    strength: float = 1.0,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
    disable_noise: bool = False,
    noise_mask: Tensor | None = None,
    seed: int = 0,
    on_step: Report | None = None,
    checkpoint: Checkpoint | None = None,
) -> Tensor:
    """Denoise a latent along a named schedule with classifier-free guidance.

    Args:
        noise: from `prepare_noise`.
        latent: autoencoder-space latent [batch, channels, h, w]; zeros for a new picture.
        guidance_scale: 1 ignores the negative conditioning.
        strength: share of the schedule that is run, 0..1; below 1 keeps something of `latent`.
        start_step, last_step: part of the schedule to run, counted on the whole of it.
        force_full_denoise: with `last_step`, end at sigma 0 all the same.
        disable_noise: start from the latent as it is.
        noise_mask: 1 where the latent is repainted, any resolution.
        seed: of the noise added on the way.
        on_step: told (step, total, x0, x) after each step.
        checkpoint: keeps the run, so that another call can resume it.
    Returns:
        Autoencoder-space latent, float32, on the CPU.
    Raises:
        SamplingError: for an unknown sampler or schedule, or less than one step.
    """
    method = sampler_by_name(sampler)
    sigmas = noise_levels(schedule, model.prediction, steps, strength, sampler)
    sigmas = part(sigmas, start_step, last_step, force_full_denoise=force_full_denoise)
    if len(sigmas) == 0:
        return latent
    return integrate(
        model,
        noise=torch.zeros_like(latent) if disable_noise else noise,
        latent=latent,
        conditioning={"positive": positive, "negative": negative},
        guidance=ClassifierFree(guidance_scale),
        sampler=method,
        sigmas=sigmas,
        seed=seed,
        noise_mask=noise_mask,
        fresh_mask_noise=sampler == "ddim",
        on_step=on_step,
        checkpoint=checkpoint,
    )


def part(sigmas: Tensor, start: int | None, last: int | None, *, force_full_denoise: bool) -> Tensor:
    """The noise levels between two steps of a schedule; empty if nothing is left to do."""
    sigmas = sigmas.clone()
    if last is not None and last < len(sigmas) - 1:
        sigmas = sigmas[: last + 1]
        if force_full_denoise and len(sigmas):
            sigmas[-1] = 0
    if start is not None:
        sigmas = sigmas[start:] if start < len(sigmas) - 1 else torch.empty(0)
    return sigmas


__all__ = ["Report", "Run", "integrate", "part", "sample"]
