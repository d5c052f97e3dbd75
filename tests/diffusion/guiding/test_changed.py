"""Guidance computed in another way: what each rule promises, on estimates made for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.guiding import (
    frequency_scaled,
    gradual_mask,
    norm_limited,
    positive_leaning,
    projected,
    renormalised,
    rescaled,
    tangential,
    zero_star,
)
from diffusion.loading import Checkpoint
from diffusion.model import GuidanceStep


def noise(seed: int, scale: float = 1.0) -> Tensor:
    return torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(seed)) * scale


def a_step(scale: float = 7.0, sigma: float = 2.0, **changes: Any) -> GuidanceStep:
    model: Any = None
    values = {"estimates": (noise(1), noise(2)), "x": noise(3, 3.0), **changes}
    step = GuidanceStep(values["x"], torch.tensor(sigma), values["estimates"], ((), ()), scale, model, lambda *_: [])
    return replace(step, denoised=plain(step))


def plain(step: GuidanceStep) -> Tensor:
    positive, negative = step.estimates
    return negative + (positive - negative) * step.scale


def velocity(step: GuidanceStep, denoised: Tensor) -> Tensor:
    sigma = step.sigma
    return (step.x / (sigma**2 + 1) - denoised) * (sigma**2 + 1).sqrt() / sigma


def test_rescaling_by_nothing_is_plain_guidance() -> None:
    step = a_step()

    torch.testing.assert_close(rescaled(0.0)(step), plain(step), rtol=1e-4, atol=1e-4)


def test_rescaling_wholly_gives_the_positives_spread_in_v_space() -> None:
    step = a_step()
    result = velocity(step, rescaled(1.0)(step))

    wanted = velocity(step, step.estimates[0]).flatten(1).std(1)
    torch.testing.assert_close(result.flatten(1).std(1), wanted, rtol=1e-4, atol=1e-4)


def test_renormalised_guidance_is_off_above_its_noise_level_and_never_longer_than_its_limit() -> None:
    step = a_step(sigma=2.0)

    assert torch.equal(renormalised(1.0, 1.0)(step), step.estimates[0])
    guided = renormalised(100.0, 1.0)(step)
    torch.testing.assert_close(guided.flatten(1).norm(dim=1), step.estimates[0].flatten(1).norm(dim=1))
    torch.testing.assert_close(renormalised(100.0, 0.0)(step), plain(step))


def test_limited_norms_are_nowhere_longer_than_the_positives() -> None:
    step = a_step()
    result = norm_limited(1.0)(step)

    assert (result.norm(dim=1) <= step.estimates[0].norm(dim=1) + 1e-5).all()
    torch.testing.assert_close(norm_limited(0.5)(step), result * 0.5)


def test_zero_star_leaves_guidance_alone_where_both_scores_are_alike() -> None:
    step = a_step(estimates=(noise(1), noise(1)))

    torch.testing.assert_close(zero_star()(step), step.estimates[0], rtol=1e-4, atol=1e-4)


def test_zero_star_scales_the_negative_score_to_its_part_along_the_positive() -> None:
    x, toward = noise(3), noise(4)
    step = a_step(x=x, estimates=(x - toward, x - 2 * toward), scale=5.0)  # alpha is one half

    torch.testing.assert_close(zero_star()(step), plain(replace(step, estimates=(x - toward, (x - 2 * toward) * 0.5))))


def test_tangential_damping_keeps_what_both_scores_share() -> None:
    x, shared = noise(3), noise(4)
    step = a_step(x=x, estimates=(x - shared, x - 3 * shared))
    positive, negative = tangential()(step)

    torch.testing.assert_close(negative, x - 3 * shared, rtol=1e-3, atol=1e-3)
    assert torch.equal(positive, step.estimates[0])


def test_leaning_gives_the_scaled_positive_where_the_estimates_are_opposite() -> None:
    positive = noise(1)
    step = a_step(estimates=(positive, -positive), scale=4.0)
    result = positive_leaning()(step)

    torch.testing.assert_close(result, positive * 4.0, rtol=1e-4, atol=1e-4)


def test_frequencies_scaled_alike_are_scaled_guidance() -> None:
    step = a_step()
    positive, negative = frequency_scaled(1.5, 1.5, 2)(step)

    torch.testing.assert_close(positive - negative, (step.estimates[0] - step.estimates[1]) * 1.5, rtol=1e-4, atol=1e-4)


def test_low_frequencies_are_scaled_apart_from_high_ones() -> None:
    flat = torch.ones(1, 4, 8, 8)
    step = a_step(x=flat, estimates=(flat * 2, flat))
    positive, negative = frequency_scaled(3.0, 7.0, 1)(step)

    torch.testing.assert_close(positive - negative, flat * 3.0)


def test_projection_with_all_at_rest_is_plain_guidance() -> None:
    step = a_step(scale=3.0)
    changed = projected(1.0, 0.0, 0.0)(step)

    torch.testing.assert_close(
        plain(replace(step, estimates=changed)),
        step.scale * plain(replace(step, scale=1.0))
        - (step.scale - 1) * step.estimates[1]
        + (step.estimates[0] - step.estimates[1]),
    )


def test_projection_without_the_parallel_part_adds_nothing_along_the_positive() -> None:
    step = a_step()
    positive, negative = projected(0.0, 0.0, 0.0)(step)
    added = positive - negative - (step.estimates[0] - step.estimates[1]) / step.scale

    along = (added * step.estimates[0]).flatten(1).sum(1)
    torch.testing.assert_close(along, torch.zeros(2), rtol=0, atol=1e-3)


def test_momentum_is_forgotten_when_a_new_run_begins() -> None:
    hook = projected(1.0, 0.0, 0.5)
    first = hook(a_step(sigma=10.0))[0]
    hook(a_step(sigma=5.0, estimates=(noise(7), noise(8))))

    assert torch.equal(hook(a_step(sigma=10.0))[0], first)


@pytest.mark.parametrize("hook", [tangential(), frequency_scaled(1, 2, 3)])
def test_without_a_negative_directions_are_not_changed(hook: Any) -> None:
    step = replace(a_step(estimates=(noise(1), torch.zeros_like(noise(1)))), entries=((), None))

    assert hook(step) == step.estimates


def test_without_a_negative_projection_and_limits_take_it_for_zero() -> None:
    step = a_step(scale=1.0, estimates=(noise(1), torch.zeros_like(noise(1))))
    step = replace(step, entries=((), None))

    torch.testing.assert_close(projected(1.0, 0.0, 0.0)(step)[0], 2 * step.positive, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(renormalised(100.0, 0.5)(step), 0.5 * step.positive, rtol=1e-4, atol=1e-4)


def test_a_gradual_mask_lets_grey_places_go_when_their_share_of_the_schedule_is_over(tiny: Checkpoint) -> None:
    rule = tiny.model.prediction
    sigmas = torch.tensor([float(rule.sigma_max), 3.0, 1.0, 0.0])
    mask = torch.tensor([0.0, 0.3, 0.6, 1.0]).reshape(1, 1, 1, 4)
    change = gradual_mask(1.0)

    assert change(sigmas[0], mask, sigmas, tiny.model).flatten().tolist() == [0, 0, 0, 1]
    last = change(rule.sigma_min, mask, sigmas, tiny.model).flatten().tolist()
    assert last == [1, 1, 1, 1]
    half = gradual_mask(0.5)(sigmas[0], mask, sigmas, tiny.model).flatten()
    torch.testing.assert_close(half, torch.tensor([0.0, 0.15, 0.3, 1.0]))
