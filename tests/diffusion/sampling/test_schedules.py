"""Schedules against the published tables."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.errors import SamplingError
from diffusion.sampling.names import SCHEDULES
from diffusion.sampling.prediction import discrete, flow, flux_flow
from diffusion.sampling.schedules import schedule

STABLE_DIFFUSION_5 = {
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
FLOW_SHIFT_3_4 = {
    "simple": [1, 0.9, 0.75, 0.5, 0],
    "sgm_uniform": [1, 0.900359, 0.751121, 0.502985, 0],
    "normal": [1, 0.857692, 0.602151, 0.00892857, 0],
    "beta": [1, 0.933535, 0.750749, 0.392171, 0],
    "karras": [1, 0.232737, 0.0368317, 0.00299401, 0],
    "exponential": [1, 0.144129, 0.0207732, 0.00299401, 0],
    "linear_quadratic": [1, 0.9875, 0.975, 0.725, 0],
    "kl_optimal": [1, 0.578682, 0.27009, 0.00299401, 0],
    "ddim_uniform": [0.900958, 0.751497, 0.50266, 0.0059761, 0],
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_gives_the_published_levels(name: str) -> None:
    assert schedule(name, discrete(), 5).tolist() == pytest.approx(STABLE_DIFFUSION_5[name], rel=1e-5)
    assert schedule(name, flow(3.0), 4).tolist() == pytest.approx(FLOW_SHIFT_3_4[name], rel=2e-5)


def test_flux_spaces_its_levels_by_its_own_shift() -> None:
    assert schedule("simple", flux_flow(), 4).tolist() == pytest.approx([1, 0.904531, 0.759511, 0.512844, 0], rel=1e-5)


def test_samplers_that_need_it_lose_the_penultimate_level() -> None:
    expected = [14.6146, 5.09241, 2.27973, 1.16286, 0.571189, 0]

    assert schedule("normal", discrete(), 5, sampler="dpm_2").tolist() == pytest.approx(expected, rel=1e-5)


def test_strength_takes_the_end_of_a_longer_schedule() -> None:
    expected = [1.34493, 0.932358, 0.624977, 0.368658, 0.0291672, 0]

    assert schedule("normal", discrete(), 5, 0.5).tolist() == pytest.approx(expected, rel=1e-5)
    assert len(schedule("normal", discrete(), 5, 0.0)) == 0


def test_beta_drops_levels_that_repeat() -> None:
    assert len(schedule("beta", discrete(), 1000)) == 848


def test_ddim_uniform_may_have_another_count() -> None:
    assert len(schedule("ddim_uniform", discrete(), 7)) == 9


def test_an_unknown_schedule_and_no_steps_are_refused() -> None:
    with pytest.raises(SamplingError, match=r"There is no schedule 'karas'.*karras"):
        schedule("karas", discrete(), 5)
    with pytest.raises(SamplingError, match="at least one step"):
        schedule("karras", discrete(), 0)


@given(name=st.sampled_from(SCHEDULES), steps=st.integers(1, 120))
def test_every_schedule_falls_to_zero(name: str, steps: int) -> None:
    sigmas = schedule(name, discrete(), steps)

    assert sigmas.dtype == torch.float32
    assert sigmas[-1] == 0
    assert (sigmas[:-1] > sigmas[1:]).all()
