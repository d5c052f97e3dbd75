"""T5 in eight bits, on a tiny random one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from diffusion.assembly.texts import t5_tower
from diffusion.eight_bits import quantized, with_small_t5
from diffusion.errors import SamplingError
from diffusion.loading import Checkpoint
from diffusion.tensor_file import TensorsInMemory
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import T5Tower


class Letters:
    """A vocabulary of letters."""

    def __call__(self, text: str) -> list[int]:
        return [2 + ord(letter) % 90 for letter in text]


@pytest.fixture
def tower() -> T5Tower:
    from transformers import T5Config, T5EncoderModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = T5EncoderModel(
            T5Config(
                vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4,
                feed_forward_proj="gated-gelu", dropout_rate=0.0,
            )
        )  # fmt: skip
    file = TensorsInMemory({name: tensor.half() for name, tensor in module.state_dict().items()}, "tiny T5")
    return replace(t5_tower(file, "", torch.device("cpu"), ()), find_tokenizer=lambda: Letters())


def test_a_weight_is_an_integer_times_a_scale() -> None:
    weight = torch.randn(5, 300, generator=torch.Generator().manual_seed(2))

    integers, scale = quantized(weight)

    assert integers.dtype == torch.int8
    assert (integers * scale - weight).abs().max() <= weight.abs().max() / 127


def test_a_row_of_zeros_stays_zero() -> None:
    integers, scale = quantized(torch.zeros(2, 3))

    assert not (integers * scale).any()


def test_the_conditioning_changes_by_about_a_percent_and_memory_is_halved(tower: T5Tower) -> None:
    clip = TextEncoder((tower,))

    small = with_small_t5(clip)

    (before, _), (after, _) = clip.encode("a cat")[0], small.encode("a cat")[0]
    assert 0 < float((after - before).norm() / before.norm()) < 0.02
    linear = [name for name in tower.network.weights if ".q." in name or ".wi_0." in name]
    assert all(small.towers[0].network.prepare().state_dict()[name].dtype == torch.int8 for name in linear)
    assert small.towers[0].network.size() < 0.6 * tower.network.size()
    assert torch.equal(clip.encode("a cat")[0][0], before)


def test_text_encoders_without_a_t5_are_refused(tiny: Checkpoint) -> None:
    assert tiny.clip is not None

    with pytest.raises(SamplingError, match=r"These text encoders \(l\) have no T5"):
        with_small_t5(tiny.clip)


@pytest.mark.parametrize("first", ["changed", "reduced"])
def test_a_lora_takes_effect_in_either_order(tower: T5Tower, first: str) -> None:
    patches = {name: lambda weight: weight * 1.5 for name in tower.network.weights if ".SelfAttention.v." in name}
    clip = TextEncoder((tower,)).with_weights("t5xxl", patches)
    small = with_small_t5(clip) if first == "changed" else with_small_t5(TextEncoder((tower,))).with_weights(
        "t5xxl", patches
    )  # fmt: skip

    (expected, _), (found, _) = clip.encode("a cat")[0], small.encode("a cat")[0]
    assert 0 < float((found - expected).norm() / expected.norm()) < 0.02
    assert not torch.allclose(expected, TextEncoder((tower,)).encode("a cat")[0][0], atol=0.05)
