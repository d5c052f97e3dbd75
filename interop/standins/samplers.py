"""Host module `comfy.samplers`: names of samplers and schedules, and sampling with them.

The lists are lists because packs append to them; what they append appears in their own choices.
Source: protocol §5.6.
"""

from typing import Any

from diffusion.sampling.names import SAMPLERS as _SAMPLERS
from diffusion.sampling.names import SCHEDULES as _SCHEDULES
from interop.placeholders import placeholder as _placeholder

KSAMPLER_NAMES = [name for name in _SAMPLERS if name not in ("ddim", "uni_pc", "uni_pc_bh2")]
SAMPLER_NAMES = list(_SAMPLERS)
SCHEDULER_NAMES = list(_SCHEDULES)
SCHEDULER_HANDLERS = {name: _placeholder(f"comfy.samplers.SCHEDULER_HANDLERS.{name}") for name in _SCHEDULES}


def __getattr__(name: Any) -> Any:
    if name == "CFGGuider":
        from interop.models.sampling import Guider

        return Guider
    raise AttributeError(name)


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
        self.sampler = sampler or SAMPLER_NAMES[0]
        self.scheduler = scheduler or SCHEDULER_NAMES[0]
        self.denoise = denoise
        self.steps = steps

    def sample(
        self,
        noise: Any,
        positive: Any,
        negative: Any,
        cfg: Any,
        latent_image: Any = None,
        start_step: Any = None,
        last_step: Any = None,
        force_full_denoise: Any = False,
        denoise_mask: Any = None,
        sigmas: Any = None,
        callback: Any = None,
        disable_pbar: Any = False,
        seed: Any = None,
    ) -> Any:
        """Denoise a latent."""
        from interop.models import sampling

        return sampling.sample(
            self.model,
            noise,
            self.steps,
            cfg,
            self.sampler,
            self.scheduler,
            positive,
            negative,
            latent_image,
            denoise=1.0 if self.denoise is None else self.denoise,
            start_step=start_step,
            last_step=last_step,
            force_full_denoise=force_full_denoise,
            noise_mask=denoise_mask,
            sigmas=sigmas,
            callback=callback,
            disable_pbar=disable_pbar,
            seed=seed,
        )


def sampler_object(name: Any) -> Any:
    """The sampler of that name."""
    from interop.models.sampling import NamedSampler

    return NamedSampler(name)


def ksampler(sampler_name: Any, extra_options: Any = None, inpaint_options: Any = None) -> Any:
    """The sampler of that name with options."""
    from interop.models.sampling import NamedSampler

    return NamedSampler(sampler_name, **(extra_options or {}))


def calculate_sigmas(model_sampling: Any, scheduler_name: Any, steps: Any) -> Any:
    """The noise levels of a schedule, float32 [steps + 1]."""
    from interop.models import sampling

    return sampling.calculate_sigmas(model_sampling, scheduler_name, steps)
