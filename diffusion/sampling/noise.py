"""Random numbers of a run: the initial noise, and what samplers add on the way.

Every draw comes from a generator that is passed along; nothing touches torch's global one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

SEED_BITS = 0xFFFF_FFFF  # only the low 32 bits of a seed reach the Mersenne twister


def prepare_noise(latent: Tensor, seed: int, batch_index: Sequence[int] | None = None) -> Tensor:
    """The noise that a run with this seed starts from.

    One draw over the whole batch, always on the CPU, so that it is the same on every device. With `batch_index`,
    samples take the draw numbered by their index, so that a sample cut out of a batch comes back the same.

    Args:
        latent: [batch, channels, h, w]; gives shape and dtype.
        seed: any whole number; its low 32 bits count.
        batch_index: one entry for each sample.
    Returns:
        Standard normal noise on the CPU, shaped like `latent`.
    """
    generator = torch.Generator("cpu").manual_seed(seed & SEED_BITS)
    shape, dtype = latent.shape, latent.dtype
    if batch_index is None:
        return torch.randn(shape, dtype=dtype, generator=generator, device="cpu")
    draws = [torch.randn((1, *shape[1:]), dtype=dtype, generator=generator) for _ in range(max(batch_index) + 1)]
    return torch.cat([draws[index] for index in batch_index], dim=0)


def after_noise(noise: Tensor, seed: int) -> torch.Generator:
    """The generator that drew a run's initial noise, as that draw left it."""
    generator = torch.Generator("cpu").manual_seed(seed & SEED_BITS)
    torch.randn(noise.shape, generator=generator)
    return generator


class StepNoise:
    """Noise that a sampler adds between steps: a stream of its own, on the latent's device.

    Args:
        seed: the run's seed; the stream is the same as the initial noise's on the CPU.
        device: where the latent lives.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed = seed
        self._generator = torch.Generator(device).manual_seed(seed & SEED_BITS)

    def __call__(self, x: Tensor) -> Tensor:
        """The next standard normal draw, shaped like `x`."""
        return torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=self._generator)

    def brownian(self, x: Tensor, sigmas: Tensor, *, on_cpu: bool = True) -> Callable[[Tensor, Tensor], Tensor]:
        """A Brownian path over the positive sigmas: (sigma, next sigma) → normalised increment.

        The increments do not depend on how the path is cut, so that halving the steps keeps the picture.

        Source:
            Li et al. 2020, arXiv:2001.01328 (torchsde's virtual Brownian tree).
        """
        import torchsde  # slow to import; few samplers need it

        home = torch.device("cpu") if on_cpu else x.device
        # The tree rounds its ends to six digits; points beyond them are moved onto them.
        low, high = (round(float(end), 6) for end in (sigmas[sigmas > 0].min(), sigmas.max()))
        start_of_path = torch.zeros(x.shape, dtype=x.dtype, device=home)
        tree = torchsde.BrownianTree(low, start_of_path, max(high, low + 1e-6), entropy=self.seed)

        def increment(sigma: Tensor, sigma_next: Tensor) -> Tensor:
            start, end, sign = (sigma, sigma_next, 1) if sigma < sigma_next else (sigma_next, sigma, -1)
            drawn = tree(min(max(float(start), low), high), min(max(float(end), low), high))
            drawn = drawn.to(x.device, non_blocking=True)
            return drawn * sign / (end - start).abs().sqrt()

        return increment


__all__ = ["SEED_BITS", "StepNoise", "after_noise", "prepare_noise"]
