"""Samplers with options, on problems whose answers are known."""

import pytest
import torch

from diffusion.sampling.noise import StepNoise
from diffusion.sampling.prediction import discrete
from diffusion.sampling.schedules import schedule
from diffusion.testing import GaussianDenoiser
from nodes.stochastic_samplers import sampler_er_sde, sampler_lcm_upscale, sampler_sa_solver

SIGMAS = schedule("karras", discrete(), 60)


def run(sampler, sigmas=SIGMAS, size=32):
    start = torch.randn(1, 4, size, size, generator=torch.Generator().manual_seed(1)) * sigmas[0]
    denoiser = GaussianDenoiser(discrete())
    return sampler(denoiser, start, sigmas, None, StepNoise(7), lambda *_: None), denoiser.solution(start, sigmas[0])


@pytest.mark.parametrize(("kind", "eta"), [("ODE", 1.0), ("Reverse-time SDE", 0.0)])
def test_without_noise_the_equation_is_solved_exactly(kind, eta):
    found, exact = run(sampler_er_sde(solver_type=kind, eta=eta))

    assert (found - exact).abs().max() < 0.03


@pytest.mark.parametrize("kind", ["ER-SDE", "Reverse-time SDE"])
def test_with_noise_the_sampler_draws_from_the_data(kind):
    found, exact = run(sampler_er_sde(solver_type=kind))

    assert not torch.allclose(found, exact, atol=0.05)
    assert float(found.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(found.std()) == pytest.approx(0.3, abs=0.03)


class Model:
    prediction = discrete()


def test_the_adams_solver_is_stochastic_only_where_asked():
    options = {"model": Model(), "use_pece": False, "simple_order_2": False}
    exact_run, exact = run(sampler_sa_solver(**options, eta=0.0))
    drawn, _ = run(sampler_sa_solver(**options, sde_start_percent=0.0, sde_end_percent=1.0))

    assert (exact_run - exact).abs().max() < 0.03
    assert not torch.allclose(drawn, exact, atol=0.05)
    assert float(drawn.std()) == pytest.approx(0.3, abs=0.03)


def test_the_picture_grows_to_the_size_asked_for():
    found, _ = run(
        sampler_lcm_upscale(scale_ratio=2.0, upscale_method="bislerp"), schedule("sgm_uniform", discrete(), 8), 16
    )

    assert found.shape == (1, 4, 32, 32)
    assert float(found.mean()) == pytest.approx(0.5, abs=0.1)
