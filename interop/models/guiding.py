"""Our guiders as packs know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from diffusion.sampling.guidance import ClassifierFree, Guidance
from interop.models.guider import Guider, estimate
from interop.models.model import ModelHandle
from nodes.guiders import GuidedModel

__all__ = ["GuiderHandle"]


class GuiderHandle(Guider):
    """A guider of our own nodes: packs sample with it, ask for its model, and wrap its stages."""

    def __init__(self, guider: GuidedModel) -> None:
        super().__init__(ModelHandle(guider.model_patcher))
        self.guidance: Guidance = guider.guidance
        self.inner_set_conds(guider.conditioning)
        if isinstance(self.guidance, ClassifierFree):
            self.cfg = self.guidance.scale

    @classmethod
    def of(cls, patcher: ModelHandle, conditioning: Mapping[str, Any], guidance: Guidance) -> GuiderHandle:
        """The guider of a run."""
        handle = cls(GuidedModel(patcher.heddle_object, conditioning, guidance))
        handle.model_patcher, handle.model_options = patcher, patcher.model_options
        return handle

    @property
    def heddle_object(self) -> GuidedModel:
        """The guider of our nodes."""
        from interop.models.conditions import as_pairs

        lists = {role: as_pairs(items) for role, items in self.original_conds.items()}
        return GuidedModel(self.model_patcher.heddle_object, lists, self._guidance())

    def predict_noise(self, x: Tensor, timestep: Tensor, model_options: Any = None, seed: int | None = None) -> Tensor:
        """The guided estimate, by the rule of our own nodes."""
        if isinstance(self.guidance, ClassifierFree):
            return super().predict_noise(x, timestep, model_options, seed)
        return estimate(self.inner_model, x, timestep, self.conds, self.guidance, model_options or {})

    def _guidance(self) -> Guidance:
        return ClassifierFree(self.cfg) if isinstance(self.guidance, ClassifierFree) else self.guidance
