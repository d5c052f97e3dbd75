"""Pictures that were small before they got their size: what low original sizes and scores look like.

A part of the drawn set is shrunk and enlarged again, as pictures of low resolution are before they enter the
training set of a large model, and encoded. SDXL is told the original size of every picture, its refiner a score
of how good it looks; without such examples both numbers would mean nothing.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

from diffusion.training.drawn_set import DrawnSet, Report, as_images
from diffusion.training.flat_pictures import SIZE

SMALLEST, LARGEST = 28, 104  # pixels a side before enlarging
PART = 256


@dataclass(frozen=True, slots=True)
class SoftPictures:
    """The first `count` pictures of a drawn set, made soft; lies in the set's folder."""

    drawn: DrawnSet
    count: int = 4096

    @property
    def latents_file(self) -> Path:
        """float16 [count, 4, 16, 16], scaled as the drawn set's."""
        return self.drawn.folder / "soft_latents.npy"

    @property
    def _done_file(self) -> Path:
        return self.latents_file.with_suffix(".done.json")

    def sizes(self) -> np.ndarray:
        """Return the side in pixels that each picture had, int64 [count]."""
        return np.random.default_rng((self.drawn.seed, SIZE)).integers(SMALLEST, LARGEST + 1, self.count)

    @torch.no_grad()
    def encode(self, vae: AutoencoderKL, report: Report) -> None:
        """Make and encode what is not there yet."""
        shape = (self.count, vae.config.latent_channels, SIZE // 8, SIZE // 8)
        done = json.loads(self._done_file.read_text())["done"] if self._done_file.exists() else 0
        mode = "r+" if done else "w+"
        latents = np.lib.format.open_memmap(self.latents_file, mode=mode, dtype=np.float16, shape=shape)
        pictures = np.load(self.drawn.pictures_file, mmap_mode="r")
        sizes = self.sizes()
        for start in range(done, self.count, PART):
            stop = min(start + PART, self.count)
            for low in range(start, stop, 32):
                high = min(low + 32, stop)
                soft = np.stack([soften(pictures[index], int(sizes[index])) for index in range(low, high)])
                mean = vae.encode(as_images(soft)).latent_dist.mean
                latents[low:high] = (mean * vae.config.scaling_factor).float().numpy()
            latents.flush()
            temporary = self._done_file.with_suffix(".tmp")
            temporary.write_text(json.dumps({"done": stop}))
            os.replace(temporary, self._done_file)
            report(stop, self.count)


def soften(picture: np.ndarray, size: int) -> np.ndarray:
    """Shrink a picture, uint8 [height, width, 3], to `size` pixels a side and enlarge it again."""
    small = Image.fromarray(picture).resize((size, size), Image.Resampling.BOX)
    return np.asarray(small.resize(picture.shape[1::-1], Image.Resampling.BILINEAR))
