"""Packs that put functions of their own in place of the host's: our own nodes heed them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from interop.importing import active
from interop.replaced import sampling_is_replaced
from tests.interop.conftest import House, open_studio
from tests.interop.test_models import graph, numbers


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_studio(tmp_path_factory, "models", "model_patches") as opened:
        yield opened


def place_of(name: str) -> Any:
    """The module or class that a dotted name ends in."""
    imports = active()
    assert imports is not None
    module, _, rest = name.partition(":")
    found = imports.module("nodes") if module == "nodes" else sys.modules[module]
    return getattr(found, rest) if rest else found


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("nodes", "common_ksampler"),
        ("comfy.sample", "sample"),
        ("comfy.sample", "prepare_noise"),
        ("comfy.samplers", "sample"),
        ("comfy.samplers", "sampling_function"),
        ("comfy.samplers", "calc_cond_batch"),
        ("comfy.samplers", "calculate_sigmas"),
        ("comfy.samplers", "sampler_object"),
        ("comfy.samplers:KSampler", "sample"),
        ("comfy.samplers:CFGGuider", "outer_sample"),
        ("comfy.k_diffusion.sampling", "sample_euler"),
    ],
)
async def test_our_sampler_goes_through_what_a_pack_replaced(
    studio: House, monkeypatch: pytest.MonkeyPatch, place: str, name: str
) -> None:
    expected = (await numbers(studio))[0][0]
    assert not sampling_is_replaced()
    original = getattr(place_of(place), name)
    called: list[str] = []

    @functools.wraps(original)
    def mine(*args: Any, **kwargs: Any) -> Any:
        called.append(name)
        return original(*args, **kwargs)

    monkeypatch.setattr(place_of(place), name, mine)
    own = graph()["sample"]
    again = {"sample": {**own, "inputs": {**own["inputs"], "denoise": 0.99999}}}  # not from the cache, the same picture

    found = (await numbers(studio, **again))[0][0]

    assert called
    assert found == pytest.approx(expected, rel=1e-4)


async def test_custom_sampling_heeds_a_replaced_estimate(studio: House, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    original = sys.modules["comfy.samplers"].calc_cond_batch

    def mine(*args: Any) -> Any:
        called.append("batch")
        return original(*args)

    def sampled(seed: int) -> dict[str, Any]:
        own = graph()["sample"]["inputs"]
        return {
            "sigmas": {
                "class_type": "BasicScheduler",
                "inputs": {"model": own["model"], "scheduler": "normal", "steps": 2, "denoise": 1.0},
            },
            "chosen": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "sample": {
                "class_type": "SamplerCustom",
                "inputs": {
                    "model": own["model"], "add_noise": True, "noise_seed": seed, "cfg": 2.0, "sampler": ["chosen", 0],
                    "positive": own["positive"], "negative": own["negative"], "sigmas": ["sigmas", 0],
                    "latent_image": own["latent_image"],
                },
            },
        }  # fmt: skip

    await numbers(studio, **sampled(1))
    assert not called
    monkeypatch.setattr(sys.modules["comfy.samplers"], "calc_cond_batch", mine)
    await numbers(studio, **sampled(2))

    assert called == ["batch", "batch"]
