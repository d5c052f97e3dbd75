"""Blending, blur, sharpening, palettes, edges and morphology give the numbers that they should."""

import math

import pytest
import torch

from nodes import image_effects as effects


def flat(value, height=3, width=3):
    return torch.full((1, height, width, 3), value)


@pytest.mark.parametrize(
    ("mode", "below", "above", "expected"),
    [
        ("normal", 0.2, 0.6, 0.6),
        ("multiply", 0.5, 0.6, 0.3),
        ("screen", 0.5, 0.6, 0.8),
        ("overlay", 0.25, 0.6, 0.3),
        ("overlay", 0.75, 0.6, 0.8),
        ("soft_light", 0.5, 0.25, 0.375),
        ("soft_light", 0.16, 0.75, 0.16 + 0.5 * (((16 * 0.16 - 12) * 0.16 + 4) * 0.16 - 0.16)),
        ("soft_light", 0.64, 0.75, 0.72),
        ("difference", 0.75, 0.25, 0.5),
        ("difference", 0.25, 0.75, 0.0),
    ],
)
def test_every_blend_mode_mixes_by_its_formula(mode, below, above, expected):
    blended = effects.image_blend(image1=flat(below), image2=flat(above), blend_factor=1.0, blend_mode=mode)

    torch.testing.assert_close(blended, flat(expected))


def test_the_blend_factor_goes_from_the_lower_image_to_the_mixture():
    blended = effects.image_blend(image1=flat(0.2), image2=flat(0.6), blend_factor=0.25, blend_mode="normal")

    torch.testing.assert_close(blended, flat(0.3))


def test_an_upper_image_of_another_size_and_with_alpha_is_fitted():
    above = torch.cat([flat(0.5, 8, 16), torch.ones(1, 8, 16, 1)], dim=-1)

    blended = effects.image_blend(image1=flat(0.0, 4, 4), image2=above, blend_factor=1.0, blend_mode="normal")

    torch.testing.assert_close(blended, flat(0.5, 4, 4))


def test_a_blurred_point_shows_the_bell_and_keeps_its_light():
    point = torch.zeros(1, 9, 9, 3)
    point[:, 4, 4] = 1

    blurred = effects.image_blur(image=point, blur_radius=2, sigma=1.0)

    weights = [math.exp(-(x**2) / 2) for x in (-1, -0.5, 0, 0.5, 1)]
    expected = torch.tensor(weights) / sum(weights)
    torch.testing.assert_close(blurred[0, 2:7, 2:7, 1], expected[:, None] * expected[None, :])
    assert blurred.sum() == pytest.approx(3.0, abs=1e-5)


def test_a_blur_wider_than_the_picture_mirrors_it_again_and_again():
    blurred = effects.image_blur(image=flat(0.3, 2, 5), blur_radius=31, sigma=10.0)

    torch.testing.assert_close(blurred, flat(0.3, 2, 5))


def test_sharpening_leaves_flat_areas_and_raises_a_step():
    step = torch.zeros(1, 5, 8, 3)
    step[:, :, 4:] = 0.5

    sharpened = effects.image_sharpen(image=step, sharpen_radius=1, sigma=1.0, alpha=0.1)

    torch.testing.assert_close(sharpened[0, 2, :3, 0], torch.zeros(3))
    torch.testing.assert_close(sharpened[0, 2, 6:, 0], torch.full((2,), 0.5))
    bell = [math.exp(-0.5), 1.0, math.exp(-0.5)]
    assert sharpened[0, 2, 4, 0] == pytest.approx(0.5 + 0.5 * bell[0] / sum(bell), abs=1e-5)
    assert sharpened[0, 2, 3, 0] == 0, "clamped"


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"])
def test_a_palette_has_at_most_its_colours(dither):
    ramp = torch.linspace(0, 1, 64).view(1, 1, 64, 1).expand(2, 16, 64, 3)

    reduced = effects.image_quantize(image=ramp, colors=4, dither=dither)

    assert reduced.shape == ramp.shape
    assert 2 <= len(reduced[0].reshape(-1, 3).unique(dim=0)) <= 4
    assert abs(float(reduced.mean()) - 0.5) < 0.05


def test_dithering_mixes_neighbours_where_plain_reduction_makes_bands():
    ramp = torch.linspace(0, 1, 64).view(1, 1, 64, 1).expand(1, 64, 64, 3)

    plain = effects.image_quantize(image=ramp, colors=4, dither="none")
    dithered = effects.image_quantize(image=ramp, colors=4, dither="bayer-4")

    assert float(plain.std(dim=1).max()) == 0
    assert float(dithered.std(dim=1).max()) > 0.05


def square(size=9, inner=3):
    image = torch.zeros(1, size, size, 3)
    at = (size - inner) // 2
    image[:, at : at + inner, at : at + inner] = 1
    return image


@pytest.mark.parametrize(
    ("operation", "lit"),
    [("erode", 1), ("dilate", 25), ("open", 9), ("close", 9), ("gradient", 24), ("top_hat", 0), ("bottom_hat", 0)],
)
def test_morphology_grows_and_shrinks_a_square(operation, lit):
    assert effects.morphology(image=square(), operation=operation, kernel_size=3)[..., 0].sum() == lit


def test_an_even_kernel_reaches_further_to_the_left_and_up():
    grown = effects.morphology(image=square(7, 1), operation="dilate", kernel_size=4)[0, :, :, 0]

    assert grown.nonzero().min(0).values.tolist() == [2, 2] and grown.nonzero().max(0).values.tolist() == [5, 5]


def test_canny_draws_a_thin_line_around_a_square_and_nothing_on_flat_areas():
    edges = effects.canny(image=square(31, 15), low_threshold=0.1, high_threshold=0.3)

    assert edges.unique().tolist() == [0, 1]
    assert edges[0, 15, 15].max() == 0 and edges[0, 2, 2].max() == 0
    row = edges[0, 15, :, 0].nonzero().flatten().tolist()
    assert len(row) == 2 and abs(row[0] - 7.5) <= 1 and abs(row[1] - 22.5) <= 1


def test_weak_edges_are_drawn_only_where_they_touch_strong_ones():
    ramp = torch.zeros(1, 16, 40, 3)
    ramp[:, :, 10:] = torch.linspace(0.12, 1, 16).view(16, 1, 1)

    assert effects.canny(image=ramp, low_threshold=0.1, high_threshold=0.3)[0, 3:13, 8:12].any(-1).any(-1).all()
    assert effects.canny(image=ramp * 0.05, low_threshold=0.1, high_threshold=0.3).max() == 0
