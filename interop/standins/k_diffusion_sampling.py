"""Host module `comfy.k_diffusion.sampling`: samplers as functions, and what they are made of.

Packs add samplers by putting a function `sample_<name>` here.
Source: crowsonkb/k-diffusion for names and signatures; protocol §6.7.
"""

import math
from typing import Any

import torch
from tqdm.auto import trange

from diffusion.sampling import noise as _noise
from diffusion.sampling import schedules as _schedules
from diffusion.sampling.names import SAMPLERS as _SAMPLERS
from diffusion.sampling.samplers import steps as _steps
from interop.models.k_samplers import function_of as _function_of

globals().update({f"sample_{name}": _function_of(name) for name in _SAMPLERS})

__all__ = ["math", "torch", "trange"]


def append_zero(x: Any) -> Any:
    """Noise levels with a zero at the end."""
    return torch.cat([x, x.new_zeros([1])])


def append_dims(x: Any, target_dims: Any) -> Any:
    """A tensor with axes of one appended until it has so many."""
    return x[(...,) + (None,) * (target_dims - x.ndim)]


def to_d(x: Any, sigma: Any, denoised: Any) -> Any:
    """The slope that a sampler follows."""
    return (x - denoised) / append_dims(sigma, x.ndim)


def get_ancestral_step(sigma_from: Any, sigma_to: Any, eta: Any = 1.0) -> Any:
    """(level to step down to, level of the noise to add)."""
    if not eta:
        return sigma_to, 0.0
    return tuple(_steps.ancestral_step(torch.as_tensor(sigma_from), torch.as_tensor(sigma_to), eta))


def default_noise_sampler(x: Any, seed: Any = None) -> Any:
    """(sigma, next sigma) → standard normal noise shaped like `x`."""
    generator = None
    if seed is not None:
        generator = torch.Generator(x.device).manual_seed(int(seed) & _noise.SEED_BITS)
    return lambda sigma, sigma_next: torch.randn(
        x.shape, dtype=x.dtype, layout=x.layout, device=x.device, generator=generator
    )


class BrownianTreeNoiseSampler:
    """(sigma, next sigma) → noise of a Brownian path, the same however the path is cut.

    Args:
        x: its shape.
        sigma_min, sigma_max: ends of the path.
        transform: what is done to noise levels first.
        cpu: whether the path is drawn on the CPU.
    """

    def __init__(
        self, x: Any, sigma_min: Any, sigma_max: Any, seed: Any = None, transform: Any = None, cpu: Any = False
    ) -> None:
        self.transform = transform or (lambda sigma: sigma)
        ends = torch.stack([torch.as_tensor(self.transform(torch.as_tensor(end))) for end in (sigma_min, sigma_max)])
        chosen = int(torch.randint(0, 2**31, ())) if seed is None else int(seed)
        self.tree = _noise.StepNoise(chosen, x.device).brownian(x, ends.float().cpu(), on_cpu=bool(cpu))

    def __call__(self, sigma: Any, sigma_next: Any) -> Any:
        """The noise between two levels."""
        ends = (torch.as_tensor(self.transform(torch.as_tensor(end))).float().cpu() for end in (sigma, sigma_next))
        return self.tree(*ends)


def get_sigmas_karras(n: Any, sigma_min: Any, sigma_max: Any, rho: Any = 7.0, device: Any = "cpu") -> Any:
    """Noise levels that crowd towards the lowest."""
    return _schedules.karras(float(sigma_min), float(sigma_max), n, rho).to(device)


def get_sigmas_exponential(n: Any, sigma_min: Any, sigma_max: Any, device: Any = "cpu") -> Any:
    """Noise levels at equal distances of their logarithms."""
    return _schedules.exponential(float(sigma_min), float(sigma_max), n).to(device)


def get_sigmas_polyexponential(n: Any, sigma_min: Any, sigma_max: Any, rho: Any = 1.0, device: Any = "cpu") -> Any:
    """Noise levels at polynomial distances of their logarithms."""
    return _schedules.polyexponential(float(sigma_min), float(sigma_max), n, rho).to(device)


def get_sigmas_vp(n: Any, beta_d: Any = 19.9, beta_min: Any = 0.1, eps_s: Any = 1e-3, device: Any = "cpu") -> Any:
    """Noise levels of the variance-preserving schedule."""
    return _schedules.variance_preserving(n, beta_d, beta_min, eps_s).to(device)


def get_sigmas_laplace(
    n: Any, sigma_min: Any, sigma_max: Any, mu: Any = 0.0, beta: Any = 0.5, device: Any = "cpu"
) -> Any:
    """Noise levels of a Laplace distribution."""
    return _schedules.laplace(float(sigma_min), float(sigma_max), n, mu, beta).to(device)
