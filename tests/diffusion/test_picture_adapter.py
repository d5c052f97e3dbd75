"""T2I-Adapters on a tiny model, against diffusers' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from diffusion.control_loading import load_control
from diffusion.errors import MissingWeights
from diffusion.loading import Checkpoint
from diffusion.patching.record import ModelPatches, Patching, Step
from diffusion.picture_adapter import PictureAdapter
from diffusion.sampling import prepare_noise, sample
from tests.diffusion.test_control import tiny_control


def adapter_module(kind: str = "full_adapter", channels: tuple[int, ...] = (32, 64)) -> Any:
    from diffusers import T2IAdapter

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        return T2IAdapter(
            in_channels=3, channels=list(channels), num_res_blocks=2, adapter_type=kind,
            downscale_factor=16 if kind.endswith("xl") else 8,
        )  # fmt: skip


def original_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As TencentARC publishes them: blocks counted through all levels."""
    result = {}
    for name, tensor in tensors.items():
        parts = name.removeprefix("adapter.").split(".")
        if parts[0] == "body":
            layer = int(parts[3]) if parts[2] == "resnets" else 0
            rest = parts[4:] if parts[2] == "resnets" else parts[2:]
            parts = ["body", str(2 * int(parts[1]) + layer), *rest]
        result[".".join(parts)] = tensor
    return result


@pytest.fixture
def adapter(tmp_path: Path) -> PictureAdapter:
    save_file(original_names(adapter_module().state_dict()), tmp_path / "t2i.safetensors")
    loaded = load_control(tmp_path / "t2i.safetensors", device="cpu")
    assert isinstance(loaded, PictureAdapter)
    return loaded


@pytest.mark.parametrize("kind", ["full_adapter", "full_adapter_xl", "light_adapter"])
def test_every_kind_computes_as_in_diffusers(tmp_path: Path, kind: str) -> None:
    module = adapter_module(kind, (32, 64, 64, 64) if kind.endswith("xl") else (32, 64))
    save_file(module.state_dict(), tmp_path / "t2i.safetensors")
    hint = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    loaded = load_control(tmp_path / "t2i.safetensors", device="cpu")

    with torch.inference_mode():
        for found, expected in zip(loaded.network.prepare()(hint), module(hint), strict=True):
            torch.testing.assert_close(found, expected)


def test_original_names_are_the_same_adapter(adapter: PictureAdapter) -> None:
    hint = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    with torch.inference_mode():
        for found, expected in zip(adapter.network.prepare()(hint), adapter_module()(hint), strict=True):
            torch.testing.assert_close(found, expected)


def run(tiny: Checkpoint, control: Any) -> torch.Tensor:
    assert tiny.clip is not None
    latent = torch.zeros(1, 4, 8, 8)
    sides = [[[tiny.clip.encode(text)[0][0], {"control": control} if control else {}]] for text in ("red", "")]
    return sample(
        tiny.model, noise=prepare_noise(latent, 1), latent=latent, positive=sides[0], negative=sides[1],
        guidance_scale=2.0, sampler="euler", schedule="normal", steps=2, seed=1,
    )  # fmt: skip


def test_a_picture_steers_and_zero_strength_does_not(tiny: Checkpoint, adapter: PictureAdapter) -> None:
    hint, plain = torch.ones(1, 3, 64, 64), run(tiny, None)

    assert not torch.allclose(run(tiny, adapter.applied(hint, 1.0)), plain, atol=1e-3)
    assert torch.allclose(run(tiny, adapter.applied(hint, 0.0)), plain, atol=1e-5)
    assert torch.allclose(run(tiny, adapter.applied(hint, 1.0, 1.0, 1.0)), plain, atol=1e-5)


def test_it_is_chained_with_a_control_network(tiny: Checkpoint, adapter: PictureAdapter, tmp_path: Path) -> None:
    save_file(tiny_control(original=True), tmp_path / "control.safetensors")
    control = load_control(tmp_path / "control.safetensors", device="cpu")
    hint = torch.ones(1, 3, 64, 64)

    both = run(tiny, adapter.applied(hint, 1.0, previous=control.applied(hint, 1.0)))

    assert torch.allclose(both, run(tiny, control.applied(hint, 1.0, previous=adapter.applied(hint, 1.0))), atol=1e-4)
    assert not torch.allclose(both, run(tiny, adapter.applied(hint, 1.0)), atol=1e-3)


def test_a_patched_network_gets_the_same_features(tiny: Checkpoint, adapter: PictureAdapter) -> None:
    hint = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    applied = adapter.applied(hint, 1.0)
    x, step = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3)), torch.tensor([500.0])
    inputs = {"context": torch.zeros(1, 77, 32)}
    untouched = Step(torch.tensor(1.0), torch.tensor([1.0, 0.0]), (0,), (1, 4, 8, 8))
    patching = Patching(ModelPatches(input_block=(lambda h, site: h,)), untouched)

    with torch.inference_mode():
        residuals = applied.prepared(tiny.model.prediction, x).residuals(x, step, inputs, 1.0, (0,))
        module = tiny.model.network.prepare()
        plain, patched = (tiny.model.family.call(module, x, step, inputs, residuals, one) for one in (None, patching))

    torch.testing.assert_close(patched, plain)


def test_a_picture_is_resized_to_whole_folds(adapter: PictureAdapter, tiny: Checkpoint) -> None:
    active = adapter.applied(torch.rand(1, 3, 50, 30), 1.0).prepared(tiny.model.prediction, torch.zeros(2, 4, 6, 10))

    with torch.inference_mode():
        residuals = active.residuals(torch.zeros(4, 4, 6, 10), torch.zeros(4), {}, 1.0, (1, 0))

    assert residuals is not None
    assert residuals.inside[0].shape[0] == 4
    assert residuals.inside[0].shape[-2:] == (6, 10)


def test_an_incomplete_adapter_lists_what_it_lacks(tmp_path: Path) -> None:
    tensors = adapter_module().state_dict()
    del tensors["adapter.body.1.resnets.1.block1.weight"]
    save_file(tensors, tmp_path / "t2i.safetensors")

    with pytest.raises(MissingWeights, match=r"lacks 1 of the .* T2IAdapter"):
        load_control(tmp_path / "t2i.safetensors", device="cpu")
