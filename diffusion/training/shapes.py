"""Outlines of the six shapes, and how one is painted on a supersampled canvas."""

from collections.abc import Callable
from math import cos, pi, sin

from PIL import ImageDraw

from diffusion.training.colours import Rgb

Point = tuple[float, float]


def circle() -> list[Point]:
    """Return the unit circle as a fine polygon."""
    return [(cos(2 * pi * k / 96), sin(2 * pi * k / 96)) for k in range(96)]


def square() -> list[Point]:
    """Return an upright square of half side 0.86, about as large to the eye as the unit circle."""
    return [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)]


def triangle() -> list[Point]:
    """Return a triangle with its point up."""
    return [(0.0, -1.0), (1.04, 0.84), (-1.04, 0.84)]


def star() -> list[Point]:
    """Return a five-pointed star with one point up."""
    radii = (1.1, 0.46)
    return [(radii[k % 2] * sin(pi * k / 5), 0.06 - radii[k % 2] * cos(pi * k / 5)) for k in range(10)]


def heart() -> list[Point]:
    """Return a heart, from the usual parametric curve (x = sin³t, y = a sum of cosines)."""
    points = []
    for k in range(96):
        t = 2 * pi * k / 96
        x = 16 * sin(t) ** 3
        y = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)
        points.append((x / 15.2, -(y + 2.5) / 15.2))
    return points


def diamond() -> list[Point]:
    """Return a square that stands on its corner, a little narrower than high."""
    return [(0.0, -1.16), (0.94, 0.0), (0.0, 1.16), (-0.94, 0.0)]


SHAPES: dict[str, Callable[[], list[Point]]] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "diamond": diamond,
}


def paint_shape(draw: ImageDraw.ImageDraw, shape: str, centre: Point, radius: float, fill: Rgb) -> None:
    """Fill one shape; `centre` and `radius` are in pixels of the canvas that `draw` paints."""
    x, y = centre
    draw.polygon([(x + radius * px, y + radius * py) for px, py in SHAPES[shape]()], fill=fill)
