"""Pictures that were small before they got their size: what low original sizes and scores look like.

A part of the drawn set is shrunk and enlarged again, as pictures of low resolution are before they enter the
training set of a large model. SDXL is told the original size of every picture, its refiner a score of how good it
looks; without such examples both numbers would mean nothing.
"""

import numpy as np
from PIL import Image

from diffusion.training.altered_pictures import AlteredPictures
from diffusion.training.drawn_set import DrawnSet
from diffusion.training.flat_pictures import SIZE

SMALLEST, LARGEST = 28, 104  # pixels a side before enlarging


def soft_sizes(drawn: DrawnSet, count: int) -> np.ndarray:
    """Return the side in pixels that each of the soft pictures had, int64 [count]."""
    return np.random.default_rng((drawn.seed, SIZE)).integers(SMALLEST, LARGEST + 1, count)


def soft_pictures(drawn: DrawnSet, count: int = 4096) -> AlteredPictures:
    """Return the first pictures of a drawn set, made soft."""
    sizes = soft_sizes(drawn, count)
    return AlteredPictures(drawn, "soft", count, lambda picture, index: soften(picture, int(sizes[index])))


def soften(picture: np.ndarray, size: int) -> np.ndarray:
    """Shrink a picture, uint8 [height, width, 3], to `size` pixels a side and enlarge it again."""
    small = Image.fromarray(picture).resize((size, size), Image.Resampling.BOX)
    return np.asarray(small.resize(picture.shape[1::-1], Image.Resampling.BILINEAR))
