"""Noise levels that nodes give to models."""

from __future__ import annotations

import pytest
import torch

from diffusion.errors import SamplingError
from diffusion.latents import SD1
from diffusion.sampling.model_levels import PLAYGROUND, continuous_levels, discrete_levels, flux_shift
from diffusion.sampling.prediction import Kind, discrete, flow, stable_diffusion_sigmas


def test_zero_terminal_levels_end_almost_without_signal() -> None:
    levels = discrete_levels(discrete(), "v_prediction", zero_terminal=True)

    assert levels.kind is Kind.V
    assert float(levels.sigma_max) == pytest.approx(4518.76, rel=1e-4)


def test_setting_the_levels_again_does_not_rescale_them_twice() -> None:
    once = discrete_levels(discrete(), "v_prediction", zero_terminal=True)

    again = discrete_levels(once, "eps", zero_terminal=False)

    assert float(again.sigma_max) == pytest.approx(14.614641, rel=1e-5)


def test_a_model_without_a_table_gets_that_of_stable_diffusion() -> None:
    assert len(discrete_levels(flow(3.0), "eps", zero_terminal=False).sigmas) == 1000


def test_a_consistency_model_has_fifty_levels_that_name_trained_timesteps() -> None:
    levels = discrete_levels(discrete(), "lcm", zero_terminal=False)
    table = discrete().sigmas

    assert len(levels.sigmas) == 50
    assert torch.equal(levels.sigmas, table[19::20])
    assert int(levels.timestep(table[999])) == 999
    assert float(levels.sigma(torch.tensor(519.0))) == pytest.approx(float(table[519]), rel=1e-5)
    assert levels.percent_to_sigma(0.0) == 999999999.9
    assert levels.percent_to_sigma(1.0) == 0.0


def test_a_consistency_model_trusts_its_input_where_the_noise_ends() -> None:
    levels = discrete_levels(discrete(), "lcm", zero_terminal=False)
    x, output = torch.full((1,), 2.0), torch.full((1,), 0.5)
    sigma, scaled = levels.sigmas[0], 19 * 10.0

    expected = scaled / (scaled**2 + 0.25) ** 0.5 * (x - sigma * output) + 0.25 / (scaled**2 + 0.25) * x
    assert torch.allclose(levels.denoised(x, output, sigma), expected)


@pytest.mark.parametrize("sampling", ["eps", "v_prediction", "edm", "edm_playground_v2.5", "cosmos_rflow"])
def test_continuous_levels_span_what_was_asked(sampling: str) -> None:
    levels = continuous_levels(sampling, 0.002, 80.0)

    assert float(levels.sigma_min) == pytest.approx(0.002, rel=1e-4)
    assert float(levels.sigma_max) == pytest.approx(80.0, rel=1e-4)
    middle = torch.tensor(1.5)
    assert float(levels.sigma(levels.timestep(middle))) == pytest.approx(1.5, rel=1e-5)


@pytest.mark.parametrize("sampling", ["edm", "edm_playground_v2.5"])
def test_edm_models_know_the_spread_of_their_data(sampling: str) -> None:
    assert continuous_levels(sampling, 0.002, 80.0).sigma_data == 0.5


def test_a_ratio_model_blends_noise_and_data_by_their_share() -> None:
    levels = continuous_levels("cosmos_rflow", 0.002, 80.0)
    x, sigma, output = torch.tensor([4.0]), torch.tensor(3.0), torch.tensor([2.0])

    assert float(levels.scale_input(x, sigma)) == 1.0
    assert float(levels.timestep(sigma)) == 0.75
    assert float(levels.denoised(x, output, sigma)) == 0.25 * 4.0 - 0.75 * 2.0


def test_an_unknown_prediction_or_falling_levels_are_refused() -> None:
    with pytest.raises(SamplingError, match=r"Unknown prediction .x.\. Known: eps, v_prediction, x0, img_to_img, lcm"):
        discrete_levels(discrete(), "x", zero_terminal=False)
    with pytest.raises(SamplingError, match="must be positive and rise, not from 3 to 2"):
        continuous_levels("edm", 3, 2)


def test_the_shift_of_flux_grows_with_the_number_of_tokens() -> None:
    assert flux_shift(256, 256, 0.5, 1.15) == pytest.approx(0.5)
    assert flux_shift(1024, 1024, 0.5, 1.15) == pytest.approx(1.15)


def test_a_normalized_space_is_left_as_it_was_entered() -> None:
    latent = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))

    assert torch.allclose(PLAYGROUND.from_network(PLAYGROUND.to_network(latent)), latent, atol=1e-5)
    assert not torch.allclose(PLAYGROUND.to_network(latent), SD1.to_network(latent))


def test_levels_without_a_signal_at_the_end_are_worked_out_with_all_digits() -> None:
    found = discrete_levels(discrete(), "v_prediction", zero_terminal=True).sigmas

    signal = (1 / (stable_diffusion_sigmas() ** 2 + 1)).sqrt()
    signal = (signal - signal[-1]) * signal[0] / (signal[0] - signal[-1])
    expected = ((1 - signal[:-1] ** 2) / signal[:-1] ** 2).sqrt().float()
    assert torch.equal(found[:-1], expected)
