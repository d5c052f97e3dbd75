"""The same weights in other formats: near to the original, beside it, and patched like it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.float8 import float8_linears, require_float8, to_float8
from diffusion.loading import Checkpoint
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.variants import with_channels_last, with_compute_dtype, with_float8


def run(model: Model) -> Tensor:
    latent, text = torch.zeros(1, 4, 8, 8), [[torch.ones(1, 5, 32), {}]]
    return sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=1.0,
        sampler="euler", schedule="normal", steps=2, seed=1,
    )  # fmt: skip


def error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize(("name", "low", "high"), [("fp16", 1e-6, 5e-3), ("bf16", 1e-5, 3e-2)])
def test_half_formats_round_and_take_half_the_memory(tiny: Checkpoint, name: str, low: float, high: float) -> None:
    plain, half = run(tiny.model), with_compute_dtype(tiny.model, name)
    assert low < error(run(half), plain) < high
    assert half.network.placed_size() * 2 == tiny.model.network.placed_size()
    assert torch.equal(run(tiny.model), plain), "the original is untouched"


def test_the_default_format_undoes_a_choice_and_is_the_model_itself(tiny: Checkpoint) -> None:
    assert with_compute_dtype(tiny.model, "default") is tiny.model
    back = with_compute_dtype(with_compute_dtype(tiny.model, "bf16"), "default")
    assert torch.equal(run(back), run(tiny.model))
    with pytest.raises(SamplingError, match=r"no format 'fp64'\. Known: default, fp32"):
        with_compute_dtype(tiny.model, "fp64")


def test_channels_last_is_only_another_layout(tiny: Checkpoint) -> None:
    model = with_channels_last(tiny.model)
    assert error(run(model), run(tiny.model)) < 1e-5
    weight = model.network.module.get_parameter("conv_in.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


def test_eight_bit_arithmetic_is_near_and_smaller(tiny: Checkpoint) -> None:
    model = with_float8(tiny.model)
    assert 1e-5 < error(run(model), run(tiny.model)) < 5e-2
    assert model.network.placed_size() < tiny.model.network.placed_size()


def test_weight_patches_are_applied_before_rounding(tiny: Checkpoint) -> None:
    names = with_float8(tiny.model).network._encoded
    changed = tiny.model.with_weights(dict.fromkeys(names, lambda weight: weight * 3.0))
    model = with_float8(changed)
    assert error(run(model), run(changed)) < 0.5 * error(run(changed), run(tiny.model))


def test_rounded_rows_keep_their_scale() -> None:
    values = torch.randn(8, 32) * torch.logspace(-6, 6, 8)[:, None]
    rounded, scale = to_float8(values)
    assert ((rounded.float() * scale - values).abs() <= values.abs() / 16 + scale / 512).all()


def test_layers_outside_of_blocks_and_odd_sizes_stay_as_they_are() -> None:
    layers = {"time": torch.nn.Linear(32, 32), "blocks": torch.nn.ModuleList([torch.nn.Linear(24, 32)])}
    assert float8_linears(torch.nn.ModuleDict(layers)) == frozenset()


def test_devices_without_such_arithmetic_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: (8, 6))
    with pytest.raises(SamplingError, match=r"compute capability 8\.9 or newer; 'cuda:0' has 8\.6"):
        require_float8(torch.device("cuda", 0))
    with pytest.raises(SamplingError, match="'mps' is none"):
        require_float8(torch.device("mps"))
