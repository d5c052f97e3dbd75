"""Sampling for packs, over `diffusion.sampling`.

Source: protocol §5.6 (`comfy.samplers`), pack_surface tier 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffusion import sampling
from diffusion.model import Model
from diffusion.sampling.guidance import ClassifierFree
from diffusion.sampling.noise import prepare_noise
from diffusion.sampling.samplers import sampler_by_name
from interop import progress
from interop.errors import NotSupported
from interop.models import take_back
from nodes import guiders
from nodes.sampling import fit_channels

__all__ = ["Guider", "NamedSampler", "calculate_sigmas", "sample", "sample_custom", "sample_dictionary"]

Callback = Callable[[int, Any, Any, int], None]
"""(step, x0, x, total steps)."""


def _on_step(model: Model, callback: Callback | None) -> Callable[[int, int, Any, Any], None]:
    if callback is not None:
        return lambda step, total, x0, x: callback(step, x0, x, total)

    def tell(step: int, total: int, x0: Any, x: Any) -> None:
        progress.report(step + 1, total)

    return tell


def sample_dictionary(model: Model, latent: dict[str, Any], *, seed: int, **settings: Any) -> dict[str, Any]:
    """Sample a latent dictionary; other keys are kept."""
    import torch

    samples = fit_channels(latent["samples"], model.latent_format.channels)
    if settings.get("disable_noise"):
        noise = torch.zeros_like(samples, device="cpu")
    else:
        noise = prepare_noise(samples, seed, latent.get("batch_index"))
    result = sampling.sample(
        model,
        noise=noise,
        latent=samples,
        seed=seed,
        noise_mask=latent.get("noise_mask"),
        on_step=_on_step(model, None),
        **settings,
    )
    return {**latent, "samples": result}


def sample(
    model: Any,
    noise: Any,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent_image: Any,
    denoise: float = 1.0,
    disable_noise: bool = False,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
    noise_mask: Any = None,
    sigmas: Any = None,
    callback: Callback | None = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> Any:
    """Denoise a latent; see `diffusion.sampling.sample`."""
    if sigmas is not None:
        return sample_custom(
            model, noise, cfg, NamedSampler(sampler_name), sigmas, positive, negative, latent_image, noise_mask,
            callback, disable_pbar, seed,
        )  # fmt: skip
    own = take_back(model)
    return sampling.sample(
        own,
        noise=noise,
        latent=latent_image,
        positive=positive,
        negative=negative,
        guidance_scale=cfg,
        sampler=sampler_name,
        schedule=scheduler,
        steps=steps,
        strength=1.0 if denoise is None else denoise,
        disable_noise=disable_noise,
        start_step=start_step,
        last_step=last_step,
        force_full_denoise=force_full_denoise,
        noise_mask=noise_mask,
        seed=seed or 0,
        on_step=_on_step(own, callback),
    )


class NamedSampler:
    """One of the engine's samplers, with its options: what packs call a SAMPLER."""

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        self.options = options
        self.heddle_sampler = sampler_by_name(name, **options)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Integrate, as our nodes call samplers."""
        return self.heddle_sampler(*arguments, **options)

    def sample(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: use it through `sample_custom` or a guider."""
        raise NotSupported("SAMPLER.sample", "called", "Use comfy.sample.sample_custom, or a CFGGuider.")


def _method(sampler: Any) -> tuple[Callable[..., Any], str]:
    own = getattr(sampler, "heddle_sampler", sampler)
    if not callable(own):
        raise NotSupported(f"a sampler of type {type(sampler).__name__}", "used", "Use comfy.samplers.sampler_object.")
    return own, getattr(sampler, "name", "")


def sample_custom(
    model: Any,
    noise: Any,
    cfg: float,
    sampler: Any,
    sigmas: Any,
    positive: Any,
    negative: Any,
    latent_image: Any,
    noise_mask: Any = None,
    callback: Callback | None = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> Any:
    """Denoise a latent along given noise levels with a given sampler."""
    own = take_back(model)
    method, name = _method(sampler)
    return sampling.integrate(
        own,
        noise=noise,
        latent=latent_image,
        conditioning={"positive": positive, "negative": negative},
        guidance=ClassifierFree(cfg),
        sampler=method,
        sigmas=sigmas,
        seed=seed or 0,
        noise_mask=noise_mask,
        fresh_mask_noise=name == "ddim",
        on_step=_on_step(own, callback),
    )


def calculate_sigmas(model_sampling: Any, scheduler_name: str, steps: int) -> Any:
    """The noise levels of a schedule."""
    return sampling.schedule(scheduler_name, model_sampling.prediction, steps)


class Guider:
    """Classifier-free guidance over a model: what packs call a GUIDER."""

    def __init__(self, model_patcher: Any) -> None:
        self.model_patcher = model_patcher
        self.model_options = getattr(model_patcher, "model_options", {})
        self.conds: dict[str, Any] = {}
        self.original_conds: dict[str, Any] = {}
        self.cfg = 1.0

    @property
    def heddle_object(self) -> Any:
        """The same guidance for our nodes; a guider of a pack with a `sample` of its own is used as it is."""
        if type(self).sample is not Guider.sample:
            return self
        self._check()
        return guiders.GuidedModel(take_back(self.model_patcher), dict(self.conds), ClassifierFree(self.cfg))

    def _check(self) -> None:
        if type(self).predict_noise is not Guider.predict_noise:
            raise NotSupported("comfy.samplers.CFGGuider.predict_noise", f"replaced by {type(self).__name__}")

    def set_conds(self, positive: Any, negative: Any) -> None:
        """Set the conditioning."""
        self.inner_set_conds({"positive": positive, "negative": negative})

    def inner_set_conds(self, conds: dict[str, Any]) -> None:
        """Set conditioning by name."""
        self.conds = self.original_conds = dict(conds)

    def set_cfg(self, cfg: float) -> None:
        """Set the guidance scale."""
        self.cfg = cfg

    def predict_noise(self, x: Any, timestep: Any, model_options: Any = None, seed: int | None = None) -> Any:
        """Subclasses that predict by themselves are not supported."""
        raise NotSupported("comfy.samplers.CFGGuider.predict_noise", "called")

    def sample(
        self,
        noise: Any,
        latent_image: Any,
        sampler: Any,
        sigmas: Any,
        denoise_mask: Any = None,
        callback: Callback | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Any:
        """Denoise a latent.

        Raises:
            NotSupported: for a subclass that predicts by itself.
        """
        self._check()
        positive = self.conds.get("positive", [])
        return sample_custom(
            self.model_patcher, noise, self.cfg, sampler, sigmas, positive, self.conds.get("negative", []),
            latent_image, denoise_mask, callback, disable_pbar, seed,
        )  # fmt: skip
