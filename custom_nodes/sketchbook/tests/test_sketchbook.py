"""A pack's nodes are functions: its tests call them."""

from __future__ import annotations

import torch

from custom_nodes import sketchbook
from graph_runtime.testing import run_node


def test_glow_leaves_a_dark_picture_as_it_is() -> None:
    dark = torch.full((1, 16, 16, 3), 0.3)

    assert torch.equal(sketchbook.glow(dark, amount=2.0), dark)


def test_glow_spreads_light_beyond_a_bright_spot_and_never_leaves_the_range() -> None:
    picture = torch.zeros(1, 33, 33, 3)
    picture[:, 14:19, 14:19] = 1.0

    result = sketchbook.glow(picture, amount=2.0, radius=4)

    assert result[0, 16, 11].min() > 0
    assert result[0, 0, 0].max() == 0
    assert result.max() == 1


def test_green_is_perceived_brighter_than_blue() -> None:
    green, blue = torch.zeros(2, 1, 4, 4, 3)
    green[..., 1], blue[..., 2] = 1, 1

    assert sketchbook.brightness(green).average > sketchbook.brightness(blue).average
    assert sketchbook.brightness(green, "plain").average == sketchbook.brightness(blue, "plain").average


def test_a_contact_sheet_holds_every_picture_once() -> None:
    pictures = [torch.full((1, 4, 6, 3), value) for value in (0.2, 0.4, 0.6, 0.8)]

    sheet = run_node(sketchbook.contact_sheet, images=pictures, columns=3)

    assert sheet.shape == (1, 8, 18, 3)
    assert sheet.sum() == sum(picture.sum() for picture in pictures)


def test_only_the_chosen_branch_runs() -> None:
    assert run_node(sketchbook.choose, when=True, if_true=1, if_false=RuntimeError) == 1


def test_stripes_are_as_wide_as_each_other_and_of_the_colours_given() -> None:
    picture = sketchbook.stripes("#ff0000 #0000ff", width=6, height=2)

    assert picture.shape == (1, 2, 6, 3)
    assert picture[0, 1, 2].tolist() == [1, 0, 0]
    assert picture[0, 0, 3].tolist() == [0, 0, 1]


def test_a_straight_curve_leaves_tones_as_they_are_and_a_falling_one_turns_them_over() -> None:
    ramp = torch.linspace(0, 1, 256).reshape(1, 1, 256, 1).expand(1, 1, 256, 3)

    assert torch.allclose(sketchbook.tones(ramp), ramp, atol=1e-3)
    assert torch.allclose(sketchbook.tones(ramp, [[1, 0], [0, 1]]), 1 - ramp, atol=1e-3)


def test_tones_beyond_the_outermost_points_are_level() -> None:
    picture = torch.tensor([0.0, 0.1, 0.9, 1.0]).reshape(1, 1, 4, 1)

    assert torch.allclose(
        sketchbook.tones(picture, [[0.2, 0.3], [0.8, 0.6]]).flatten(), torch.tensor([0.3, 0.3, 0.6, 0.6])
    )
