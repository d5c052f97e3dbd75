"""Masks are read, made, combined, feathered and grown to the pixel."""

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from graph_runtime.errors import HeddleError
from nodes import masks
from tests.nodes.calling import call


def dot(size=7):
    mask = torch.zeros(1, size, size)
    mask[:, size // 2, size // 2] = 1
    return mask


@pytest.fixture
def picture(data_dir):
    folder = data_dir / "input"
    folder.mkdir()
    pixels = np.array([[[255, 51, 0, 255], [0, 102, 255, 0]]], np.uint8)
    Pillow.fromarray(pixels).save(folder / "p.png")
    Pillow.fromarray(pixels[..., :3]).save(folder / "opaque.png")
    return data_dir


@pytest.mark.parametrize(
    ("channel", "expected"), [("alpha", [0, 1]), ("red", [1, 0]), ("green", [0.2, 0.4]), ("blue", [0, 1])]
)
def test_a_channel_of_a_file_becomes_a_mask(picture, channel, expected):
    mask = call(masks.load_image_mask, picture, image="p.png", channel=channel).result

    assert mask.shape == (1, 1, 2)
    torch.testing.assert_close(mask[0, 0], torch.tensor(expected, dtype=torch.float32))


def test_an_opaque_file_has_an_empty_mask_of_its_own_size(picture):
    mask = call(masks.load_image_mask, picture, image="opaque.png", channel="alpha").result

    assert torch.equal(mask, torch.zeros(1, 1, 2))


def test_masks_become_images_and_channels_become_masks():
    image = torch.stack([torch.full((2, 3), value) for value in (0.1, 0.2, 0.3, 0.4)], dim=-1)[None]

    assert masks.mask_to_image(mask=torch.rand(2, 3)).shape == (1, 2, 3, 3)
    for channel, value in (("red", 0.1), ("green", 0.2), ("blue", 0.3), ("alpha", 0.4)):
        torch.testing.assert_close(masks.image_to_mask(image=image, channel=channel), torch.full((1, 2, 3), value))
    with pytest.raises(HeddleError, match="3 channels, so there is no alpha"):
        masks.image_to_mask(image=image[..., :3], channel="alpha")


def test_only_the_exact_colour_is_selected():
    image = torch.tensor([[[[1.0, 128 / 255, 0.0], [1.0, 127 / 255, 0.0], [1.002, 0.5019, -0.1]]]])

    assert masks.image_color_to_mask(image=image, color=0xFF8000).tolist() == [[[1, 0, 1]]]


def test_solid_inverted_cropped_and_thresholded_masks():
    solid = masks.solid_mask(value=0.25, width=3, height=2)

    assert solid.shape == (1, 2, 3)
    assert masks.invert_mask(mask=solid).unique().tolist() == [0.75]
    assert masks.crop_mask(mask=dot(), x=3, y=2, width=99, height=2)[0].tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]
    assert masks.threshold_mask(mask=torch.tensor([[[0.5, 0.51]]]), value=0.5).tolist() == [[[0, 1]]]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("multiply", [0.5, 0.3, 0.54]),
        ("add", [0.5, 1.0, 1.0]),
        ("subtract", [0.5, 0.0, 0.3]),
        ("and", [0.5, 0.0, 1.0]),
        ("or", [0.5, 1.0, 1.0]),
        ("xor", [0.5, 1.0, 0.0]),
    ],
)
def test_masks_combine_where_they_overlap(operation, expected):
    below = torch.tensor([[[0.5, 0.5, 0.9]]])
    above = torch.tensor([[[0.6, 0.6, 1.0]]])

    combined = masks.mask_composite(destination=below, source=above, x=1, y=0, operation=operation)

    torch.testing.assert_close(combined, torch.tensor([[expected]]))


def test_a_mask_laid_outside_changes_nothing():
    below = torch.rand(1, 2, 2)

    assert torch.equal(masks.mask_composite(destination=below, source=below, x=5, y=0, operation="add"), below)


def test_feathering_fades_each_side_over_its_width():
    ones = torch.ones(1, 6, 6)

    left = masks.feather_mask(mask=ones, left=3)[0, 2]
    both = masks.feather_mask(mask=ones, left=2, top=2)[0]

    torch.testing.assert_close(left, torch.tensor([1 / 3, 2 / 3, 1, 1, 1, 1]))
    assert both[0, :3].tolist() == [0.25, 0.5, 0.5] and both[3, 3] == 1


@pytest.mark.parametrize(
    ("expand", "tapered", "area"), [(1, True, 5), (2, True, 13), (1, False, 9), (2, False, 25), (0, True, 1)]
)
def test_a_point_grows_to_a_diamond_or_a_square(expand, tapered, area):
    assert masks.grow_mask(mask=dot(), expand=expand, tapered_corners=tapered).sum() == area


def test_shrinking_undoes_growing_and_borders_do_not_eat_in():
    grown = masks.grow_mask(mask=dot(), expand=2, tapered_corners=False)

    assert torch.equal(masks.grow_mask(mask=grown, expand=-2, tapered_corners=False), dot())
    assert masks.grow_mask(mask=torch.ones(1, 4, 4), expand=-3).min() == 1


def test_growing_without_end_stops_when_all_is_selected():
    assert masks.grow_mask(mask=dot(64), expand=16384).min() == 1


def test_a_mask_is_previewed_as_a_picture_in_the_temporary_folder(data_dir):
    shown = call(masks.mask_preview, data_dir, mask=torch.tensor([[[0.0, 1.0]]]))

    entry = shown.ui["images"][0]
    assert entry["type"] == "temp"
    with Pillow.open(data_dir / "temp" / entry["filename"]) as file:
        assert [file.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (255, 255, 255)]
