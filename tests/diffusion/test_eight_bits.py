"""T5 in eight bits, on a tiny random one."""

from __future__ import annotations

import pytest
import torch

from diffusion.eight_bits import quantized, with_small_t5
from diffusion.errors import SamplingError
from diffusion.loading import Checkpoint
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import T5Tower


def test_a_weight_is_an_integer_times_a_scale() -> None:
    weight = torch.randn(5, 300, generator=torch.Generator().manual_seed(2))

    integers, scale = quantized(weight)

    assert integers.dtype == torch.int8
    assert (integers * scale - weight).abs().max() <= weight.abs().max() / 127


def test_a_row_of_zeros_stays_zero() -> None:
    integers, scale = quantized(torch.zeros(2, 3))

    assert not (integers * scale).any()


def test_the_conditioning_changes_by_about_a_percent_and_memory_is_halved(tiny_t5: T5Tower) -> None:
    clip = TextEncoder((tiny_t5,))

    small = with_small_t5(clip)

    (before, _), (after, _) = clip.encode("a cat")[0], small.encode("a cat")[0]
    assert 0 < float((after - before).norm() / before.norm()) < 0.02
    linear = [name for name in tiny_t5.network.weights if ".q." in name or ".wi_0." in name]
    assert all(small.towers[0].network.prepare().state_dict()[name].dtype == torch.int8 for name in linear)
    assert small.towers[0].network.size() < 0.6 * tiny_t5.network.size()
    assert torch.equal(clip.encode("a cat")[0][0], before)


def test_text_encoders_without_a_t5_are_refused(tiny: Checkpoint) -> None:
    assert tiny.clip is not None

    with pytest.raises(SamplingError, match=r"These text encoders \(l\) have no T5"):
        with_small_t5(tiny.clip)


@pytest.mark.parametrize("first", ["changed", "reduced"])
def test_a_lora_takes_effect_in_either_order(tiny_t5: T5Tower, first: str) -> None:
    patches = {name: lambda weight: weight * 1.5 for name in tiny_t5.network.weights if ".SelfAttention.v." in name}
    clip = TextEncoder((tiny_t5,)).with_weights("t5xxl", patches)
    small = with_small_t5(clip) if first == "changed" else with_small_t5(TextEncoder((tiny_t5,))).with_weights(
        "t5xxl", patches
    )  # fmt: skip

    (expected, _), (found, _) = clip.encode("a cat")[0], small.encode("a cat")[0]
    assert 0 < float((found - expected).norm() / expected.norm()) < 0.02
    assert not torch.allclose(expected, TextEncoder((tiny_t5,)).encode("a cat")[0][0], atol=0.05)
