"""Names of host modules that are found when packs ask for them."""

from __future__ import annotations

import importlib

import pytest

from interop.late_names import late_names
from tests.interop.conftest import Open


def test_a_name_is_looked_up_below_the_models_and_others_are_none() -> None:
    find = late_names({"VAE": "autoencoder.VaeHandle"})

    assert find("VAE").__name__ == "VaeHandle"
    with pytest.raises(AttributeError, match="CLIP"):
        find("CLIP")


def test_a_guider_that_a_pack_puts_in_place_of_the_hosts_samples_for_packs(house: Open) -> None:
    house("sinks")
    samplers = importlib.import_module("comfy.samplers")
    asked: list[object] = []

    class Mine:
        def __init__(self, model: object) -> None:
            asked.append(model)

        def set_conds(self, positive: object, negative: object) -> None:
            asked.append(positive)

        def set_cfg(self, cfg: float) -> None:
            asked.append(cfg)

        def sample(self, *args: object) -> str:
            return "mine"

    samplers.CFGGuider = Mine

    assert samplers.sample("m", "noise", "p", "n", 3.0, None, "sampler", [1.0, 0.0]) == "mine"
    assert asked == ["m", "p", 3.0]
