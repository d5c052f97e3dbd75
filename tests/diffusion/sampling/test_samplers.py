"""Every sampler, on a problem whose exact answer is known: data that is normally distributed."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from diffusion.errors import SamplingError
from diffusion.sampling.contract import Guided
from diffusion.sampling.names import SAMPLERS
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.prediction import Prediction, discrete, flow
from diffusion.sampling.samplers import sampler_by_name
from diffusion.sampling.samplers.euler import euler_beyond_guidance
from diffusion.sampling.schedules import schedule
from diffusion.testing import GaussianDenoiser

# Those that add no noise: they must reach the exact answer of the probability-flow equation.
DETERMINISTIC = {
    "euler", "euler_cfg_pp", "heun", "dpm_2", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2m", "dpmpp_2m_cfg_pp",
    "ipndm", "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp", "gradient_estimation",
    "gradient_estimation_cfg_pp", "ddim", "uni_pc", "uni_pc_bh2",
}  # fmt: skip
HIGHER_ORDER = {
    "heun",
    "dpm_2",
    "lms",
    "dpm_fast",
    "dpmpp_2m",
    "ipndm_v",
    "deis",
    "res_multistep",
    "uni_pc",
    "uni_pc_bh2",
}
STOCHASTIC = set(SAMPLERS) - DETERMINISTIC - {"heunpp2", "lcm"}  # these two have tests of their own


def quiet(step: int, denoised: torch.Tensor, x: torch.Tensor) -> None:
    """Nobody watches."""


def run(
    name: str, steps: int, prediction: Prediction, count: int = 64, schedule_name: str = "karras"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Final latent and exact answer."""
    denoiser = GaussianDenoiser(prediction)
    sigmas = schedule(schedule_name, prediction, steps, sampler=name)
    noise = torch.randn(1, 1, count, count, generator=torch.Generator().manual_seed(1))
    x = prediction.add_noise(torch.full_like(noise, denoiser.mean), noise, sigmas[0])
    exact = denoiser.solution(x, sigmas[0])
    return sampler_by_name(name)(denoiser, x, sigmas, None, StepNoise(7), quiet), exact


@pytest.mark.parametrize("name", sorted(DETERMINISTIC))
def test_a_deterministic_sampler_reaches_the_exact_answer(name: str) -> None:
    found, exact = run(name, 200, discrete())

    assert (found - exact).abs().max() < (0.05 if name.endswith("cfg_pp") or name == "dpm_fast" else 0.03)


@pytest.mark.parametrize("name", sorted(HIGHER_ORDER))
def test_a_higher_order_sampler_converges_faster_than_euler(name: str) -> None:
    errors = []
    for steps in (16, 64):
        found, exact = run(name, steps, discrete(), count=8, schedule_name="exponential")
        errors.append(float((found - exact).abs().mean()))
    euler = [float((a - b).abs().mean()) for a, b in (run("euler", n, discrete(), 8, "exponential") for n in (16, 64))]

    assert errors[0] < euler[0]
    assert errors[1] < euler[1] / 2


@pytest.mark.parametrize("name", sorted(STOCHASTIC))
def test_a_stochastic_sampler_draws_from_the_data(name: str) -> None:
    found, _ = run(name, 60, discrete())

    # This one shifts its second stage by the estimate at the midpoint, which narrows what it draws.
    spread = 0.24 if name == "dpmpp_2s_ancestral_cfg_pp" else 0.3
    assert float(found.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(found.std()) == pytest.approx(spread, abs=0.03)


def test_latent_consistency_sampling_noises_its_estimate_again() -> None:
    rule = discrete()
    denoiser, sigmas = GaussianDenoiser(rule), torch.tensor([14.0, 2.0, 0.0])
    x = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    drawn = StepNoise(7)(x)
    expected = denoiser(denoiser(x, sigmas[0], None) + 2.0 * drawn, sigmas[1], None)

    found = sampler_by_name("lcm")(denoiser, x, sigmas, None, StepNoise(7), quiet)

    assert torch.allclose(found, expected)


def test_heunpp2_moves_towards_the_data() -> None:
    found, _ = run("heunpp2", 40, discrete())

    assert float(found.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(found.std()) < 1.0


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_one_step_schedule_is_accepted_by_every_sampler(name: str) -> None:
    for prediction in (discrete(), flow(3.0)):
        found, _ = run(name, 1, prediction, count=4, schedule_name="simple")

        assert torch.isfinite(found).all()
        assert float((found - 0.5).abs().max()) < 1.0


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_works_on_a_flow(name: str) -> None:
    found, exact = run(name, 60, flow(3.0), count=32, schedule_name="sgm_uniform")

    assert torch.isfinite(found).all()
    if name in DETERMINISTIC - {"dpm_fast", "dpm_adaptive", "uni_pc", "uni_pc_bh2"}:
        assert (found - exact).abs().mean() < 0.05


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_reports_its_steps_and_repeats_itself(name: str) -> None:
    rule, seen = discrete(), []
    denoiser, x = GaussianDenoiser(rule), torch.full((1, 1, 4, 4), 10.0)

    def watch(step: int, denoised: torch.Tensor, x: torch.Tensor) -> None:
        seen.append(step)

    sigmas = schedule("normal", rule, 5, sampler=name)
    runs = [sampler_by_name(name)(denoiser, x, sigmas.clone(), None, StepNoise(3), watch) for _ in range(2)]

    assert torch.equal(*runs)
    assert seen[0] == 0 and seen[: len(seen) // 2] == sorted(seen[: len(seen) // 2])
    assert torch.equal(x, torch.full((1, 1, 4, 4), 10.0))


def test_more_fresh_noise_than_a_step_can_hold_leaves_only_the_estimate() -> None:
    denoiser, sigmas = GaussianDenoiser(discrete()), torch.tensor([2.0, 1.9, 0.0])
    x = torch.full((1, 1, 4, 4), 3.0)
    seen: list[torch.Tensor] = []

    sampler_by_name("euler_ancestral", eta=50.0)(
        denoiser, x, sigmas, None, StepNoise(3), lambda step, denoised, x: seen.extend([denoised, x])
    )

    assert torch.equal(seen[3], seen[0])


def test_the_alternative_of_cfg_pp_is_euler_where_both_sides_agree() -> None:
    denoiser, sigmas = GaussianDenoiser(discrete()), schedule("karras", discrete(), 6)
    x = torch.full((1, 1, 4, 4), 3.0)

    def beyond(guided: Guided) -> torch.Tensor:
        agreeing = SimpleNamespace(prediction=denoiser.prediction, guided=lambda *_: guided)
        return euler_beyond_guidance(agreeing, x, torch.tensor([2.0, 1.0]), None, StepNoise(1), quiet)  # type: ignore[arg-type]

    found = euler_beyond_guidance(denoiser, x, sigmas, None, StepNoise(1), quiet)
    assert torch.equal(found, sampler_by_name("euler")(denoiser, x, sigmas, None, StepNoise(1), quiet))
    assert float(beyond(Guided(torch.tensor(1.0), torch.tensor(0.5))).mean()) == 3.0 - (3.0 - 1.0 + 0.5 - 1.0) / 2


def test_a_flow_that_starts_at_pure_noise_keeps_nothing_of_it_after_an_ancestral_step_with_cfg_pp() -> None:
    denoiser, noise = GaussianDenoiser(flow(3.0)), StepNoise(3)
    x = torch.full((1, 1, 4, 4), 100.0)
    seen: list[torch.Tensor] = []

    sampler_by_name("euler_ancestral_cfg_pp")(
        denoiser, x, torch.tensor([1.0, 0.75, 0.0]), None, noise, lambda step, denoised, x: seen.extend([denoised, x])
    )

    assert torch.allclose(seen[3], 0.25 * seen[0] + 0.75 * StepNoise(3)(x), atol=1e-6)


def test_an_unknown_sampler_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SamplingError, match=r"There is no sampler 'eular'.*euler_ancestral"):
        sampler_by_name("eular")


def test_a_brownian_path_is_the_same_however_it_is_cut() -> None:
    x, sigmas = torch.zeros(1, 1, 8, 8), torch.tensor([10.0, 1.0, 0.1, 0.0])
    path = StepNoise(5).brownian(x, sigmas)
    whole = path(torch.tensor(10.0), torch.tensor(1.0)) * 3.0
    parts = path(torch.tensor(10.0), torch.tensor(4.0)) * math.sqrt(6.0) + path(
        torch.tensor(4.0), torch.tensor(1.0)
    ) * math.sqrt(3.0)

    assert torch.allclose(whole, parts, atol=1e-4)
