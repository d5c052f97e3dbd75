"""Samplers as packs know them: functions of (model, x, sigmas), and objects around them (`comfy.samplers.KSAMPLER`).

Ours are offered in that form, and a pack's own function runs a model of ours.
Source: protocol §5.7 (SAMPLER), §6.7; crowsonkb/k-diffusion for the signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from diffusion.sampling.contract import Guided, OnStep
from diffusion.sampling.noise import SEED_BITS, StepNoise
from diffusion.sampling.prediction import Prediction
from diffusion.sampling.samplers import sampler_by_name

__all__ = ["KSAMPLER", "MaskedModel", "OurSampler", "Sampler", "TakenSampler", "function_of", "lend_sampler"]


class Sampler:
    """What packs call a SAMPLER; subclasses say how to sample."""

    name = ""

    def sample(self, model_wrap: Any, sigmas: Tensor, extra_args: dict[str, Any], callback: Any, noise: Tensor,
               latent_image: Any = None, denoise_mask: Any = None, disable_pbar: bool = False) -> Tensor:  # fmt: skip
        """Denoise; subclasses do it."""
        raise NotImplementedError(f"{type(self).__name__}.sample is missing: return the denoised latent.")

    def max_denoise(self, model_wrap: Any, sigmas: Tensor) -> bool:
        """Whether a run starts at the model's highest noise level."""
        highest, first = float(model_wrap.inner_model.model_sampling.sigma_max), float(sigmas[0])
        return abs(highest - first) <= 1e-5 * max(highest, first) or first > highest

    def run_whole(self, run: Any) -> Tensor:
        """Do a run of our own nodes (`diffusion.sampling.run.Run`)."""
        from interop.models.running import whole_run

        return whole_run(run)


class TakenSampler(Sampler):
    """An object with a `sample` of its own that is no `Sampler`: packs wrap samplers that way.

    Args:
        sampler: of the pack.
    """

    def __init__(self, sampler: Any) -> None:
        self.heddle_handle = sampler
        self.sample = sampler.sample  # type: ignore[method-assign]


class KSAMPLER(Sampler):
    """A sampler made of a function (model, x, sigmas, extra_args, callback, disable, **options).

    Args:
        sampler_function: the function.
        extra_options: its options.
        inpaint_options: {"random": True} noises the part that is kept with a draw of its own.
    """

    def __init__(
        self,
        sampler_function: Callable[..., Tensor],
        extra_options: Mapping[str, Any] | None = None,
        inpaint_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.sampler_function = sampler_function
        self.extra_options = dict(extra_options or {})
        self.inpaint_options = dict(inpaint_options or {})

    def sample(self, model_wrap: Any, sigmas: Tensor, extra_args: dict[str, Any], callback: Any, noise: Tensor,
               latent_image: Any = None, denoise_mask: Any = None, disable_pbar: bool = False) -> Tensor:  # fmt: skip
        """Denoise with the function.

        Args:
            model_wrap: the guider, which is called with (x, sigma, model_options, seed).
            callback: told (step, x0, x, total steps).
        """
        extra_args = {**extra_args, "denoise_mask": denoise_mask}
        model = MaskedModel(model_wrap, sigmas)
        model.latent_image = latent_image
        model.noise = noise
        if self.inpaint_options.get("random", False):
            generator = torch.Generator("cpu").manual_seed(((extra_args.get("seed") or 0) + 1) & SEED_BITS)
            model.noise = torch.randn(noise.shape, generator=generator).to(noise)
        rule = model_wrap.inner_model.model_sampling
        start = 0 if latent_image is None else latent_image
        x = rule.noise_scaling(sigmas[0], noise, start, self.max_denoise(model_wrap, sigmas))
        total = len(sigmas) - 1

        def tell(state: Mapping[str, Any]) -> None:
            if callback is not None:
                callback(state["i"], state["denoised"], state["x"], total)

        x = self.sampler_function(
            model, x, sigmas, extra_args=extra_args, callback=tell, disable=disable_pbar, **self.extra_options
        )
        result: Tensor = rule.inverse_noise_scaling(sigmas[-1], x)
        return result


class MaskedModel:
    """A guider that leaves alone what a mask does not select (`KSamplerX0Inpaint`)."""

    def __init__(self, model: Any, sigmas: Tensor) -> None:
        self.inner_model = model
        self.sigmas = sigmas
        self.latent_image: Any = None
        self.noise: Any = None

    def __call__(
        self, x: Tensor, sigma: Tensor, denoise_mask: Any = None, model_options: Any = None, seed: int | None = None
    ) -> Tensor:
        """The estimate of the picture.

        Args:
            sigma: [batch].
            denoise_mask: 1 where the latent is repainted.
        """
        options = {} if model_options is None else model_options
        if denoise_mask is None:
            result: Tensor = self.inner_model(x, sigma, model_options=options, seed=seed)
            return result
        inner = self.inner_model.inner_model
        if "denoise_mask_function" in options:
            extra = {"model": self.inner_model, "sigmas": self.sigmas}
            denoise_mask = options["denoise_mask_function"](sigma, denoise_mask, extra_options=extra)
        elif inner.heddle_model.hooks.mask is not None:
            level = sigma.flatten()[0].cpu()
            denoise_mask = inner.heddle_model.hooks.mask(level, denoise_mask, self.sigmas, inner.heddle_model)
        kept = 1.0 - denoise_mask
        original = inner.scale_latent_inpaint(x=x, sigma=sigma, noise=self.noise, latent_image=self.latent_image)
        result = self.inner_model(x * denoise_mask + original * kept, sigma, model_options=options, seed=seed)
        mixed: Tensor = result * denoise_mask + self.latent_image * kept
        return mixed


class _KDenoiser:
    """A pack's model as our samplers call denoisers."""

    def __init__(self, model: Any, extra_args: Mapping[str, Any], sigmas: Tensor) -> None:
        self.model, self.extra_args = model, dict(extra_args)
        self.step = (sigmas[0], sigmas[0])

    @property
    def prediction(self) -> Prediction:
        from interop.models.predicting import as_prediction

        guider = getattr(self.model, "inner_model", self.model)
        inner = getattr(guider, "inner_model", guider)
        own = getattr(inner, "heddle_model", None)
        return as_prediction(inner.model_sampling) if own is None else own.prediction

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Tensor:
        result: Tensor = self.model(x, sigma.to(x.device).reshape(1).expand(x.shape[0]), **self.extra_args)
        return result

    def guided(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Guided:
        seen: list[Tensor] = []

        def keep(told: Mapping[str, Any]) -> Tensor:
            seen.append(told["uncond_denoised"])
            denoised: Tensor = told["denoised"]
            return denoised

        options = dict(self.extra_args.get("model_options") or {})
        options["sampler_post_cfg_function"] = [*options.get("sampler_post_cfg_function", []), keep]
        options["disable_cfg1_optimization"] = True
        arguments = {**self.extra_args, "model_options": options}
        denoised: Tensor = self.model(x, sigma.to(x.device).reshape(1).expand(x.shape[0]), **arguments)
        unconditional = seen[-1] if seen and seen[-1] is not None else denoised
        return Guided(denoised, unconditional)


class _PackNoise(StepNoise):
    """A pack's noise function, (sigma, next sigma) → noise, where our samplers ask for noise."""

    def __init__(self, function: Callable[[Any, Any], Tensor], sigmas: Tensor) -> None:
        super().__init__(0)
        self._function, self._sigmas = function, sigmas
        self.step = 0

    def __call__(self, x: Tensor) -> Tensor:
        after = min(self.step + 1, len(self._sigmas) - 1)
        return self._function(self._sigmas[self.step], self._sigmas[after])

    def brownian(self, x: Tensor, sigmas: Tensor, *, on_cpu: bool = True) -> Callable[[Tensor, Tensor], Tensor]:
        """The pack's function itself."""
        return self._function


def function_of(name: str, method: Callable[..., Tensor] | None = None) -> Callable[..., Tensor]:
    """One of our samplers as a function (model, x, sigmas, extra_args, callback, disable, **options).

    Args:
        method: the sampler, where its options are fixed already.
    """

    def sample(
        model: Any,
        x: Tensor,
        sigmas: Tensor,
        extra_args: Mapping[str, Any] | None = None,
        callback: Callable[[dict[str, Any]], Any] | None = None,
        disable: bool | None = None,
        noise_sampler: Callable[[Any, Any], Tensor] | None = None,
        **options: Any,
    ) -> Tensor:
        levels = sigmas.to("cpu", torch.float32)
        arguments = dict(extra_args or {})
        noise = StepNoise(int(arguments.get("seed") or 0), x.device)
        if noise_sampler is not None:
            noise = _PackNoise(noise_sampler, levels)
        own = sampler_by_name(name, **options) if method is None else method
        return own(_KDenoiser(model, arguments, levels), x, levels, None, noise, _teller(levels, noise, callback))

    sample.__name__ = sample.__qualname__ = f"sample_{name}"
    sample.__doc__ = f"The sampler {name!r}."
    return sample


def _teller(sigmas: Tensor, noise: StepNoise, callback: Callable[[dict[str, Any]], Any] | None) -> OnStep:
    def tell(step: int, denoised: Tensor, x: Tensor) -> None:
        if isinstance(noise, _PackNoise):
            noise.step = step
        if callback is not None:
            level = sigmas[min(step, len(sigmas) - 1)]  # adaptive samplers take steps of their own
            callback({"x": x, "i": step, "sigma": level, "sigma_hat": level, "denoised": denoised})

    return tell


class OurSampler(KSAMPLER):
    """A sampler of our own nodes, for packs."""

    def __init__(self, own: Any) -> None:
        from interop.additions import replaced_function

        self.name = getattr(own, "name", "") or "sampler"
        fresh = {"random": True} if self.name == "ddim" else {}
        theirs = replaced_function(self.name)
        options = {} if theirs is None else getattr(getattr(own, "run", None), "keywords", {})
        super().__init__(theirs or function_of(self.name, own), options, fresh)
        self.heddle_object = own


def lend_sampler(sampler: Any, *, fresh_mask_noise: bool = False) -> Sampler:
    """A sampler with the methods that packs know, from one of theirs or of ours.

    Args:
        fresh_mask_noise: noise the part that a mask keeps with a draw of its own.
    """
    if hasattr(sampler, "sample"):
        return sampler  # type: ignore[no-any-return]
    own = OurSampler(sampler)
    if fresh_mask_noise:
        own.inpaint_options["random"] = True
    return own
