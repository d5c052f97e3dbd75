"""Weighed guidance does what its formulas say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from diffusion.guiding.weighed import (
    direction_changed,
    noise_scaled,
    peaking_over_batch,
    perpendicular_negative,
    rising_over_batch,
)
from diffusion.loading import Checkpoint
from diffusion.model import GuidanceStep
from diffusion.sampling.guidance import perpendicular

MADE = torch.Generator().manual_seed(1)
X, POSITIVE, NEGATIVE, EMPTY = (torch.randn(5, 4, 8, 8, generator=MADE) for _ in range(4))


def step(denoised: Tensor | None = None, tiny: Checkpoint | None = None) -> GuidanceStep:
    return GuidanceStep(
        X, torch.tensor(2.0), (POSITIVE, NEGATIVE), ((), ()), 5.0, tiny.model if tiny else None, lambda lists: [EMPTY],  # type: ignore[arg-type]
        denoised,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hook", "scales"), [(rising_over_batch(1.0), [1, 2, 3, 4, 5]), (peaking_over_batch(1.0), [1, 3, 5, 3, 1])]
)
def test_the_scale_changes_over_the_batch(hook, scales) -> None:  # type: ignore[no-untyped-def]
    expected = NEGATIVE + torch.tensor(scales).view(5, 1, 1, 1) * (POSITIVE - NEGATIVE)

    torch.testing.assert_close(hook(step()), expected)


def test_less_noise_is_taken_away_by_a_factor() -> None:
    torch.testing.assert_close(noise_scaled(2.0)(step(denoised=POSITIVE)), (X + POSITIVE) / 2)


def test_an_operation_changes_the_direction_alone() -> None:
    positive, negative = direction_changed(lambda latent: latent * 3)(step())

    torch.testing.assert_close(positive, NEGATIVE + 3 * (POSITIVE - NEGATIVE))
    assert negative is NEGATIVE


def test_a_perpendicular_negative_is_measured_from_the_empty_prompt(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    guide = perpendicular_negative(tiny.clip.encode(""), 0.5)

    assert torch.equal(guide(step(tiny=tiny)), perpendicular(POSITIVE, NEGATIVE, EMPTY, 5.0, 0.5))
