"""Control networks that packs write themselves, in our sampler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from interop.errors import NotSupported
from tests.interop.conftest import House, open_studio
from tests.interop.test_models import graph, numbers

SKIPS = 4
"""Skip connections of the tiny network."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_studio(tmp_path_factory, "models", "controls") as opened:
        yield opened


def steered(value: float, *, end: float = 1.0, **places: int) -> dict[str, Any]:
    """The sampler's graph, with the pack's control network on both conditionings."""
    apply = {"positive": ["pos", 0], "negative": ["neg", 0], "control_net": ["net", 0], "image": ["picture", 0]}
    sampler = graph()["sample"]
    return {
        "net": {
            "class_type": "MakesControl",
            "inputs": {"value": value, "output": 0, "middle": 0, "input": 0, **places},
        },
        "picture": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "steer": {
            "class_type": "ControlNetApplyAdvanced",
            "inputs": {**apply, "strength": 0.5, "start_percent": 0.0, "end_percent": end},
        },
        "sample": {**sampler, "inputs": {**sampler["inputs"], "positive": ["steer", 0], "negative": ["steer", 1]}},
    }


@pytest.mark.parametrize("places", [{"output": SKIPS, "middle": 1}, {"input": 1}, {"output": SKIPS}])
async def test_what_a_packs_network_adds_counts(studio: House, places: dict[str, int]) -> None:
    expected = (await numbers(studio))[0][0]

    same = (await numbers(studio, **steered(0.0, **places)))[0][0]
    other = (await numbers(studio, **steered(0.5, **places)))[0][0]

    assert same == pytest.approx(expected, rel=1e-5)
    assert abs(other - expected) > 1e-4


async def test_a_packs_network_sees_both_sides_at_once_and_is_told_the_end(studio: House) -> None:
    seen = studio.module("controls").SEEN
    seen.clear()

    await numbers(studio, **steered(0.25, end=0.5, output=SKIPS, middle=1))

    assert seen.pop() == "cleaned"
    assert 0 < len(seen) < 3
    assert all((roles, batch) == ([1, 0], 2) for roles, batch, _, _ in seen)
    assert all({"c_crossattn", "transformer_options"} <= set(cond) for _, _, cond, _ in seen)


def test_a_packs_network_sums_with_one_of_ours(studio: House) -> None:
    from diffusion.control import Residuals
    from diffusion.sampling.prediction import discrete
    from interop.models import take_back
    from interop.models.control import ControlHandle

    class Ours:
        def prepared(self, prediction: Any, noise: Any) -> Any:
            return self

        def residuals(self, x: Any, timestep: Any, inputs: Any, sigma: float, roles: tuple[int, ...]) -> Any:
            return Residuals((torch.ones(()),) * SKIPS, torch.ones(()), (torch.ones(()),))

    own = studio.module("controls").Constant(2.0, {"output": SKIPS, "middle": 1, "input": 1})
    own.set_previous_controlnet(ControlHandle(Ours()))  # type: ignore[arg-type]
    control = take_back([["embedding", {"control": own}]])[0][1]["control"]

    x = torch.zeros(2, 4, 8, 8)
    active = control.prepared(discrete(), x)
    added = active.residuals(x, torch.zeros(2), {"context": torch.zeros(2, 1, 4)}, 5.0, (1, 0))

    assert take_back(own) is control
    assert [float(one) for one in (*added.down, added.middle, *added.inside)] == [3.0] * (SKIPS + 2)


def test_additions_that_have_no_place_are_refused_by_name() -> None:
    from interop.models.residuals import as_residuals

    with pytest.raises(NotSupported, match=r"Mine\.get_control .* input block 1.*blocks 2, 5, 8 and 11"):
        as_residuals({"input": [torch.ones(()), None]}, "Mine")
    with pytest.raises(NotSupported, match="middle and no output"):
        as_residuals({"middle": [torch.ones(())]}, "Mine")
    assert as_residuals({"input": [None], "output": [], "middle": [None]}, "Mine") is None
