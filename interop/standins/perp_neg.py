"""Host module `comfy_extras.nodes_perpneg`: guidance perpendicular to the negative.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop.models.guider import Guider as _Guider
from interop.models.guider import estimate as _estimate


class Guider_PerpNeg(_Guider):
    """Steers away only from what in the negative does not contradict the positive."""

    def set_conds(self, positive: Any, negative: Any, empty_negative_prompt: Any = ()) -> None:
        """Set the conditioning."""
        self.inner_set_conds(
            {"positive": positive, "empty_negative_prompt": empty_negative_prompt, "negative": negative}
        )

    def set_cfg(self, cfg: Any, neg_scale: Any = 1.0) -> None:
        """Set the guidance scale, and how strongly the negative counts."""
        self.cfg = cfg
        self.neg_scale = neg_scale

    def predict_noise(self, x: Any, timestep: Any, model_options: Any = None, seed: Any = None) -> Any:
        """The guided estimate."""
        from diffusion.sampling.guidance import PerpendicularNegative

        lists = {**self.conds, "empty": self.conds.get("empty_negative_prompt")}
        rule = PerpendicularNegative(self.cfg, self.neg_scale)
        return _estimate(self.inner_model, x, timestep, lists, rule, model_options or {})
