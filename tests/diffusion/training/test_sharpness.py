"""Sharpness measures tell drawn pictures from blurred and from stained ones."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from diffusion.training.flat_pictures import FlatPicture, PlacedShape, draw_flat
from diffusion.training.sharpness import measure

DRAWN = draw_flat(FlatPicture("blue", (PlacedShape("red", "circle", (64.0, 64.0), 36.0),)))


def test_a_drawn_picture_has_narrow_edges_and_even_areas():
    found = measure(DRAWN, "red", "blue")

    assert found.edge_width < 1.0
    assert found.unevenness < 0.5


def test_blur_widens_edges_and_leaves_areas_even():
    widths = [measure(DRAWN.filter(ImageFilter.GaussianBlur(r)), "red", "blue").edge_width for r in (0, 1, 2)]

    assert widths[0] < widths[1] < widths[2]
    assert widths[2] == pytest.approx(2 * 1.2816 * 2, rel=0.15), "10 to 90 % of a Gaussian edge of deviation 2"


def test_stains_are_uneven_and_do_not_widen_edges():
    pixels = np.array(DRAWN)
    pixels[:20, :20] = (40, 120, 180)

    stained = measure(Image.fromarray(pixels), "red", "blue")

    assert stained.unevenness > 1.0
    assert stained.edge_width == pytest.approx(measure(DRAWN, "red", "blue").edge_width, abs=0.05)


def test_without_the_object_there_is_no_edge():
    assert measure(Image.new("RGB", (32, 32), (0, 0, 255)), "red", "blue") is None
