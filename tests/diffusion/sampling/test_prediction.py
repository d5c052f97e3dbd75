"""Noise levels, times and what network outputs mean."""

from __future__ import annotations

import pytest
import torch

from diffusion.sampling.prediction import Kind, discrete, flow, flux_flow, log_spaced, zero_terminal_snr


def test_stable_diffusion_has_its_published_range() -> None:
    rule = discrete()

    assert float(rule.sigma_min) == pytest.approx(0.0291672, rel=1e-5)
    assert float(rule.sigma_max) == pytest.approx(14.614641, rel=1e-6)


def test_the_nearest_level_gives_the_timestep_and_fractions_are_interpolated() -> None:
    rule = discrete()

    assert int(rule.timestep(torch.tensor(5.0))) == 795
    assert float(rule.sigma(torch.tensor(500.5))) == pytest.approx(1.620983, rel=1e-6)


@pytest.mark.parametrize(("percent", "sigma"), [(0.0, 999999999.9), (1.0, 0.0), (0.5, 1.61558)])
def test_percent_becomes_sigma(percent: float, sigma: float) -> None:
    assert discrete().percent_to_sigma(percent) == pytest.approx(sigma, rel=1e-5)


def test_flows_shift_their_percent() -> None:
    assert flow(3.0).percent_to_sigma(0.5) == pytest.approx(0.75)
    assert flux_flow().percent_to_sigma(0.5) == pytest.approx(0.75951, rel=1e-5)
    assert flow(3.0).percent_to_sigma(0.0) == 1.0


def test_zero_terminal_snr_has_its_published_highest_level() -> None:
    assert float(zero_terminal_snr(discrete().sigmas)[-1]) == pytest.approx(4518.76, rel=1e-4)


def test_continuous_levels_translate_there_and_back() -> None:
    for rule in (log_spaced(Kind.EDM, 0.002, 80.0, 0.5), log_spaced(Kind.V, 0.002, 700.0)):
        assert float(rule.sigma(rule.timestep(torch.tensor(3.0)))) == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize("kind", [Kind.EPSILON, Kind.V, Kind.EDM])
def test_a_perfect_network_gives_back_the_data(kind: Kind) -> None:
    rule = discrete(kind)
    data, noise, sigma = torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2), torch.tensor(2.0)
    x = rule.add_noise(data, noise, sigma)
    alpha, beta = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
    output = {Kind.EPSILON: noise, Kind.V: alpha * noise - beta * data, Kind.EDM: beta * data - alpha * noise}[kind]

    assert torch.allclose(rule.denoised(x, output, sigma), data, atol=1e-5)


def test_a_flow_blends_and_unblends() -> None:
    rule, sigma = flow(3.0), torch.tensor(0.25)
    data, noise = torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    x = rule.add_noise(data, noise, sigma)

    assert torch.allclose(x, 0.75 * data + 0.25 * noise)
    assert torch.allclose(rule.denoised(x, noise - data, sigma), data, atol=1e-5)
    assert torch.allclose(rule.finish(0.75 * data, sigma), data)


def test_pure_noise_is_recognised_and_scaled_up() -> None:
    rule = discrete()
    noise = torch.randn(1, 4, 2, 2)
    x = rule.add_noise(torch.zeros_like(noise), noise, rule.sigma_max, from_pure_noise=True)

    assert rule.starts_from_pure_noise(rule.sigma_max)
    assert not rule.starts_from_pure_noise(torch.tensor(10.0))
    assert torch.allclose(x, noise * (1 + rule.sigma_max**2).sqrt())


@pytest.mark.parametrize("rule", [discrete(), flow(3.0)])
def test_half_log_snr_has_an_inverse(rule) -> None:  # type: ignore[no-untyped-def]
    sigma = torch.tensor(0.4)

    assert float(rule.sigma_of_half_log_snr(rule.half_log_snr(sigma))) == pytest.approx(0.4, rel=1e-6)


def test_a_ratio_of_signal_and_noise_begins_at_its_level_even_at_the_highest() -> None:
    rule = log_spaced(Kind.RATIO, 0.002, 80.0)
    zeros, ones = torch.zeros(1), torch.ones(1)

    assert float(rule.add_noise(zeros, ones, rule.sigma_max, from_pure_noise=True)) == pytest.approx(80.0)
