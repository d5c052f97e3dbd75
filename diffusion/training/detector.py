"""Reads shape and colours from the pixels of a picture, by rules; nothing here is learnt.

Background: the colour of the border. Object: the largest connected patch that differs from the
background. Colours get their names from hue, saturation and value; the shape is the outline that
covers the patch best, and clearly better than any other, by intersection over union inside the
patch's bounding box. Independent of the code that draws the training pictures.
"""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]  # [height, width, 3]
Mask = NDArray[np.bool_]  # [height, width]

DIFFERENT = 60.0  # RGB distance (0..441) from which a pixel is not background
EVEN = 0.85  # share of border or object that must have its one colour
WHOLE = 0.9  # share of all differing pixels that the object must hold
LEAST_AREA = 0.01  # of the picture
LEAST_OVERLAP = 0.72  # intersection over union with the best fitting outline
LEAST_MARGIN = 0.08  # of the best fitting outline over the second
GRID = 96


@dataclass(frozen=True, slots=True)
class Reading:
    """What a picture shows; None where it shows nothing certain."""

    background: str | None
    colour: str | None
    shape: str | None
    overlap: float = 0.0


def colour_name(rgb: NDArray[np.floating] | tuple[float, float, float]) -> str | None:
    """Name an sRGB colour (0..255), or None between the names."""
    red, green, blue = (float(channel) / 255 for channel in rgb)
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.25:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.85 else None
    if saturation < 0.45 or value < 0.4:
        return None
    degrees = hue * 360
    spans = (
        ("red", 0, 14), ("orange", 18, 40), ("yellow", 43, 64), ("green", 95, 165),
        ("blue", 205, 245), ("purple", 262, 305), ("red", 345, 360),
    )  # fmt: skip
    return next((name for name, low, high in spans if low <= degrees <= high), None)


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One object of a picture, and the middle of its patch as (x, y) in pixels."""

    colour: str | None
    shape: str | None
    overlap: float
    middle: tuple[float, float]


def read_picture(image: Image.Image) -> Reading:
    """Read a picture of one shape on a plain background."""
    background, objects = read_objects(image, 1)
    if not objects:
        return Reading(background, None, None)
    return Reading(background, objects[0].colour, objects[0].shape, objects[0].overlap)


def read_objects(image: Image.Image, count: int) -> tuple[str | None, tuple[SeenObject, ...]]:
    """Read the background and `count` objects, largest first; no objects if there are fewer or more."""
    pixels = np.asarray(image.convert("RGB"))
    border = _border(pixels)
    backdrop = np.median(border, axis=0)
    if np.mean(_distance(border, backdrop) < DIFFERENT) < EVEN:
        return None, ()
    background = colour_name(backdrop)
    differing = _distance(pixels, backdrop) >= DIFFERENT / 2
    rest, patches = differing, []
    for _ in range(count):
        patch = largest_patch(rest)
        if patch is None or patch.mean() < LEAST_AREA:
            return background, ()
        patches.append(patch)
        rest = rest & ~patch
    if rest.sum() > (1 - WHOLE) * differing.sum():
        return background, ()
    return background, tuple(_read_object(pixels, backdrop, patch) for patch in patches)


def _read_object(pixels: Pixels, backdrop: NDArray[np.floating], patch: Mask) -> SeenObject:
    inside = pixels[_eroded(patch)] if _eroded(patch).any() else pixels[patch]
    fill = np.median(inside, axis=0)
    colour = colour_name(fill) if np.mean(_distance(inside, fill) < DIFFERENT) >= EVEN else None
    nearer = patch & (_distance(pixels, fill) < _distance(pixels, backdrop))
    shape, overlap = shape_of(nearer if nearer.any() else patch)
    rows, columns = np.nonzero(patch)
    return SeenObject(colour, shape, overlap, (float(columns.mean()), float(rows.mean())))


def shape_of(patch: Mask) -> tuple[str | None, float]:
    """Return the best fitting shape's name and its intersection over union with the patch."""
    rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    box = patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if not 0.7 < box.shape[0] / box.shape[1] < 1.45:
        return None, 0.0
    seen = np.asarray(Image.fromarray(box).resize((GRID, GRID), Image.Resampling.NEAREST))
    overlaps = {name: float((seen & mask).sum() / (seen | mask).sum()) for name, mask in _outlines().items()}
    second, best = sorted(overlaps, key=lambda name: overlaps[name])[-2:]
    certain = overlaps[best] >= LEAST_OVERLAP and overlaps[best] - overlaps[second] >= LEAST_MARGIN
    return (best if certain else None), overlaps[best]


def largest_patch(mask: Mask) -> Mask | None:
    """Return the largest connected part of a mask, or None if the mask is empty."""
    left = Image.fromarray(mask.astype(np.uint8)).copy()  # a picture over an array is read-only
    best: Mask | None = None
    while (rest := np.asarray(left) == 1).any():
        if best is not None and rest.sum() <= best.sum():
            break
        row, column = np.argwhere(rest)[0]
        ImageDraw.floodfill(left, (int(column), int(row)), 2)
        filled = np.asarray(left) == 2
        if best is None or filled.sum() > best.sum():
            best = filled
        left = Image.fromarray(np.where(filled, 0, np.asarray(left)).astype(np.uint8)).copy()
    return best


def _border(pixels: Pixels) -> NDArray[np.uint8]:
    width = max(1, min(pixels.shape[:2]) // 32)
    edge = np.ones(pixels.shape[:2], dtype=bool)
    edge[width:-width, width:-width] = False
    return pixels[edge]


def _distance(pixels: NDArray[np.generic], colour: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.sqrt(((pixels.astype(np.float64) - colour) ** 2).sum(axis=-1))


def _eroded(mask: Mask) -> Mask:
    result = mask.copy()
    for _ in range(2):
        padded = np.pad(result, 1)
        result = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return result


@cache
def _outlines() -> dict[str, Mask]:
    """Return the six shapes as masks that fill a square box, x to the right and y down in -1..1."""
    axis = (np.arange(GRID) + 0.5) / GRID * 2 - 1
    x, y = np.meshgrid(axis, axis)
    return {name: test(x, y) for name, test in _TESTS.items()}


def _is_star(x: NDArray[np.floating], y: NDArray[np.floating]) -> Mask:
    # A pentagram, stretched so that its points touch the box; x and y are the grid's own.
    turns = np.pi / 5 * np.arange(10)
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.4)
    across, down = radii * np.sin(turns), -radii * np.cos(turns)
    columns, rows = ((c - c.min()) / np.ptp(c) * (len(x) - 1) for c in (across, down))
    canvas = Image.new("L", x.shape[::-1])
    ImageDraw.Draw(canvas).polygon(list(zip(columns.tolist(), rows.tolist(), strict=True)), fill=1)
    return np.asarray(canvas) == 1


def _is_heart(x: NDArray[np.floating], y: NDArray[np.floating]) -> Mask:
    # The sextic (x² + y² - 1)³ = x² y³, scaled to fill the box.
    across, up = x * 1.139, 1.118 * -y + 0.118
    return (across**2 + up**2 - 1) ** 3 <= across**2 * up**3


_TESTS: dict[str, Callable[[NDArray[np.floating], NDArray[np.floating]], Mask]] = {
    "circle": lambda x, y: x**2 + y**2 <= 1,
    "square": lambda x, y: np.ones_like(x, dtype=bool),
    "triangle": lambda x, y: np.abs(x) <= (y + 1) / 2,
    "diamond": lambda x, y: np.abs(x) + np.abs(y) <= 1,
    "star": _is_star,
    "heart": _is_heart,
}
