"""Models changed by packs, sampled by our own nodes: no-ops change nothing, changes take effect, at every stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interop.models import inside
from tests.interop.conftest import House, open_studio
from tests.interop.test_models import from_parts, graph, numbers

KINDS = [
    "attn1", "attn2", "attn1_output", "attn2_output", "input", "after_skip", "output", "emb", "attn1_replace",
    "attn2_replace", "middle",
]  # fmt: skip


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_studio(tmp_path_factory, "models", "model_patches") as opened:
        yield opened


@pytest.fixture
def seen(studio: House) -> list[Any]:
    """What the functions of the pack noted."""
    noted: list[Any] = studio.module("model_patches").SEEN
    noted.clear()
    return noted


def sampled_with(node: dict[str, Any], **sampler: Any) -> dict[str, Any]:
    own = graph()["sample"]
    return {"patch": node, "sample": {**own, "inputs": {**own["inputs"], "model": ["patch", 0], **sampler}}}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_function_inside_the_network_is_called_and_counts(studio: House, seen: list[Any], kind: str) -> None:
    def node(strength: float) -> dict[str, Any]:
        return {"class_type": "Inside", "inputs": {"model": ["load", 0], "kind": kind, "strength": strength}}

    expected = (await numbers(studio))[0][0]
    same = (await numbers(studio, **sampled_with(node(0.0))))[0][0]
    assert seen and all(roles == (1, 0) for _, _, roles in seen)
    other = (await numbers(studio, **sampled_with(node(0.5))))[0][0]

    assert same == pytest.approx(expected, rel=1e-4)
    assert abs(other - expected) > 1e-4


async def test_wrappers_run_from_outside_in_and_change_nothing(studio: House, seen: list[Any]) -> None:
    expected = (await numbers(studio))[0][0]

    found = (await numbers(studio, **sampled_with({"class_type": "Wraps", "inputs": {"model": ["load", 0]}})))[0][0]

    assert found == pytest.approx(expected, rel=1e-5)
    assert seen == [
        ("wrap", "outer_sample"), ("wrap", "prepare_sampling"), ("call", "inject"), ("call", "pre_run"),
        ("wrap", "sampler_sample"), ("wrap", "predict_noise"), ("wrap", "calc_cond_batch"), ("wrap", "apply_model"),
        ("wrap", "diffusion_model"), ("call", "eject"), ("call", "cleanup"),
    ]  # fmt: skip


def test_an_attention_of_a_packs_own_is_said_once_not_to_be_called(caplog: pytest.LogCaptureFixture) -> None:
    inside._say_own_attention.cache_clear()
    for _ in range(2):
        inside.patches_inside({"optimized_attention_override": print}, None)

    (said,) = caplog.records
    assert "optimized_attention_override" in said.message


async def test_a_pack_evaluates_a_patched_model_a_second_time(studio: House) -> None:
    expected = (await numbers(studio))[0][0]

    def node(scale: float) -> dict[str, Any]:
        return {"class_type": "Perturbs", "inputs": {"model": ["load", 0], "scale": scale}}

    assert (await numbers(studio, **sampled_with(node(0.0))))[0][0] == pytest.approx(expected, rel=1e-5)
    assert abs((await numbers(studio, **sampled_with(node(3.0))))[0][0] - expected) > 1e-4


async def test_noise_levels_of_a_pack_take_the_place_of_the_models(studio: House) -> None:
    def node(kind: str) -> dict[str, Any]:
        return {"class_type": "Levels", "inputs": {"model": ["load", 0], "kind": kind}}

    found = {kind: (await numbers(studio, **sampled_with(node(kind))))[0][0] for kind in ("eps", "v", "zsnr", "flow")}

    assert found["eps"] == pytest.approx((await numbers(studio))[0][0], rel=1e-5)
    assert len({round(value, 3) for value in found.values()}) == 4


async def test_a_guider_with_a_predict_noise_of_its_own_samples(studio: House) -> None:
    expected = await numbers(studio, **from_parts())
    inputs = {"model": ["load", 0], "positive": ["pos", 0], "negative": ["neg", 0]}
    sampler = from_parts()["sample"]
    changes = {**sampler, "inputs": {**sampler["inputs"], "guider": ["own", 0]}}

    found = await numbers(studio, **from_parts(own={"class_type": "ByHand", "inputs": inputs}, sample=changes))

    assert found[0][0] == pytest.approx(expected[0][0], rel=1e-5)


@pytest.mark.parametrize("output", [1, 2])
async def test_a_sampler_of_a_pack_integrates_as_ours_does(studio: House, output: int) -> None:
    expected = await numbers(studio, **from_parts())
    inputs = {"model": ["load", 0], "positive": ["pos", 0], "negative": ["neg", 0]}
    sampler = from_parts()["sample"]
    changes = {**sampler, "inputs": {**sampler["inputs"], "sampler": ["own", output]}}

    found = await numbers(studio, **from_parts(own={"class_type": "ByHand", "inputs": inputs}, sample=changes))

    assert found[0][0] == pytest.approx(expected[0][0], rel=1e-5)


async def test_names_that_a_pack_adds_are_choices_of_built_in_nodes(studio: House) -> None:
    expected = (await numbers(studio))[0][0]
    own = graph()["sample"]

    by_name = {"sample": {**own, "inputs": {**own["inputs"], "sampler_name": "plain_euler"}}}
    by_levels = {"sample": {**own, "inputs": {**own["inputs"], "scheduler": "plain_linear"}}}

    assert (await numbers(studio, **by_name))[0][0] == pytest.approx(expected, rel=1e-5)
    assert abs((await numbers(studio, **by_levels))[0][0] - expected) > 1e-3


def test_a_pack_renames_a_built_in_node(studio: House) -> None:
    entry = studio.engine.catalogue.to_data()["KSampler"]

    assert entry["display_name"] == "Sample (renamed by a pack)"
    assert "plain_euler" in next(one["choices"] for one in entry["inputs"] if one["name"] == "sampler_name")
    assert entry["module"] == "nodes"


@pytest.mark.parametrize("sampler", ["euler", "ddim", "dpm_adaptive", "euler_cfg_pp", "dpmpp_2m_sde", "uni_pc", "lcm"])
def test_the_long_road_of_packs_gives_what_the_short_one_gives(studio: House, sampler: str) -> None:
    import torch

    from diffusion import sampling
    from diffusion.loading import load_checkpoint
    from interop.models.model import ModelHandle

    path = studio.folders.find("checkpoints", "tiny.safetensors")
    assert path is not None
    checkpoint = load_checkpoint(path)
    assert checkpoint.clip is not None
    handle = ModelHandle(checkpoint.model)
    handle.model_options["transformer_options"]["a note of a pack"] = 1
    ((features, options),) = checkpoint.clip.encode("a red circle")
    area = [features * 1.1, {**options, "area": (4, 4, 2, 2), "strength": 0.8}]
    latent = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    mask = torch.zeros(1, 8, 8)
    mask[:, 2:6, 2:6] = 1

    def sampled(model: Any) -> Any:
        return sampling.sample(
            model, noise=sampling.prepare_noise(latent, 3), latent=latent, positive=[[features, options], area],
            negative=checkpoint.clip.encode(""), guidance_scale=2.5, sampler=sampler, schedule="normal", steps=3,
            strength=0.8, noise_mask=mask, seed=9,
        )  # fmt: skip

    assert handle.heddle_object.hooks.run is not None
    torch.testing.assert_close(sampled(handle.heddle_object), sampled(checkpoint.model), rtol=1e-4, atol=1e-4)
