"""The detector reads drawn pictures without a mistake, also spoilt ones, and sees what is wrong."""

from random import Random

import numpy as np
import pytest
from PIL import Image, ImageFilter

from diffusion.training.colours import COLOURS
from diffusion.training.combinations import Combination, all_combinations
from diffusion.training.detector import Reading, colour_name, largest_patch, read_picture
from diffusion.training.flat_pictures import draw_flat, random_pair, single

ALL = all_combinations()


def read_as_drawn(reading: Reading, combination: Combination) -> bool:
    return (reading.background, reading.colour, reading.shape) == (
        combination.background,
        combination.colour,
        combination.shape,
    )


@pytest.mark.parametrize("size_word", ["", "small", "large"])
def test_every_combination_is_read_as_it_was_drawn(size_word):
    random = Random(1)
    chosen = ALL if not size_word else ALL[::3]

    wrong = [c for c in chosen if not read_as_drawn(read_picture(draw_flat(single(c, random, size_word))), c)]

    assert wrong == []


def test_blurred_noisy_pictures_with_shifted_colours_are_read_as_they_were_drawn():
    random, noise = Random(2), np.random.default_rng(2)
    wrong = []
    for combination in ALL[::2]:
        soft = draw_flat(single(combination, random)).filter(ImageFilter.GaussianBlur(1.2))
        pixels = np.asarray(soft) + noise.normal(0, 5, (128, 128, 3)) + noise.uniform(-8, 8, 3)
        spoilt = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        if not read_as_drawn(read_picture(spoilt), combination):
            wrong.append(combination)

    assert wrong == []


def test_a_picture_without_an_object_has_neither_colour_nor_shape():
    assert read_picture(Image.new("RGB", (128, 128), COLOURS["green"])) == Reading("green", None, None)


def test_noise_is_nothing():
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)

    reading = read_picture(Image.fromarray(pixels))

    assert reading.shape is None
    assert reading.background is None


def test_two_objects_are_not_taken_for_one():
    random = Random(5)

    assert all(read_picture(draw_flat(random_pair(random))).shape is None for _ in range(20))


def test_half_a_shape_is_not_that_shape():
    image = draw_flat(single(Combination("red", "star", "white"), Random(0)))
    image.paste(COLOURS["white"], (0, 0, 64, 128))

    assert read_picture(image).shape != "star"


def test_an_object_of_two_colours_has_no_colour():
    image = draw_flat(single(Combination("red", "square", "white"), Random(0)))
    pixels = np.array(image)
    half = pixels[:64]
    half[(half == COLOURS["red"]).all(axis=-1)] = COLOURS["blue"]

    reading = read_picture(Image.fromarray(pixels))

    assert (reading.shape, reading.colour) == ("square", None)


@pytest.mark.parametrize("name", list(COLOURS))
def test_the_palette_bears_its_names(name):
    assert colour_name(COLOURS[name]) == name


@pytest.mark.parametrize("between", [(128, 128, 128), (222, 70, 90), (150, 60, 40), (0, 160, 170)])
def test_colours_between_the_names_have_none_or_a_near_one(between):
    assert colour_name(between) in (None, "red")


def test_the_largest_patch_is_found_and_an_empty_mask_has_none():
    mask = np.zeros((8, 8), dtype=bool)
    assert largest_patch(mask) is None
    mask[0, 0] = True
    mask[3:6, 3:6] = True

    patch = largest_patch(mask)

    assert patch is not None
    assert patch.sum() == 9
