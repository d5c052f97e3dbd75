"""A third, weaker estimate: it is made where it belongs, and at strength 0 it changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from diffusion import sampling
from diffusion.errors import SamplingError
from diffusion.guiding import perturbed_attention, self_attention, skipped_layers
from diffusion.guiding.added import _attend_with_scores, _blur, _rows
from diffusion.loading import Checkpoint
from diffusion.model import Model
from diffusion.patching import attend
from diffusion.sampling.noise import prepare_noise


def picture(tiny: Checkpoint, model: Model) -> Tensor:
    assert tiny.clip is not None
    latent = torch.zeros(1, 4, 16, 16)
    return sampling.sample(
        model, noise=prepare_noise(latent, 3), latent=latent, positive=tiny.clip.encode("a red circle"),
        negative=tiny.clip.encode(""), guidance_scale=4.0, sampler="euler", schedule="normal", steps=3, seed=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change", [lambda m, s: perturbed_attention(m, s), lambda m, s: self_attention(m, s, 2.0)], ids=["PAG", "SAG"]
)
def test_at_strength_zero_nothing_changes_and_above_it_something_does(
    tiny: Checkpoint, change: Callable[[Model, float], Model]
) -> None:
    plain = picture(tiny, tiny.model)

    torch.testing.assert_close(picture(tiny, change(tiny.model, 0.0)), plain, rtol=1e-4, atol=1e-4)
    assert (picture(tiny, change(tiny.model, 2.0)) - plain).abs().max() > 1e-4
    assert torch.equal(picture(tiny, tiny.model), plain), "the model itself is as it was"


def test_recorded_attention_is_the_attention_that_was_computed() -> None:
    q, k, v = (torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    out, weights = _attend_with_scores(q, k, v, 4)

    torch.testing.assert_close(out, attend(q, k, v, 4))
    torch.testing.assert_close(weights.sum(-1), torch.ones(8, 9))


@pytest.mark.parametrize(
    ("tokens", "aspect", "rows"), [(64, 1.0, 8), (96, 1.5, 12), (96, 2 / 3, 8), (7, 1.0, 1), (24, 25 / 24, 4)]
)
def test_the_rows_of_a_picture_are_found_from_its_tokens(tokens: int, aspect: float, rows: int) -> None:
    assert _rows(tokens, aspect) == rows


def test_blurring_keeps_flat_colour_and_lowers_detail() -> None:
    flat, detail = torch.full((1, 4, 12, 12), 0.7), torch.randn(1, 4, 12, 12)

    torch.testing.assert_close(_blur(flat, 2.0), flat)
    assert _blur(detail, 2.0).std() < detail.std() * 0.6
    assert torch.equal(_blur(detail, 0.0), detail)


def test_blocks_that_a_unet_does_not_have_are_refused_by_name(tiny: Checkpoint) -> None:
    with pytest.raises(SamplingError, match="double_block number 7"):
        picture(tiny, skipped_layers(tiny.model, (7,), (), 3.0, 0.0, 1.0))


def test_skipping_nothing_leaves_the_model_as_it_is(tiny: Checkpoint) -> None:
    assert skipped_layers(tiny.model, (), (), 3.0, 0.0, 1.0) is tiny.model
