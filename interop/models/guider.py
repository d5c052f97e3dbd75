"""Guiders as packs know them (`comfy.samplers.CFGGuider`): a run in the stages that packs replace and wrap.

    sample → outer_sample → inner_sample → the sampler's sample → the guider called → predict_noise → estimates

Source: protocol §5.7 (GUIDER), §6.4; pack_surface, tier 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from diffusion.model import GuidanceStep
from diffusion.sampling.evaluate import Evaluator
from diffusion.sampling.guidance import ClassifierFree, Guidance, combine
from diffusion.sampling.inpaint import latent_mask
from interop import progress
from interop.models.conditions import as_dictionaries, prepared
from interop.models.extension import WrapperExecutor, WrappersMP, all_of
from interop.models.hooks import hooks_of
from interop.models.inner import BaseModel
from interop.models.k_samplers import lend_sampler
from interop.models.live_conditions import evaluator_for, taken_entries

__all__ = ["Guider", "TakenGuider", "estimate", "join"]


def estimate(
    model: BaseModel, x: Tensor, timestep: Tensor, lists: Mapping[str, Any], guidance: Guidance,
    options: Mapping[str, Any],
) -> Tensor:  # fmt: skip
    """The guided estimate of the picture, under a pack's model options.

    Args:
        model: in a run.
        timestep: noise level of each sample.
        lists: prepared conditioning by role.
    """
    assert model.live is not None, "a model estimates only in a run"
    hooked = replace(model.heddle_model, hooks=hooks_of(options, model))
    entries = {role: taken_entries(model, items, x) or () for role, items in lists.items()}
    live = evaluator_for(model, model.live.with_model(hooked), entries.values())
    return guidance.estimate(live, x, timestep.flatten()[0].cpu(), entries, both=False).denoised


class Guider:
    """Classifier-free guidance over a model: what packs call a GUIDER.

    Args:
        model_patcher: the handle of a model.
    """

    def __init__(self, model_patcher: Any) -> None:
        self.model_patcher = model_patcher
        self.model_options: dict[str, Any] = getattr(model_patcher, "model_options", {})
        self.original_conds: dict[str, Any] = {}
        self.conds: dict[str, Any] = {}
        self.cfg = 1.0
        self.inner_model: Any = None
        self.loaded_models: list[Any] = []

    @property
    def heddle_object(self) -> Any:
        """The same guidance for our nodes; a guider that a pack changed samples by itself."""
        if type(self) is not Guider:
            return TakenGuider(self)
        from interop.models import take_back
        from interop.models.conditions import as_pairs
        from nodes.guiders import GuidedModel

        lists = {role: as_pairs(items) for role, items in self.original_conds.items()}
        lists.setdefault("negative", [])
        return GuidedModel(take_back(self.model_patcher), lists, ClassifierFree(self.cfg))

    def set_conds(self, positive: Any, negative: Any) -> None:
        """Set the conditioning."""
        self.inner_set_conds({"positive": positive, "negative": negative})

    def inner_set_conds(self, conds: Mapping[str, Any]) -> None:
        """Set conditioning by role."""
        for role, conditioning in conds.items():
            self.original_conds[role] = as_dictionaries(conditioning)

    def set_cfg(self, cfg: float) -> None:
        """Set the guidance scale."""
        self.cfg = cfg

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """The estimate of the picture behind a noisy latent, for samplers."""
        return self.outer_predict_noise(*args, **kwargs)

    def outer_predict_noise(
        self, x: Tensor, timestep: Tensor, model_options: Any = None, seed: int | None = None
    ) -> Tensor:
        """`predict_noise` with the wrappers around it."""
        options = {} if model_options is None else model_options
        wrappers = _wrappers(self.model_options, WrappersMP.PREDICT_NOISE)
        executor = WrapperExecutor.new_class_executor(self.predict_noise, self, wrappers)
        result: Tensor = executor.execute(x, timestep, options, seed)
        return result

    def predict_noise(self, x: Tensor, timestep: Tensor, model_options: Any = None, seed: int | None = None) -> Tensor:
        """The guided estimate; subclasses replace it."""
        import comfy.samplers as host  # where packs may have put a function of their own

        result: Tensor = host.sampling_function(
            self.inner_model, x, timestep, self.conds.get("negative"), self.conds.get("positive"), self.cfg,
            model_options={} if model_options is None else model_options, seed=seed,
        )  # fmt: skip
        return result

    def sample(
        self, noise: Tensor, latent_image: Tensor, sampler: Any, sigmas: Tensor, denoise_mask: Any = None,
        callback: Any = None, disable_pbar: bool = False, seed: int | None = None,
    ) -> Tensor:  # fmt: skip
        """Denoise a latent.

        Args:
            noise: shaped like `latent_image`.
            sampler: of a pack or of our nodes.
            sigmas: noise levels; without any the latent is returned as it is.
            denoise_mask: 1 where the latent is repainted.
            callback: told (step, x0, x, total steps).
        Returns:
            Autoencoder-space latent, float32, on the CPU.
        """
        if sigmas.shape[-1] == 0:
            return latent_image
        before = self.model_options
        self.conds = {role: list(items) for role, items in self.original_conds.items()}
        self.model_options = options_of_run(self.model_patcher, before)
        wrappers = _wrappers(self.model_options, WrappersMP.OUTER_SAMPLE)
        executor = WrapperExecutor.new_class_executor(self.outer_sample, self, wrappers)
        told = _reporter(len(sigmas) - 1) if callback is None and not disable_pbar else callback
        try:
            with torch.inference_mode():
                result: Tensor = executor.execute(
                    noise, latent_image, lend_sampler(sampler), sigmas, denoise_mask, told, disable_pbar, seed
                )
        finally:
            self.model_options = before
        return result.float().cpu()

    def outer_sample(
        self, noise: Tensor, latent_image: Tensor, sampler: Any, sigmas: Tensor, denoise_mask: Any = None,
        callback: Any = None, disable_pbar: bool = False, seed: int | None = None, **rest: Any,
    ) -> Tensor:  # fmt: skip
        """Bring the model into place, run, and leave everything as it was."""
        patcher = self.model_patcher
        prepare = WrapperExecutor.new_executor(_prepared, _wrappers(self.model_options, WrappersMP.PREPARE_SAMPLING))
        self.inner_model, self.conds, self.loaded_models = prepare.execute(
            patcher, noise.shape, self.conds, self.model_options
        )
        device = patcher.load_device
        if denoise_mask is not None:
            denoise_mask = latent_mask(denoise_mask, noise.to(device))
        noise, latent_image = noise.to(device, torch.float32), latent_image.to(device, torch.float32)
        try:
            with patcher.in_use(self.inner_model):
                return self.inner_sample(
                    noise, latent_image, device, sampler, sigmas.float(), denoise_mask, callback, disable_pbar, seed
                )
        finally:
            self.inner_model = None
            self.loaded_models = []

    def inner_sample(
        self, noise: Tensor, latent_image: Tensor, device: Any, sampler: Any, sigmas: Tensor, denoise_mask: Any,
        callback: Any, disable_pbar: bool, seed: int | None, **rest: Any,
    ) -> Tensor:  # fmt: skip
        """Prepare the conditioning and let the sampler work."""
        inner = self.inner_model
        if latent_image is not None and bool(latent_image.any()):
            latent_image = inner.process_latent_in(latent_image)
        model = inner.heddle_model
        inner.live = Evaluator(model, model.network.prepare(model.patches), sigmas.cpu())
        self.conds = prepared(inner, noise, self.conds, latent_image, denoise_mask, seed)
        inside = {**self.model_options.get("transformer_options", {}), "sample_sigmas": sigmas}
        extra_args = {"model_options": {**self.model_options, "transformer_options": inside}, "seed": seed}
        wrappers = _wrappers(self.model_options, WrappersMP.SAMPLER_SAMPLE)
        executor = WrapperExecutor.new_class_executor(sampler.sample, sampler, wrappers)
        samples = executor.execute(self, sigmas, extra_args, callback, noise, latent_image, denoise_mask, disable_pbar)
        result: Tensor = inner.process_latent_out(samples.to(torch.float32))
        return result


class TakenGuider:
    """A pack's own guider, as our nodes use guiders.

    Args:
        guider: of the pack.
    """

    def __init__(self, guider: Guider) -> None:
        self.heddle_handle = guider

    @property
    def model_patcher(self) -> Any:
        """The model of `diffusion` that it guides."""
        from interop.models import take_back

        return take_back(self.heddle_handle.model_patcher)

    def sample(self, *args: Any, **kwargs: Any) -> Any:
        """Denoise a latent, as the pack does it."""
        return self.heddle_handle.sample(*args, **kwargs)


def options_of_run(patcher: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Model options of one run: copies, with the wrappers and callbacks that lie on the model itself."""
    from interop.models.extension import merged
    from interop.models.options import copied_options

    own: dict[str, Any] = copied_options(dict(options))
    inside = own.setdefault("transformer_options", {})
    for name in ("wrappers", "callbacks"):
        inside[name] = merged(inside.get(name, {}), getattr(patcher, name, {}))
    return own


def _wrappers(options: Mapping[str, Any], kind: str) -> list[Any]:
    return all_of(options.get("transformer_options", {}).get("wrappers", {}), kind)


def _prepared(
    model: Any, noise_shape: Any, conds: Any, model_options: Any = None, **rest: Any
) -> tuple[BaseModel, Any, list[Any]]:
    """The inside of a model for one run, the conditioning, and further models: none."""
    return model.model_of_run(), conds, []


def _reporter(total: int) -> Any:
    def tell(step: int, x0: Any, x: Any, steps: int) -> None:
        progress.report(step + 1, total)

    return tell


def join(
    model: BaseModel, positive: Tensor, negative: Tensor | None, scale: float, x: Tensor, timestep: Tensor,
    options: Mapping[str, Any], cond: Any = None, uncond: Any = None,
) -> Tensor:  # fmt: skip
    """Join two estimates by classifier-free guidance, with a pack's functions around it.

    Args:
        model: in a run.
        cond, uncond: the prepared lists that the estimates were made for.
    """
    hooked = replace(model.heddle_model, hooks=hooks_of(options, model))
    live = model.live
    assert live is not None, "a model estimates only in a run"

    def evaluate(lists: Any, other: Any = None) -> list[Tensor]:
        return live.with_model(other or hooked)(lists, x, timestep.flatten()[0].cpu())

    estimates = (positive, torch.zeros_like(x) if negative is None else negative)
    sides = (taken_entries(model, cond, x), taken_entries(model, uncond, x))
    step = GuidanceStep(x, timestep.flatten()[0].cpu(), estimates, sides, scale, hooked, evaluate)
    return combine(step).denoised
