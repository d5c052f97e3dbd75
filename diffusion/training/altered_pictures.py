"""Latents of drawn pictures that were altered before they were encoded."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from diffusion.training.drawn_set import DrawnSet, Report, as_images
from diffusion.training.flat_pictures import SIZE

PART = 256


@dataclass(frozen=True, slots=True)
class AlteredPictures:
    """The first `count` pictures of a drawn set, each changed by `alter`; lies in the set's folder.

    Attributes:
        name: of the file.
        alter: gets a picture, uint8 [128, 128, 3], and its index, and returns one of the same kind.
    """

    drawn: DrawnSet
    name: str
    count: int
    alter: Callable[[np.ndarray, int], np.ndarray]

    @property
    def latents_file(self) -> Path:
        """float16 [count, 4, 16, 16], scaled as the drawn set's."""
        return self.drawn.folder / f"{self.name}_latents.npy"

    @property
    def _done_file(self) -> Path:
        return self.latents_file.with_suffix(".done.json")

    @torch.no_grad()
    def encode(self, vae: AutoencoderKL, report: Report) -> None:
        """Make and encode what is not there yet."""
        shape = (self.count, vae.config.latent_channels, SIZE // 8, SIZE // 8)
        done = json.loads(self._done_file.read_text())["done"] if self._done_file.exists() else 0
        mode = "r+" if done else "w+"
        latents = np.lib.format.open_memmap(self.latents_file, mode=mode, dtype=np.float16, shape=shape)
        pictures = np.load(self.drawn.pictures_file, mmap_mode="r")
        for start in range(done, self.count, PART):
            stop = min(start + PART, self.count)
            for low in range(start, stop, 32):
                high = min(low + 32, stop)
                altered = np.stack([self.alter(pictures[index], index) for index in range(low, high)])
                mean = vae.encode(as_images(altered)).latent_dist.mean
                latents[low:high] = (mean * vae.config.scaling_factor).float().numpy()
            latents.flush()
            temporary = self._done_file.with_suffix(".tmp")
            temporary.write_text(json.dumps({"done": stop}))
            os.replace(temporary, self._done_file)
            report(stop, self.count)
