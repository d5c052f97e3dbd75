"""Steps that use earlier results again: when they do, what they leave alone, and that a run starts with nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.families.sd3 import Sd3Family
from diffusion.loading import Checkpoint
from diffusion.model import Model
from diffusion.network import Network, empty
from diffusion.patching import Site
from diffusion.patching.record import Step
from diffusion.patching.reuse import Trail, easy_cache, first_block_cache, lazy_cache
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import flow

CACHES = [easy_cache, lazy_cache, first_block_cache]
Cache = Callable[..., Model]


def run(model: Model, positive: Any, negative: Any, *, sampler: str = "euler", steps: int = 8) -> Tensor:
    latent = torch.zeros(1, model.latent_format.channels, 8, 8)
    return sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=positive, negative=negative,
        guidance_scale=5.0, sampler=sampler, schedule="karras", steps=steps, seed=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def texts(tiny: Checkpoint) -> tuple[Any, Any]:
    assert tiny.clip is not None
    return tiny.clip.encode("red"), tiny.clip.encode("")


def same(found: Tensor, expected: Tensor) -> None:
    """Equal up to rounding: a walked network adds in another order."""
    torch.testing.assert_close(found / expected.std(), expected / expected.std(), atol=1e-5, rtol=1e-5)


def count_calls(model: Model) -> tuple[Model, list[int]]:
    """A model that counts how often its deepest part runs."""
    calls: list[int] = []
    return model.with_network_patches(middle_block=(lambda h, site: calls.append(1) or h,)), calls


@pytest.mark.parametrize("cache", CACHES)
def test_a_threshold_of_zero_changes_nothing(tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache) -> None:
    same(run(cache(tiny.model, 0.0, 0.0, 1.0), *texts), run(tiny.model, *texts))


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m"])
def test_a_high_threshold_saves_calls_and_stays_finite(
    tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache, sampler: str
) -> None:
    model, calls = count_calls(tiny.model)
    run(model, *texts, sampler=sampler)
    plain = len(calls)
    calls.clear()
    out = run(cache(model, 3.0, 0.0, 1.0), *texts, sampler=sampler)
    assert len(calls) < plain and out.isfinite().all()


@pytest.mark.parametrize("cache", CACHES)
def test_nothing_is_reused_outside_of_the_chosen_part_of_the_schedule(
    tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache
) -> None:
    same(run(cache(tiny.model, 3.0, 1.0, 1.0), *texts), run(tiny.model, *texts))


@pytest.mark.parametrize("cache", CACHES)
def test_a_second_run_gives_the_same_as_the_first(tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache) -> None:
    model = cache(tiny.model, 0.5, 0.0, 1.0)
    first = run(model, *texts)
    run(model, *texts[::-1])
    assert torch.equal(run(model, *texts), first)


@pytest.mark.parametrize("cache", CACHES)
def test_conditionings_that_are_evaluated_apart_are_remembered_apart(
    tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache
) -> None:
    positive, negative = texts
    left = [[positive[0][0], {**positive[0][1], "area": (8, 4, 0, 0), "strength": 1.0}]]
    model, calls = count_calls(cache(tiny.model, 0.5, 0.0, 1.0))
    out = run(model, [*positive, *left], negative)
    assert out.isfinite().all() and 0 < len(calls) < 8 * 3


@pytest.mark.parametrize("cache", [easy_cache, first_block_cache])
def test_evaluations_with_other_patches_do_not_mix_with_the_plain_ones(
    tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache
) -> None:
    """Perturbed-attention guidance evaluates the positive side a second time with other attention."""
    from diffusion.guiding.added import perturbed_attention

    guided = perturbed_attention(tiny.model, 2.0)
    same(run(cache(guided, 0.0, 0.0, 1.0), *texts), run(guided, *texts))
    assert run(cache(guided, 0.5, 0.0, 1.0), *texts).isfinite().all()


@pytest.mark.parametrize("cache", CACHES)
def test_the_log_tells_what_was_saved(
    tiny: Checkpoint, texts: tuple[Any, Any], cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="diffusion.patching.reuse"):
        run(cache(tiny.model, 3.0, 0.0, 1.0, verbose=True), *texts)
    assert "used again" in caplog.text and "calls saved" in caplog.messages[-1]


def test_a_trail_expects_the_output_to_follow_its_input_at_the_last_rate() -> None:
    trail, one = Trail(), torch.ones(4)
    trail.computed(one * 1.0, one * 10.0, torch.tensor(10.0))
    assert not trail.is_stable(one * 2.0, 9.0), "one output tells no rate"
    trail.computed(one * 2.0, one * 12.0, torch.tensor(12.0))  # rate 2
    assert trail.is_stable(one * 2.6, 0.35), "expected change: 2 · 0.6 / 12 = 0.1"
    assert not trail.is_stable(one * 3.8, 0.35), "another 0.3, counted from the last computed call"
    assert trail.expected == 0.0


def test_the_first_conditioning_decides_at_every_eighth_place(transformer: Model) -> None:
    seen: list[Tensor] = []

    class Network:
        def __call__(self, x: Tensor, timestep: Any, inputs: Any) -> Tensor:
            seen.append(x)
            return x * 2

    (around,) = easy_cache(transformer, 1.0, 0.0, 1.0).hooks.inside.network
    memory: dict[Any, Any] = {}

    def call(level: float, x: Tensor) -> Tensor:
        step = Step(torch.tensor(level), torch.zeros(1), (1, 0), tuple(x.shape), group="both", memory=memory)
        return around(Network(), x, torch.zeros(2), {}, step)

    x = torch.ones(2, 16, 16, 16)
    call(0.9, x)
    call(0.8, x * 1.1)  # rate 2
    changed = x * 1.1
    changed[1], changed[0, :, 1:8, 1:8] = 50.0, 50.0  # nothing that is looked at
    out = call(0.7, changed)

    assert len(seen) == 2
    torch.testing.assert_close(out, changed + 1.1)
    call(0.6, x * 3)
    assert len(seen) == 3


@pytest.fixture(scope="module")
def transformer() -> Model:
    from diffusers import SD3Transformer2DModel

    config = {
        "sample_size": 8, "patch_size": 2, "in_channels": 16, "num_layers": 3, "attention_head_dim": 8,
        "num_attention_heads": 4, "joint_attention_dim": 32, "caption_projection_dim": 32,
        "pooled_projection_dim": 2048, "out_channels": 16, "pos_embed_max_size": 16,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = SD3Transformer2DModel(**config).state_dict()
    module = empty(lambda: SD3Transformer2DModel(**config), "tiny")
    kind = {"device": torch.device("cpu"), "storage": torch.float32, "compute": torch.float32, "source": "tiny"}
    return Model(Network(module, weights, **kind), Sd3Family(), flow(3.0))


@pytest.mark.parametrize("cache", CACHES)
def test_transformers_reuse_as_well(transformer: Model, cache: Cache) -> None:
    text = [[torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(1)), {}]]
    calls: list[int] = []

    def counted(image: Tensor, text: Tensor | None, block: Any, site: Site) -> tuple[Tensor, Tensor | None]:
        calls.append(1)
        return block(image, text)

    model = transformer.with_network_patches(blocks={("double_block", 2): counted})
    plain = run(model, text, text)
    same(run(cache(model, 0.0, 0.0, 1.0), text, text), plain)
    before = len(calls) // 2
    calls.clear()
    out = run(cache(model, 3.0, 0.0, 1.0), text, text)
    assert 0 < len(calls) < before and out.isfinite().all()
