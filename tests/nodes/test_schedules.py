"""Schedules against the reference values of Stable Diffusion's noise levels."""

import pytest
import torch

from diffusion.sampling.prediction import discrete
from diffusion.sampling.schedules import schedule as named
from nodes import schedules


class Model:
    prediction = discrete()


REFERENCE = {
    "simple": [14.6146, 5.08776, 2.27646, 1.16058, 0.569285, 0],
    "sgm_uniform": [14.6146, 5.09241, 2.27973, 1.16286, 0.571189, 0],
    "normal": [14.6146, 4.08608, 1.61558, 0.69515, 0.0291672, 0],
    "karras": [14.6146, 4.79653, 1.2741, 0.24795, 0.0291672, 0],
    "exponential": [14.6146, 3.08898, 0.652892, 0.137996, 0.0291672, 0],
    "ddim_uniform": [5.13443, 2.29285, 1.16822, 0.57405, 0.0413144, 0],
    "beta": [14.6146, 7.37184, 2.61524, 1.02733, 0.39551, 0],
    "linear_quadratic": [14.6146, 14.432, 14.2493, 12.5442, 7.79448, 0],
    "kl_optimal": [14.6146, 2.14274, 0.961588, 0.419836, 0.0291672, 0],
}


def close(levels, expected):
    torch.testing.assert_close(levels, torch.tensor(expected), rtol=3e-5, atol=1e-6)


@pytest.mark.parametrize("name", REFERENCE)
def test_every_named_schedule_has_the_reference_levels(name):
    close(schedules.basic_scheduler(model=Model(), scheduler=name, steps=5), REFERENCE[name])


def test_denoise_keeps_the_end_of_a_longer_schedule():
    levels = schedules.basic_scheduler(model=Model(), scheduler="normal", steps=5, denoise=0.5)

    close(levels, [1.34493, 0.932358, 0.624977, 0.368658, 0.0291672, 0])


def test_no_more_steps_are_kept_than_were_asked_for():
    assert len(named("ddim_uniform", Model.prediction, 7)) == 9
    close(
        schedules.basic_scheduler(model=Model(), scheduler="ddim_uniform", steps=7),
        named("ddim_uniform", Model.prediction, 7)[1:].tolist(),
    )


def test_no_denoise_gives_no_levels():
    assert len(schedules.basic_scheduler(model=Model(), scheduler="normal", steps=5, denoise=0.0)) == 0


def test_the_schedules_by_range_agree_with_the_named_ones():
    low, high = 0.0291672, 14.614642

    close(schedules.karras_scheduler(steps=5, sigma_max=high, sigma_min=low), REFERENCE["karras"])
    close(schedules.exponential_scheduler(steps=5, sigma_max=high, sigma_min=low), REFERENCE["exponential"])
    close(schedules.polyexponential_scheduler(steps=5, sigma_max=high, sigma_min=low), REFERENCE["exponential"])
    close(schedules.beta_sampling_scheduler(model=Model(), steps=5), REFERENCE["beta"])


def test_a_turbo_schedule_takes_every_hundredth_timestep_from_the_top():
    one = schedules.sd_turbo_scheduler(model=Model(), steps=1)
    half = schedules.sd_turbo_scheduler(model=Model(), steps=5, denoise=0.5)

    close(one, [14.614641, 0])
    assert half[0] == Model.prediction.sigma(torch.tensor(499)) and len(half) == 6 and half[-1] == 0


def test_the_variance_preserving_schedule_falls_to_zero():
    levels = schedules.vp_scheduler(steps=7)

    assert len(levels) == 8 and levels[-1] == 0
    assert (levels[:-1] > levels[1:]).all()


def test_a_laplace_schedule_stays_between_its_bounds_and_crowds_around_mu():
    levels = schedules.laplace_scheduler(steps=101, sigma_min=0.03, sigma_max=14.6, mu=1.0)

    assert len(levels) == 101 and levels.min() >= 0.03 and levels.max() <= 14.6
    assert levels[50] == pytest.approx(2.71828, rel=1e-3)
    assert (levels[:-1] >= levels[1:]).all()


LEVELS = torch.tensor([5.0, 4.0, 3.0, 2.0, 0.0])


def test_a_schedule_is_cut_so_that_both_parts_share_a_level():
    high, low = schedules.split_sigmas(sigmas=LEVELS, step=1)

    assert high.tolist() == [5, 4] and low.tolist() == [4, 3, 2, 0]


@pytest.mark.parametrize(
    ("denoise", "high", "low"),
    [(1.0, [5], [5, 4, 3, 2, 0]), (0.5, [5, 4, 3], [3, 2, 0]), (0.0, [5, 4, 3, 2, 0], [0])],
)
def test_a_schedule_is_cut_by_the_share_of_its_steps(denoise, high, low):
    parts = schedules.split_sigmas_denoise(sigmas=LEVELS, denoise=denoise)

    assert [part.tolist() for part in parts] == [high, low]


def test_a_flipped_schedule_does_not_begin_with_zero():
    torch.testing.assert_close(schedules.flip_sigmas(sigmas=LEVELS), torch.tensor([0.0001, 2, 3, 4, 5]))
    assert len(schedules.flip_sigmas(sigmas=torch.empty(0))) == 0


def test_the_first_level_can_be_replaced_without_changing_the_schedule_given():
    assert schedules.set_first_sigma(sigmas=LEVELS, sigma=9.0).tolist() == [9, 4, 3, 2, 0]
    assert LEVELS[0] == 5


@pytest.mark.parametrize(
    ("percent", "actual", "sigma"),
    [(0.5, False, 1.61558), (0.0, True, 14.614641), (1.0, True, 0.0291672), (0.0, False, 999999999.9), (1.0, False, 0)],
)
def test_a_share_of_the_schedule_is_a_noise_level(percent, actual, sigma):
    found = schedules.sampling_percent_to_sigma(model=Model(), sampling_percent=percent, return_actual_sigma=actual)

    assert found == pytest.approx(sigma, rel=1e-5)
