"""Built-in nodes that packs call as plain classes: methods, and the order of their arguments."""

from __future__ import annotations

import importlib
from typing import Any

import torch

from interop.method_names import METHODS, ORDERS
from tests.interop.conftest import House, Open


def host_nodes(opened: House) -> Any:
    return opened.packs.imports.module("nodes")


def test_arguments_by_position_come_in_the_established_order(house: Open) -> None:
    nodes = host_nodes(house("sinks"))
    mask = torch.ones(8, 8)

    ((_, options),) = nodes.ConditioningSetMask().append([[torch.zeros(1, 1, 4), {}]], mask, "mask bounds", 0.5)[0]

    assert options["set_area_to_bounds"] is True
    assert options["mask_strength"] == 0.5


def test_parts_of_custom_sampling_are_called_by_their_methods(house: Open) -> None:
    house("sinks")
    module = importlib.import_module("comfy_extras.nodes_custom_sampler")

    (sigmas,) = module.KarrasScheduler().get_sigmas(3, 14.0, 0.1, 7.0)
    (noise,) = module.RandomNoise().get_noise(5)

    assert len(sigmas) == 4
    assert noise.seed == 5
    assert module.KSamplerSelect.FUNCTION == "get_sampler"


def test_the_advanced_sampler_takes_a_strength(house: Open) -> None:
    nodes, told = host_nodes(house("sinks")), {}
    nodes.common_ksampler = lambda *args, **kwargs: told.update(kwargs) or ("latent",)

    result = nodes.KSamplerAdvanced().sample(
        "m", "disable", 1, 20, 8.0, "euler", "normal", "p", "n", "l", 2, 10, "enable", denoise=0.5
    )

    assert result == ("latent",)
    assert told["disable_noise"] is True and told["force_full_denoise"] is False
    assert (told["denoise"], told["start_step"], told["last_step"]) == (0.5, 2, 10)


def test_every_listed_method_and_order_belongs_to_the_inputs_of_its_node(house: Open) -> None:
    catalogue = house("sinks").packs.host.catalogue

    for id in METHODS.keys() & catalogue.keys():
        names = {input.name for input in catalogue[id].visible}
        assert set(ORDERS.get(id, ())) <= names, id
