"""Our guiders as packs know them."""

from __future__ import annotations

from typing import Any

from interop.models.model import ModelHandle
from nodes.guiders import GuidedModel

__all__ = ["GuiderHandle"]


class GuiderHandle:
    """A guider of our own nodes: packs sample with it and ask for its model."""

    def __init__(self, guider: GuidedModel) -> None:
        self.heddle_guider = guider
        self.model_patcher = ModelHandle(guider.model_patcher)
        self.model_options = self.model_patcher.model_options
        self.conds = self.original_conds = dict(guider.conditioning)
        self.cfg = getattr(guider.guidance, "scale", 1.0)

    @property
    def heddle_object(self) -> GuidedModel:
        """The guider of our nodes."""
        return self.heddle_guider

    def sample(self, noise: Any, latent_image: Any, sampler: Any, sigmas: Any, **options: Any) -> Any:
        """Denoise a latent; see `nodes.guiders.GuidedModel.sample`."""
        return self.heddle_guider.sample(noise, latent_image, sampler, sigmas, **options)
