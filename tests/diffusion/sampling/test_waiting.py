"""Between the steps of a run the host never waits for the device, so that a device is never without work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from diffusion.guiding import changed
from diffusion.guiding.added import perturbed_attention
from diffusion.loading import load_checkpoint
from diffusion.model import Model
from diffusion.patching.cheaper import merged_tokens, shrunk_early, tiled_attention
from diffusion.patching.freeu import free_u
from diffusion.patching.reuse import easy_cache, first_block_cache
from diffusion.sampling import SAMPLERS, prepare_noise, sample
from diffusion.testing import tiny_checkpoint, tiny_config
from tests.diffusion.sampling.another_device import DEVICE, AnotherDevice, Elsewhere

DATA_DEPENDENT = {"dpm_adaptive"}  # its next step depends on the error of the last: it has to look


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path: Path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    unet = {
        **tiny_config()["unet"], "block_out_channels": [8, 16], "norm_num_groups": 4,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    }  # fmt: skip
    return load_checkpoint(tiny_checkpoint(path, config=tiny_config(unet=unet)), device=DEVICE).model


@pytest.fixture(autouse=True)
def draws_on_any_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    generator = torch.Generator
    with monkeypatch.context() as patched:
        patched.setattr(torch, "Generator", lambda device="cpu": generator("cpu"))
        yield


def waits(model: Model, sampler: str = "euler", *, positive: dict[str, Any] | None = None, **more: Any) -> list[str]:
    """What made the host wait between the first and the last step of a run."""
    text = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(0))
    latent, marks = torch.zeros(1, 4, 8, 8), []
    with AnotherDevice() as device:
        out = sample(
            model, noise=prepare_noise(latent, 1), latent=latent, positive=[[text, positive or {}]],
            negative=[[text * 0.5, {}]], guidance_scale=5.0, sampler=sampler, schedule="karras", steps=3, seed=1,
            on_step=lambda *_: marks.append(len(device.waits)), **more,
        )  # fmt: skip
    assert len(marks) >= 2 and out.isfinite().all()
    return device.waits[marks[0] : marks[-1]]


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name not in DATA_DEPENDENT])
def test_no_sampler_waits_between_steps(model: Model, sampler: str) -> None:
    assert waits(model, sampler) == []


def test_a_sampler_that_looks_at_its_error_is_noticed(model: Model) -> None:
    assert set(waits(model, "dpm_adaptive")) == {"aten._local_scalar_dense.default"}


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.with_hooks(cfg=changed.rescaled(0.7)),
        lambda model: model.with_hooks(post_cfg=(changed.zero_star(),)),
        lambda model: perturbed_attention(model, 3.0),
        lambda model: merged_tokens(model, 0.3),
        lambda model: free_u(model, (1.1, 1.2), (0.9, 0.2)),
        lambda model: tiled_attention(model, 32, 2, 1, scale_with_depth=False),
        lambda model: shrunk_early(model, 1, 2.0, 0.0, 0.5, after_skip=True, down="bicubic", up="bicubic"),
        lambda model: model.with_hooks(network=lambda apply, x, sigma, inputs, roles: apply(x, sigma, inputs)),
    ],
    ids=[
        "RescaleCFG",
        "CFGZeroStar",
        "PerturbedAttention",
        "ToMe",
        "FreeU",
        "HyperTile",
        "DeepShrink",
        "wrapper of a pack",
    ],
)
def test_changes_of_a_model_do_not_wait_either(model: Model, change: Callable[[Model], Model]) -> None:
    assert waits(change(model)) == []


@pytest.mark.parametrize("cache", [easy_cache, first_block_cache])
def test_a_cache_reads_one_number_for_each_evaluation(model: Model, cache: Callable[..., Model]) -> None:
    found = waits(cache(model, 0.1, 0.0, 1.0))
    assert set(found) == {"aten._local_scalar_dense.default"} and len(found) <= 4


def test_masks_and_areas_do_not_wait(model: Model) -> None:
    half = torch.ones(1, 8, 8)
    half[..., :4] = 0
    assert waits(model, noise_mask=half) == []
    assert waits(model, positive={"mask": half, "mask_strength": 0.5}) == []
    assert waits(model, positive={"area": (8, 4, 0, 0)}) == []


def test_the_pretended_device_notices_what_it_should() -> None:
    with AnotherDevice() as device, torch.inference_mode():
        x = torch.ones(2, device=DEVICE) * 2
        assert isinstance(x, Elsewhere) and float(x.sum()) == 4.0 and bool((x > 1).any())
        x.cpu(), torch.ones(2).to(DEVICE), torch.ones(2).to(DEVICE, non_blocking=True), x[x > 3], x.nonzero()
        with pytest.raises(AssertionError, match="mixes devices"):
            x + torch.ones(2)
    names = [name.removeprefix("aten.").split(".")[0] for name in device.waits]
    assert names[:4] == ["_local_scalar_dense", "_local_scalar_dense", "_to_copy", "_to_copy"]
    assert names[4:] in (["index", "nonzero"], ["nonzero", "index", "nonzero"])
