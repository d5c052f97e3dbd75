"""Control networks that know several kinds of pictures, or read masks."""

from dataclasses import dataclass, field
from typing import Any

import torch

from nodes.control import control_net_inpainting_apply, set_union_control_net_type


@dataclass
class Network:
    """Stands for a control network: remembers how it was applied."""

    masked: bool = True
    types: Any = None
    applications: list[Any] = field(default_factory=list)

    def typed(self, types):
        return Network(self.masked, types)

    def applied(self, *how):
        self.applications.append(how)
        return f"applied {len(self.applications)}"


def test_a_network_is_told_the_kind_of_its_picture_by_number():
    network = Network()

    chosen, open_ = (set_union_control_net_type(control_net=network, type=kind) for kind in ("tile", "auto"))

    assert (chosen.types, open_.types, network.types) == ((6,), (), None)


def conditioning(**options):
    return [[torch.zeros(1, 3, 4), options]]


def applied(network, **changes):
    inputs = {"positive": conditioning(), "negative": conditioning(), "control_net": network, "vae": "vae",
              "image": torch.ones(1, 16, 16, 3), "mask": torch.zeros(1, 8, 8)}  # fmt: skip
    inputs["mask"][:, :, 4:] = 1.0
    return control_net_inpainting_apply(**{**inputs, **changes})


def test_what_is_painted_anew_is_black_for_networks_that_read_masks():
    network = Network()

    result = applied(network, strength=0.7, start_percent=0.1, end_percent=0.9)

    ((hint, strength, start, end, previous, vae, kept),) = network.applications
    assert (strength, start, end, previous, vae) == (0.7, 0.1, 0.9, None, "vae")
    assert hint[..., :8].mean() == 1 and hint[..., 8:].max() == 0
    assert kept.shape == (1, 1, 8, 8) and kept[..., :4].min() == 1 and kept[..., 4:].max() == 0
    assert result.positive[0][1] == {"control": "applied 1", "control_apply_to_uncond": False} == result.negative[0][1]


def test_other_networks_see_the_whole_picture_and_no_mask():
    network = Network(masked=False)

    applied(network)

    assert network.applications[0][0].min() == 1 and network.applications[0][-1] is None


def test_without_strength_nothing_is_applied():
    network, positive = Network(), conditioning()

    assert applied(network, strength=0, positive=positive).positive is positive and not network.applications


def test_a_chain_before_it_is_continued_on_each_side():
    network = Network()

    result = applied(network, positive=conditioning(control="a"), negative=conditioning(control="b"))

    assert [how[4] for how in network.applications] == ["a", "b"]
    assert (result.positive[0][1]["control"], result.negative[0][1]["control"]) == ("applied 1", "applied 2")
