"""Batches of images are made, joined, dealt out, measured, inverted, and split into brightness and colour."""

import pytest
import torch

from nodes import image_batches as batches
from tests.nodes.calling import call


def numbered(count, size=2):
    return torch.arange(count, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, size, size, 3) / 10


def test_an_empty_image_has_its_colour_everywhere():
    image = batches.empty_image(width=3, height=2, batch_size=2, color=0xFF8000)

    assert image.shape == (2, 2, 3, 3)
    torch.testing.assert_close(image[1, 1, 2], torch.tensor([1.0, 128 / 255, 0.0]))
    assert image.is_contiguous()


def test_inverting_twice_is_nothing_and_black_becomes_white():
    assert batches.image_invert(image=torch.zeros(1, 1, 1, 3)).min() == 1


def test_joined_images_take_the_size_of_the_first():
    wide = torch.zeros(1, 4, 12, 3)
    wide[:, :, 4:8] = 1

    joined = batches.image_batch(image1=torch.full((2, 4, 4, 3), 0.25), image2=wide)

    assert joined.shape == (3, 4, 4, 3)
    assert joined[2].min() == 1, "trimmed around the middle"


def test_an_image_without_alpha_becomes_opaque_beside_one_with_it():
    joined = batches.image_batch(image1=torch.zeros(1, 2, 2, 4), image2=torch.zeros(1, 2, 2, 3))

    assert joined[:, 0, 0, 3].tolist() == [0, 1]


def test_images_are_dealt_out_into_batches_of_a_size():
    dealt = batches.rebatch_images(images=[numbered(3), numbered(2)], batch_size=2)

    assert [each[:, 0, 0, 0].mul(10).round().tolist() for each in dealt] == [[0, 1], [2, 0], [1]]


@pytest.mark.parametrize(("index", "length", "expected"), [(1, 2, [1, 2]), (3, 9, [3]), (99, 1, [3])])
def test_some_images_are_taken_out(index, length, expected):
    taken = batches.image_from_batch(image=numbered(4), batch_index=index, length=length)

    assert taken[:, 0, 0, 0].mul(10).round().tolist() == expected


def test_a_batch_is_repeated_whole():
    assert batches.repeat_image_batch(image=numbered(2), amount=2)[:, 0, 0, 0].mul(10).tolist() == [0, 1, 0, 1]


def test_the_size_is_told_and_shown(data_dir):
    shown = call(batches.get_image_size, data_dir, image=torch.zeros(2, 3, 5, 3))

    assert shown.result == (5, 3, 2)
    assert shown.texts == ["width: 5, height: 3\n batch size: 2"]


def test_noise_has_its_strength_and_comes_again_with_its_seed():
    grey = torch.full((1, 64, 64, 3), 0.5)

    noisy = batches.image_add_noise(image=grey, seed=2**63, strength=0.1)

    assert torch.equal(noisy, batches.image_add_noise(image=grey, seed=2**63, strength=0.1))
    assert not torch.equal(noisy, batches.image_add_noise(image=grey, seed=1, strength=0.1))
    assert abs(noisy.std() - 0.1) < 0.005
    assert torch.equal(batches.image_add_noise(image=grey, seed=1, strength=0.0), grey)


def test_brightness_and_colour_differences_have_their_weights_and_come_back():
    image = torch.rand(2, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    red = torch.tensor([[[[1.0, 0.0, 0.0]]]])

    split = batches.image_rgb_to_yuv(image=image)

    assert split.Y.shape == (2, 3, 3, 3)
    torch.testing.assert_close(batches.image_yuv_to_rgb(Y=split.Y, U=split.U, V=split.V), image, atol=2e-3, rtol=0)
    values = [float(plane[0, 0, 0, 0]) for plane in batches.image_rgb_to_yuv(image=red)]
    assert values == pytest.approx([0.299, 0.5 - 0.299 * 0.564, 0.5 + 0.701 * 0.713], abs=1e-6)
    assert batches.image_yuv_to_rgb(Y=red[..., :1], U=red[..., :1], V=red[..., 1:2]).flatten().tolist() == [
        pytest.approx(1 - 1.403 / 2), 1.0, 1.0,
    ]  # fmt: skip
