"""How sharp and how clean a picture of one shape is, measured on its pixels."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from diffusion.training.colours import COLOURS

EDGE = (0.1, 0.9)  # share of the way from the background's colour to the object's
NEAR = 5  # pixels from the edge that are not counted as even areas


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Measures of one picture.

    Attributes:
        edge_width: pixels across the edge that are neither background nor object; a picture as it was drawn has
            about 0.8, from antialiasing.
        unevenness: mean distance in RGB (0..441) of even areas from the colour they should have.
    """

    edge_width: float
    unevenness: float


def measure(picture: Image.Image, colour: str, background: str) -> Sharpness | None:
    """Measure a picture of one object; None where nothing of the object's colour is seen.

    Args:
        colour: name of the object's colour.
        background: name of the background's.
    """
    pixels = np.asarray(picture.convert("RGB")).astype(np.float64)
    behind, painted = (np.array(COLOURS[name], np.float64) for name in (background, colour))
    way = painted - behind
    share = (pixels - behind) @ way / (way @ way)  # 0 in the background, 1 in the object
    inside = share > 0.5
    length = _outline(inside)
    if length == 0:
        return None
    between = ((share > EDGE[0]) & (share < EDGE[1])) & _near(inside)
    even = ~_near(inside)
    expected = np.where(inside[:, :, None], painted, behind)
    distance = np.linalg.norm(pixels - expected, axis=-1)
    return Sharpness(float(between.sum() / length), float(distance[even].mean()) if even.any() else 0.0)


def _outline(inside: np.ndarray) -> float:
    """Length of an outline in pixels: steps between neighbours, as many as a slanted line has, times π/4."""
    steps = (inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()
    return float(steps) * np.pi / 4


def _near(inside: np.ndarray) -> np.ndarray:
    """Pixels at most `NEAR` steps from an edge."""
    padded = np.pad(inside, NEAR, mode="edge")
    height, width = inside.shape
    shifted = [
        padded[NEAR + down : NEAR + down + height, NEAR + right : NEAR + right + width]
        for down in range(-NEAR, NEAR + 1)
        for right in range(-NEAR, NEAR + 1)
    ]
    return np.any(shifted, axis=0) & ~np.all(shifted, axis=0)
