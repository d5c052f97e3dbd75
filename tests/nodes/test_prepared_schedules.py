"""Levels that were worked out for a family, schedules of flow models, and finer steps."""

import math

import pytest
import torch

from diffusion.sampling.prepared import ALIGNED, OPTIMAL
from nodes import prepared_schedules as nodes
from nodes.model_sampling import model_sampling_ltxv


def close(levels, expected, tolerance=1e-5):
    torch.testing.assert_close(levels, torch.tensor(expected), rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("family", sorted(ALIGNED))
def test_ten_steps_are_the_published_ones_ending_in_0(family):
    levels = nodes.align_your_steps_scheduler(model_type=family, steps=10)

    close(levels, [*ALIGNED[family][:-1], 0.0])


@pytest.mark.parametrize("family", sorted(OPTIMAL))
def test_as_many_steps_as_were_optimised_are_the_published_ones_of_a_flow(family):
    steps = len(OPTIMAL[family]) - 1
    levels = nodes.optimal_steps_scheduler(model_type=family, steps=steps)

    close(levels, [*OPTIMAL[family][:-1], 0.0])
    assert nodes.optimal_steps_scheduler(model_type=family, steps=12, denoise=0.5).shape == (7,)


@pytest.mark.parametrize(("side", "shift"), [(32, 0.95), (64, 2.05)])
def test_a_models_time_is_shifted_by_the_length_of_the_latent(side, shift, tiny):
    latent = {"samples": torch.zeros(1, 128, 1, side, side)}

    assert model_sampling_ltxv(model=tiny.MODEL, latent=latent).prediction.shift == pytest.approx(shift)
    assert model_sampling_ltxv(model=tiny.MODEL).prediction.shift == pytest.approx(2.05)


def test_other_numbers_of_steps_are_interpolated_in_the_logarithm():
    levels = nodes.align_your_steps_scheduler(model_type="SD1", steps=20)

    assert levels.shape == (21,)
    close(levels[::2], [*ALIGNED["SD1"][:-1], 0.0])
    assert float(levels[1]) == pytest.approx(math.sqrt(ALIGNED["SD1"][0] * ALIGNED["SD1"][1]), rel=1e-5)
    assert bool((levels.diff() < 0).all())


def test_a_share_of_the_steps_is_kept_from_the_end():
    half = nodes.align_your_steps_scheduler(model_type="SDXL", steps=10, denoise=0.5)

    close(half, [*ALIGNED["SDXL"][5:10], 0.0])
    assert nodes.align_your_steps_scheduler(model_type="SDXL", steps=10, denoise=0.0).shape == (0,)


def test_a_longer_latent_keeps_the_noise_high_for_longer():
    short = nodes.ltxv_scheduler(steps=4, stretch=False, latent={"samples": torch.zeros(1, 128, 1, 32, 32)})
    long = nodes.ltxv_scheduler(steps=4, stretch=False)

    for levels, shift in ((short, 0.95), (long, 2.05)):
        factor = math.exp(shift)
        close(levels, [1.0, *(factor / (factor + 1 / t - 1) for t in (0.75, 0.5, 0.25)), 0.0])


def test_a_schedule_is_stretched_to_its_last_level():
    levels = nodes.ltxv_scheduler(steps=5, terminal=0.1)

    assert (float(levels[0]), float(levels[-1])) == (pytest.approx(1.0, abs=1e-6), 0.0)
    assert float(levels[-2]) == pytest.approx(0.1, abs=1e-6)
    assert nodes.ltxv_scheduler(steps=1).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("spacing", "between"),
    [("linear", 15.0), ("cosine", 20 - 10 * math.sin(math.pi / 4)), ("sine", 20 - 10 * (1 - math.cos(math.pi / 4)))],
)
def test_steps_are_divided_with_a_spacing(spacing, between):
    sigmas = torch.tensor([20.0, 10.0, 0.0])

    levels = nodes.extend_intermediate_sigmas(sigmas=sigmas, steps=2, spacing=spacing)

    close(levels, [20.0, between, 10.0, 0.0])


def test_only_steps_between_the_bounds_are_divided():
    sigmas = torch.tensor([20.0, 14.0, 10.0, 0.0])

    levels = nodes.extend_intermediate_sigmas(
        sigmas=sigmas, steps=4, start_at_sigma=15.0, end_at_sigma=12.0, spacing="linear"
    )

    close(levels, [20.0, 14.0, 13.0, 12.0, 11.0, 10.0, 0.0])
    same = nodes.extend_intermediate_sigmas(sigmas=sigmas, steps=1, spacing="linear")
    assert torch.equal(same, sigmas)
