"""Weight changes that packs put on conditionings."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from interop.errors import NotSupported
from tests.interop.conftest import House, open_studio
from tests.interop.test_models import graph, numbers


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_studio(tmp_path_factory, "models", "weight_hooks") as opened:
        yield opened


def changed(where: str, until: float = 1.0, **more: Any) -> dict[str, Any]:
    inputs = {"model": ["load", 0], "positive": ["pos", 0], "negative": ["neg", 0], "where": where, "until": until}
    sampler = graph()["sample"]
    sources = {"model": ["change", 0], "positive": ["change", 1], "negative": ["change", 2]}
    return {
        "change": {"class_type": "HooksOrModel", "inputs": {**inputs, **more}},
        "sample": {**sampler, "inputs": {**sampler["inputs"], **sources}},
    }


async def test_a_hook_on_both_sides_changes_the_picture_as_the_lora_in_the_model(studio: House) -> None:
    plain = (await numbers(studio))[0][0]
    expected = (await numbers(studio, **changed("model")))[0][0]

    found = (await numbers(studio, **changed("hook")))[0][0]

    assert found == pytest.approx(expected, rel=1e-4)
    assert abs(found - plain) > 1e-4


async def test_a_hook_follows_its_keyframes(studio: House) -> None:
    plain = (await numbers(studio))[0][0]
    whole = (await numbers(studio, **changed("hook")))[0][0]

    part = (await numbers(studio, **changed("hook", 0.4)))[0][0]

    assert len({plain, whole, part}) == 3


def test_conditionings_are_added_with_properties_and_as_defaults(studio: House) -> None:
    hooks = importlib.import_module("comfy.hooks")
    cond, mask = [[torch.zeros(1, 1, 4), {}]], torch.ones(8, 8)

    ((old, new),) = hooks.set_conds_props_and_combine([cond], [cond], 0.5, "mask bounds", mask, None, (0.2, 0.8))
    ((_, default),) = hooks.set_default_conds_and_combine([cond], [cond])

    assert old[1] == {} and default[1] == {"default": True}
    assert (new[1]["start_percent"], new[1]["end_percent"], new[1]["mask_strength"]) == (0.2, 0.8, 0.5)


def test_hooks_are_replaced_where_they_are_not_to_be_appended(studio: House) -> None:
    hooks = importlib.import_module("comfy.hooks")
    first, second = (hooks.create_hook_lora({}, 1.0, 1.0) for _ in range(2))
    cond = hooks.set_hooks_for_conditioning([[torch.zeros(1, 1, 4), {}]], first)

    both = hooks.set_hooks_for_conditioning(cond, second)
    only = hooks.set_hooks_for_conditioning(cond, second, append_hooks=False)

    assert [len(one[0][1]["hooks"]) for one in (cond, both, only)] == [1, 2, 1]


def test_a_keyframe_that_is_to_last_for_steps_is_refused(studio: House) -> None:
    hooks = importlib.import_module("comfy.hooks")
    course = hooks.HookKeyframeGroup()
    course.add(hooks.HookKeyframe(1.0, 0.5, guarantee_steps=3))

    with pytest.raises(NotSupported, match="guarantee_steps"):
        _ = course.heddle_object
