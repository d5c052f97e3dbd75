"""Host module `comfy.samplers`: names of samplers and schedules, and sampling with them.

The lists are lists because packs append to them; what they append appears in the choices of every node.
Source: protocol §5.6.
"""

from functools import partial as _partial
from typing import Any, NamedTuple

from diffusion.sampling.names import SAMPLERS as _SAMPLERS
from diffusion.sampling.names import SCHEDULES as _SCHEDULES
from interop.late_names import late_names as _late_names


class SchedulerHandler(NamedTuple):
    """A rule for noise levels.

    Attributes:
        handler: takes (noise levels, steps), or the keywords n, sigma_min and sigma_max.
        use_ms: whether it takes the former.
    """

    handler: Any
    use_ms: bool = True


def _levels(name: Any, model_sampling: Any, steps: Any) -> Any:
    from interop.models import sampling

    return sampling.calculate_sigmas(model_sampling, name, steps)


KSAMPLER_NAMES = [name for name in _SAMPLERS if name not in ("ddim", "uni_pc", "uni_pc_bh2")]
SAMPLER_NAMES = list(_SAMPLERS)
SCHEDULER_NAMES = list(_SCHEDULES)
SCHEDULER_HANDLERS = {name: SchedulerHandler(_partial(_levels, name)) for name in _SCHEDULES}
simple_scheduler = SCHEDULER_HANDLERS["simple"].handler
ddim_scheduler = SCHEDULER_HANDLERS["ddim_uniform"].handler
beta_scheduler = SCHEDULER_HANDLERS["beta"].handler
linear_quadratic_schedule = SCHEDULER_HANDLERS["linear_quadratic"].handler

_late = _late_names(
    {
        "CFGGuider": "guider.Guider",
        "KSAMPLER": "k_samplers.KSAMPLER",
        "KSamplerX0Inpaint": "k_samplers.MaskedModel",
        "Sampler": "k_samplers.Sampler",
        "can_concat_cond": "batches.can_join",
        "cond_cat": "batches.joined",
        "get_area_and_mult": "batches.part_of",
    }
)


def __getattr__(name: str) -> Any:
    if name == "k_diffusion_sampling":
        import comfy.k_diffusion.sampling

        return comfy.k_diffusion.sampling
    return _late(name)


def normal_scheduler(model_sampling: Any, steps: Any, sgm: Any = False, floor: Any = False) -> Any:
    """Noise levels at equal distances in the network's time."""
    return _levels("sgm_uniform" if sgm else "normal", model_sampling, steps)


def kl_optimal_scheduler(n: Any, sigma_min: Any, sigma_max: Any) -> Any:
    """Noise levels at equal angles."""
    from diffusion.sampling.schedules import kl_optimal

    return kl_optimal(sigma_min, sigma_max, n)


class KSampler:
    """Sampling by names; `SAMPLERS` and `SCHEDULERS` are the choices."""

    SAMPLERS = SAMPLER_NAMES
    SCHEDULERS = SCHEDULER_NAMES
    DISCARD_PENULTIMATE_SIGMA_SAMPLERS = {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}

    def __init__(
        self,
        model: Any,
        steps: Any,
        device: Any = None,
        sampler: Any = None,
        scheduler: Any = None,
        denoise: Any = None,
        model_options: Any = None,
    ) -> None:
        self.model = model
        self.device = device
        self.model_options = model_options or {}
        self.sampler = sampler or self.SAMPLERS[0]
        self.scheduler = scheduler or self.SCHEDULERS[0]
        self.denoise = denoise
        self.set_steps(steps, denoise)

    def calculate_sigmas(self, steps: Any) -> Any:
        """The noise levels of the schedule, as the sampler wants them."""
        import torch

        levels = self.model.get_model_object("model_sampling")
        if self.sampler not in self.DISCARD_PENULTIMATE_SIGMA_SAMPLERS:
            return calculate_sigmas(levels, self.scheduler, steps)
        sigmas = calculate_sigmas(levels, self.scheduler, steps + 1)
        return torch.cat([sigmas[:-2], sigmas[-1:]])

    def set_steps(self, steps: Any, denoise: Any = None) -> None:
        """Set how many steps are run, of which share of the schedule."""
        import torch

        self.steps = steps
        if denoise is None or denoise > 0.9999:
            self.sigmas = self.calculate_sigmas(steps)
        elif denoise <= 0.0:
            self.sigmas = torch.FloatTensor([])
        else:
            self.sigmas = self.calculate_sigmas(int(steps / denoise))[-(steps + 1) :]

    def sample(
        self, noise: Any, positive: Any, negative: Any, cfg: Any, latent_image: Any = None, start_step: Any = None,
        last_step: Any = None, force_full_denoise: Any = False, denoise_mask: Any = None, sigmas: Any = None,
        callback: Any = None, disable_pbar: Any = False, seed: Any = None,
    ) -> Any:  # fmt: skip
        """Denoise a latent."""
        from diffusion.sampling.run import part

        levels = self.sigmas if sigmas is None else sigmas
        levels = part(levels, start_step, last_step, force_full_denoise=force_full_denoise)
        if len(levels) == 0:
            return latent_image if latent_image is not None else noise * 0
        return sample(
            self.model, noise, positive, negative, cfg, self.device, sampler_object(self.sampler), levels,
            self.model_options, latent_image=latent_image, denoise_mask=denoise_mask, callback=callback,
            disable_pbar=disable_pbar, seed=seed,
        )  # fmt: skip


def sample(
    model: Any, noise: Any, positive: Any, negative: Any, cfg: Any, device: Any, sampler: Any, sigmas: Any,
    model_options: Any = None, latent_image: Any = None, denoise_mask: Any = None, callback: Any = None,
    disable_pbar: Any = False, seed: Any = None,
) -> Any:  # fmt: skip
    """Denoise a latent with classifier-free guidance."""
    import comfy.samplers as host  # where packs may have put a guider of their own

    guider = host.CFGGuider(model)
    if model_options:
        guider.model_options = model_options
    guider.set_conds(positive, negative)
    guider.set_cfg(cfg)
    return guider.sample(noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed)


def sampler_object(name: Any) -> Any:
    """The sampler of that name."""
    return ksampler(name)


def ksampler(sampler_name: Any, extra_options: Any = None, inpaint_options: Any = None) -> Any:
    """The sampler of that name with options."""
    from interop.models.sampling import named_sampler

    return named_sampler(sampler_name, extra_options, inpaint_options)


def calculate_sigmas(model_sampling: Any, scheduler_name: Any, steps: Any) -> Any:
    """The noise levels of a schedule, float32 [steps + 1]."""
    return _levels(scheduler_name, model_sampling, steps)


def sampling_function(
    model: Any,
    x: Any,
    timestep: Any,
    uncond: Any,
    cond: Any,
    cond_scale: Any,
    model_options: Any = None,
    seed: Any = None,
) -> Any:
    """The guided estimate of the picture, within a run."""
    from diffusion.sampling.guidance import ClassifierFree
    from interop.models.guider import estimate

    lists = {"positive": cond, "negative": uncond}
    return estimate(model, x, timestep, lists, ClassifierFree(cond_scale), model_options or {})


def calc_cond_batch(model: Any, conds: Any, x_in: Any, timestep: Any, model_options: Any) -> Any:
    """Estimates of the picture for several lists of conditioning, within a run."""
    from interop.models import hooks

    return hooks.calc_cond_batch(model, conds, x_in, timestep, model_options)


def calc_cond_uncond_batch(model: Any, cond: Any, uncond: Any, x_in: Any, timestep: Any, model_options: Any) -> Any:
    """Both estimates, within a run."""
    return tuple(calc_cond_batch(model, [cond, uncond], x_in, timestep, model_options))


def cfg_function(
    model: Any,
    cond_pred: Any,
    uncond_pred: Any,
    cond_scale: Any,
    x: Any,
    timestep: Any,
    model_options: Any = None,
    cond: Any = None,
    uncond: Any = None,
) -> Any:
    """Join two estimates, with the functions that packs put around it, within a run."""
    from interop.models.guider import join

    return join(model, cond_pred, uncond_pred, cond_scale, x, timestep, model_options or {}, cond, uncond)


def process_conds(
    model: Any, noise: Any, conds: Any, device: Any = None, latent_image: Any = None, denoise_mask: Any = None,
    seed: Any = None,
) -> Any:  # fmt: skip
    """Conditioning by role, ready to be evaluated."""
    from interop.models.conditions import prepared

    return prepared(model, noise, conds, latent_image, denoise_mask)
