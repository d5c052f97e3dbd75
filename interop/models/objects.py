"""Parts of a model that packs may replace: its noise levels, its latent space, and its network as a whole.

Source: protocol §5.8 (`add_object_patch`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diffusion.model import Model
from interop.errors import NotSupported
from interop.models.denoiser import PARTS
from interop.models.latent_spaces import latent_space
from interop.models.predicting import PackPrediction, as_prediction

__all__ = ["apply_objects", "supported_object"]


def apply_objects(model: Model, objects: Mapping[str, Any]) -> Model:
    """A model with parts replaced.

    Raises:
        NotSupported: for any other part.
    """
    for name, part in objects.items():
        if name == "model_sampling":
            model = model.with_prediction(as_prediction(part))
        elif name == "latent_format":
            model = _in_space(model, part)
        elif name not in PARTS:
            raise NotSupported(
                f"MODEL.add_object_patch({name!r}, …)",
                "called",
                f"Supported are: model_sampling, latent_format, {', '.join(PARTS)}.",
            )
    return replace(model, objects={**model.objects, **objects})


def supported_object(model: Model) -> dict[str, Any]:
    """What packs replaced in a model, as far as it is still in place."""
    kept = dict(model.objects)
    own = model.prediction
    if "model_sampling" in kept and not (isinstance(own, PackPrediction) and own.levels is kept["model_sampling"]):
        del kept["model_sampling"]
    return kept


def _in_space(model: Model, space: Any) -> Model:
    scale, shift = getattr(space, "scale_factor", None), getattr(space, "shift_factor", 0.0)
    ordinary = type(latent_space(model.latent_format)).process_in
    if scale is None or getattr(type(space), "process_in", None) is not ordinary:
        raise NotSupported(
            "MODEL.add_object_patch('latent_format', …)", "called with a space that is more than scale and shift"
        )
    form = replace(model.latent_format, scale=float(scale), shift=float(shift or 0.0))
    family: Any = model.family
    return replace(model, family=replace(family, latent_format=form))
