"""Host module `comfy.sample`: noise, and sampling.

Source: pack_surface, tier 2.
"""

from typing import Any


def __getattr__(name: Any) -> Any:
    if name == "np":
        import numpy

        return numpy
    raise AttributeError(name)


def prepare_noise(latent_image: Any, seed: Any, noise_inds: Any = None) -> Any:
    """The initial noise of a latent; float32 on the CPU."""
    from diffusion.sampling import prepare_noise as prepare

    return prepare(latent_image, seed, noise_inds)


prepare_noise_orig = prepare_noise
"""Packs keep the function here before they put another in its place."""


def fix_empty_latent_channels(model: Any, latent_image: Any) -> Any:
    """Give an empty latent the channels of a model."""
    from nodes.sampling import fit_channels

    return fit_channels(latent_image, model.get_model_object("latent_format").latent_channels)


def sample(
    model: Any, noise: Any, steps: Any, cfg: Any, sampler_name: Any, scheduler: Any, positive: Any, negative: Any,
    latent_image: Any, denoise: Any = 1.0, disable_noise: Any = False, start_step: Any = None, last_step: Any = None,
    force_full_denoise: Any = False, noise_mask: Any = None, sigmas: Any = None, callback: Any = None,
    disable_pbar: Any = False, seed: Any = None,
) -> Any:  # fmt: skip
    """Denoise a latent by names; whether the noise is zeros is the caller's affair."""
    import comfy.samplers as host

    sampler = host.KSampler(
        model, steps=steps, device=model.load_device, sampler=sampler_name, scheduler=scheduler, denoise=denoise,
        model_options=model.model_options,
    )  # fmt: skip
    found = sampler.sample(
        noise, positive, negative, cfg=cfg, latent_image=latent_image, start_step=start_step, last_step=last_step,
        force_full_denoise=force_full_denoise, denoise_mask=noise_mask, sigmas=sigmas, callback=callback,
        disable_pbar=disable_pbar, seed=seed,
    )  # fmt: skip
    return found.to("cpu")


def sample_custom(*args: Any, **kwargs: Any) -> Any:
    """Denoise a latent: (model, noise, cfg, sampler, sigmas, positive, negative, latent_image, …)."""
    from interop.models import sampling

    return sampling.sample_custom(*args, **kwargs)


def prepare_mask(noise_mask: Any, shape: Any, device: Any) -> Any:
    """A mask of any size, like a latent: [batch, channels, height, width]."""
    from comfy.sampler_helpers import prepare_mask as prepare

    return prepare(noise_mask, shape, device)


def cleanup_additional_models(models: Any) -> None:
    """Nothing: models that nobody uses are freed by themselves."""


def prepare_sampling(model: Any, noise_shape: Any, positive: Any, negative: Any, noise_mask: Any) -> Any:
    """Nothing has to be prepared; kept for packs that call it."""
    return model, positive, negative, noise_mask, []
