"""Images are scaled, cropped, turned, padded and stitched to the pixel."""

import pytest
import torch

from nodes import image_transforms as transforms


def gradient(height, width):
    """Red counts columns, green counts rows, in hundredths."""
    image = torch.zeros(1, height, width, 3)
    image[..., 0] = torch.arange(width) / 100
    image[..., 1] = torch.arange(height)[:, None] / 100
    return image


def size(image):
    return tuple(image.shape[1:3])


@pytest.mark.parametrize("method", transforms.METHODS)
def test_every_method_gives_the_wanted_size_and_keeps_flat_colours(method):
    image = torch.full((2, 10, 20, 3), 0.4)

    scaled = transforms.image_scale(image=image, upscale_method=method, width=7, height=13, crop="disabled")

    assert scaled.shape == (2, 13, 7, 3)
    torch.testing.assert_close(scaled, torch.full_like(scaled, 0.4), atol=1 / 255, rtol=0)


def test_nearest_exact_repeats_pixels():
    scaled = transforms.image_scale_by(image=gradient(2, 2), upscale_method="nearest-exact", scale_by=2.0)

    assert scaled[0, 0, :, 0].mul(100).round().tolist() == [0, 0, 1, 1]


def test_area_averages():
    scaled = transforms.image_scale(image=gradient(2, 4), upscale_method="area", width=2, height=1, crop="disabled")

    torch.testing.assert_close(scaled[0, 0, :, 0], torch.tensor([0.005, 0.025]))


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(0, 0, (30, 60)), (0, 15, (15, 30)), (20, 0, (10, 20)), (0, 1, (1, 2))]
)
def test_a_zero_keeps_the_proportions(width, height, expected):
    scaled = transforms.image_scale(
        image=gradient(30, 60), upscale_method="area", width=width, height=height, crop="disabled"
    )

    assert size(scaled) == expected


def test_centre_crop_trims_the_longer_side():
    scaled = transforms.image_scale(
        image=gradient(10, 30), upscale_method="nearest-exact", width=10, height=10, crop="center"
    )

    assert scaled[0, 0, :, 0].mul(100).round().tolist() == list(range(10, 20))


def test_scaling_to_megapixels_and_to_the_longest_side_keeps_proportions():
    to_pixels = transforms.image_scale_to_total_pixels(image=gradient(100, 400), upscale_method="area", megapixels=0.01)
    tall = transforms.image_scale_to_max_dimension(image=gradient(400, 100), upscale_method="area", largest_size=40)
    wide = transforms.image_scale_to_max_dimension(image=gradient(30, 60), upscale_method="area", largest_size=20)

    assert size(to_pixels) == (51, 205)
    assert (size(tall), size(wide)) == ((40, 10), (10, 20))


def test_an_image_is_fitted_into_a_frame():
    framed = transforms.resize_and_pad_image(
        image=torch.full((1, 10, 20, 3), 0.5),
        target_width=20,
        target_height=20,
        padding_color="white",
        interpolation="area",
    )

    assert framed[0, :, 0, 0].tolist() == [1.0] * 5 + [0.5] * 10 + [1.0] * 5


def test_a_crop_stays_inside_the_picture():
    inside = transforms.image_crop(image=gradient(10, 10), width=3, height=2, x=4, y=5)
    beyond = transforms.image_crop(image=gradient(10, 10), width=5, height=5, x=99, y=8)

    assert (size(inside), inside[0, 0, 0, :2].mul(100).round().tolist()) == ((2, 3), [4, 5])
    assert (size(beyond), beyond[0, 0, 0, :2].mul(100).round().tolist()) == ((2, 1), [9, 8])


def test_flips_and_turns_move_the_corners():
    image = gradient(2, 3)

    def corner(turned):
        return turned[0, 0, 0, :2].mul(100).round().tolist()

    assert corner(transforms.image_flip(image=image, flip_method="x-axis: vertically")) == [0, 1]
    assert corner(transforms.image_flip(image=image, flip_method="y-axis: horizontally")) == [2, 0]
    turned = [transforms.image_rotate(image=image, rotation=each) for each in transforms.ROTATIONS]
    assert [corner(each) for each in turned] == [[0, 0], [0, 1], [2, 1], [2, 0]]
    assert [size(each) for each in turned] == [(2, 3), (3, 2), (2, 3), (3, 2)]


def test_a_border_for_outpainting_is_grey_and_marked_and_fades_into_the_picture():
    padded = transforms.image_pad_for_outpaint(
        image=torch.zeros(2, 20, 30, 3), left=8, top=0, right=0, bottom=16, feathering=4
    )

    assert padded.IMAGE.shape == (2, 36, 38, 3) and padded.MASK.shape == (1, 36, 38)
    assert padded.IMAGE[0, 0, 0].tolist() == [0.5] * 3 and padded.IMAGE[0, 0, 8].tolist() == [0] * 3
    assert padded.MASK[0, 5, 6:14].tolist() == [1, 1, 1, 0.5625, 0.25, 0.0625, 0, 0]
    assert padded.MASK[0, 0, 37] == 0, "sides that did not grow do not fade"


def test_feathering_wider_than_half_the_picture_is_left_out():
    padded = transforms.image_pad_for_outpaint(image=torch.zeros(1, 8, 8, 3), left=8, feathering=4)

    assert padded.MASK[0, :, 8:].max() == 0


@pytest.mark.parametrize(("direction", "first"), [("right", 0.0), ("left", 1.0), ("down", 0.0), ("up", 1.0)])
def test_images_are_stitched_on_the_chosen_side(direction, first):
    stitched = transforms.image_stitch(
        image1=torch.zeros(1, 4, 4, 3), image2=torch.ones(1, 8, 8, 3), direction=direction
    )

    assert size(stitched) == ((4, 8) if direction in ("right", "left") else (8, 4))
    assert stitched[0, 0, 0, 0] == first


def test_stitched_images_have_a_gap_of_their_colour_and_are_padded_when_they_keep_their_size():
    stitched = transforms.image_stitch(
        image1=torch.zeros(1, 2, 2, 3),
        image2=torch.full((2, 6, 2, 3), 0.5),
        match_image_size=False,
        spacing_width=3,
        spacing_color="red",
    )

    assert stitched.shape == (2, 6, 8, 3), "odd gaps are made even; the shorter batch is repeated"
    assert stitched[1, 0, 2:6].tolist() == [[1, 0, 0]] * 4
    white = transforms.image_stitch(
        image1=torch.zeros(1, 2, 2, 3), image2=torch.zeros(1, 6, 2, 3), match_image_size=False
    )
    assert white[0, :, 0, 0].tolist() == [1, 1, 0, 0, 1, 1]


def test_without_a_second_image_the_first_is_passed_on():
    image = gradient(2, 2)

    assert transforms.image_stitch(image1=image) is image


def test_kontext_sizes_are_chosen_by_proportion():
    assert size(transforms.flux_kontext_image_scale(image=gradient(100, 100))) == (1024, 1024)
    assert size(transforms.flux_kontext_image_scale(image=gradient(50, 120))) == (672, 1568)
