"""What packs see inside of models that are conditioned on pictures."""

from __future__ import annotations

import pytest
import torch

from diffusion.families.family import Scene, to_batch
from diffusion.loading import load_checkpoint
from diffusion.sampling.model_levels import continuous_levels
from diffusion.sampling.prediction import Kind, log_spaced
from diffusion.tensor_file import TensorsInMemory
from interop.models.inner import KINDS, BaseModel, ModelType, inner_of, named_inputs
from tests.diffusion.tiny_videos import CONTEXT, FRAMES, svd_tensors


@pytest.fixture(scope="module")
def inner() -> BaseModel:
    return inner_of(load_checkpoint(TensorsInMemory(svd_tensors(), "svd"), device="cpu").model)


def test_a_video_model_is_of_the_hosts_kind(inner: BaseModel) -> None:
    assert isinstance(inner, KINDS["SVD_img2vid"]) and inner.model_type is ModelType.V_PREDICTION_EDM
    assert inner.adm_channels == 768


@pytest.mark.parametrize(
    ("prediction", "kind"),
    [
        (log_spaced(Kind.V, 0.03, 500.0), ModelType.V_PREDICTION_CONTINUOUS),
        (continuous_levels("cosmos_rflow", 0.002, 80.0), ModelType.FLOW_COSMOS),
    ],
)
def test_what_a_model_predicts_is_named_as_the_host_does(inner: BaseModel, prediction, kind: ModelType) -> None:  # type: ignore[no-untyped-def]
    assert inner_of(inner.heddle_model.with_prediction(prediction)).model_type is kind


def test_a_video_model_is_called_by_the_hosts_names(inner: BaseModel) -> None:
    x = torch.randn(FRAMES, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    family = inner.heddle_model.family
    inputs = family.inputs(torch.ones(1, 1, CONTEXT), {}, Scene(x, None, None, False))
    named = named_inputs({name: to_batch(value, FRAMES) for name, value in inputs.items()})
    level = torch.full((FRAMES,), 5.0)

    with torch.inference_mode():
        estimate = inner.apply_model(x, level, **named)
        scaled = torch.cat([x / (5.0**2 + 1) ** 0.5, named["c_concat"]], dim=1)
        output = inner.diffusion_model(
            scaled, 0.25 * level.log(), context=named["c_crossattn"], y=named["y"], num_video_frames=FRAMES
        )

    assert named["num_video_frames"] == FRAMES
    torch.testing.assert_close(estimate, x / 26 - output * 5 / 26**0.5)
