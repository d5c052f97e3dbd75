"""Runs of models that packs changed, and runs with samplers of packs: in the stages that packs know.

Source: protocol §6.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from diffusion.sampling.run import Run

__all__ = ["PACK_RUN", "PackRun", "whole_run"]


def whole_run(run: Run) -> Tensor:
    """Do a run of our own nodes.

    Returns:
        Autoencoder-space latent, float32, on the CPU.
    """
    from interop.models.guiding import GuiderHandle
    from interop.models.k_samplers import lend_sampler
    from interop.models.model import ModelHandle

    report = run.on_step

    def tell(step: int, x0: Tensor, x: Tensor, total: int) -> None:
        if report is not None:
            report(step, total, x0, x)

    sampler = lend_sampler(run.sampler, fresh_mask_noise=run.fresh_mask_noise)
    guider = GuiderHandle.of(ModelHandle(run.model), run.conditioning, run.guidance)
    return guider.sample(run.noise, run.latent, sampler, run.sigmas, run.noise_mask, tell, True, run.seed)


class PackRun:
    """The hook of models that packs changed (`diffusion.model.Hooks.run`)."""

    def __call__(self, run: Any) -> Tensor:
        return whole_run(run)


PACK_RUN = PackRun()
