"""Initial noise is the same everywhere and for ever."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.sampling.noise import StepNoise, prepare_noise

PUBLISHED = {
    0: [-1.12584, -1.15236, -0.250579, -0.433879],
    42: [1.926915, 1.487284, 0.900717, -2.105521],
    123456789012: [-0.35336, -0.263496, -1.373362, -3.360671],
}


@pytest.mark.parametrize("seed", PUBLISHED)
def test_a_seed_gives_the_published_noise(seed: int) -> None:
    noise = prepare_noise(torch.zeros(1, 4, 64, 64), seed)

    assert noise.flatten()[:4].tolist() == pytest.approx(PUBLISHED[seed], rel=2e-6)


@given(seed=st.integers(0, 2**64 - 1))
def test_only_the_low_bits_of_a_seed_count(seed: int) -> None:
    latent = torch.zeros(1, 4, 2, 2)

    assert torch.equal(prepare_noise(latent, seed), prepare_noise(latent, seed + 2**32))


def test_a_batch_begins_with_the_single_picture() -> None:
    single, batch = prepare_noise(torch.zeros(1, 4, 8, 8), 5), prepare_noise(torch.zeros(3, 4, 8, 8), 5)

    assert torch.equal(single[0], batch[0])


def test_a_sample_cut_out_of_a_batch_comes_back() -> None:
    three = prepare_noise(torch.zeros(3, 4, 8, 8), 5, [0, 1, 2])
    cut = prepare_noise(torch.zeros(2, 4, 8, 8), 5, [2, 2])

    assert torch.equal(cut[0], three[2])
    assert torch.equal(cut[1], three[2])


def test_noise_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    prepare_noise(torch.zeros(1, 4, 8, 8), 5)
    StepNoise(5)(torch.zeros(1, 4, 8, 8))

    assert torch.equal(torch.rand(3), expected)


def test_the_first_step_noise_is_the_initial_noise_again() -> None:
    latent = torch.zeros(1, 4, 8, 8)

    assert torch.equal(StepNoise(9)(latent), prepare_noise(latent, 9))
