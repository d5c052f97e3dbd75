"""What marks in a file tell about a U-Net."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from diffusion.assembly.unets import _prediction, _unet_family
from diffusion.families.sdxl import SdxlFamily
from diffusion.latents import SDXL
from diffusion.sampling.model_levels import PLAYGROUND
from diffusion.sampling.prediction import Kind, Prediction

ARGUMENTS = {
    "in_channels": 4, "out_channels": 4, "cross_attention_dim": 2048, "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip


class Marked(dict[str, Tensor]):
    """A file of which only the marks are read."""

    metadata: dict[str, str] = {}


def prediction(**marks: float) -> Prediction:
    file = Marked({name.replace("__", "."): torch.tensor(value) for name, value in marks.items()})
    family = _unet_family(ARGUMENTS, file, {})  # type: ignore[arg-type]
    assert isinstance(family, SdxlFamily) and family.scales_picture == ("edm_vpred.sigma_max" in file)
    assert family.latent_format is (PLAYGROUND if "edm_mean" in file else SDXL)
    return _prediction(file, "", family, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("marks", "kind", "lowest", "highest", "data"),
    [
        ({}, Kind.EPSILON, 0.0291672, 14.614641, 1.0),
        ({"v_pred": 0.0}, Kind.V, 0.0291672, 14.614641, 1.0),
        ({"v_pred": 0.0, "ztsnr": 0.0}, Kind.V, 0.0291672, 4518.76, 1.0),
        ({"edm_mean": 0.0, "edm_std": 1.0}, Kind.EDM, 0.002, 80.0, 0.5),
        ({"edm_vpred__sigma_max": 120.0}, Kind.V, 0.002, 120.0, 1.0),
        ({"edm_vpred__sigma_max": 120.0, "edm_vpred__sigma_min": 0.01}, Kind.V, 0.01, 120.0, 1.0),
    ],
)
def test_marks_tell_what_a_large_unet_predicts(
    marks: dict[str, float], kind: Kind, lowest: float, highest: float, data: float
) -> None:
    found = prediction(**marks)

    assert (found.kind, found.sigma_data) == (kind, data)
    assert float(found.sigma_min) == pytest.approx(lowest, rel=1e-4)
    assert float(found.sigma_max) == pytest.approx(highest, rel=1e-4)
