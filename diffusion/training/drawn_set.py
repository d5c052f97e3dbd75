"""The training set on disk: drawn pictures, their caption tokens, and their latents.

Everything lies in memory-mapped ``.npy`` files in one folder. Each picture has its own random
stream (seed, index), so a file that was cut short continues where it stopped.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL

from diffusion.training.captions import random_subject
from diffusion.training.flat_pictures import SIZE
from diffusion.training.vocabulary import LENGTH, Vocabulary

CAPTIONS_EACH = 3
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DrawnSet:
    """`count` pictures drawn from `seed`, kept in `folder`."""

    folder: Path
    count: int
    seed: int

    @property
    def pictures_file(self) -> Path:
        """uint8 [count, 128, 128, 3]."""
        return self.folder / "pictures.npy"

    @property
    def tokens_file(self) -> Path:
        """uint16 [count, 3, 77]: three captions a picture."""
        return self.folder / "tokens.npy"

    @property
    def latents_file(self) -> Path:
        """float16 [count, 4, 16, 16]: means of the autoencoder's posterior, scaled to unit variance."""
        return self.folder / "latents.npy"

    def random(self, index: int) -> Random:
        """Return the random stream of one picture."""
        return Random(self.seed * 10_000_000 + index)

    def draw(self, vocabulary: Vocabulary, report: Report) -> None:
        """Draw what is not drawn yet, and tokenise its captions."""
        pictures = _open(self.pictures_file, np.uint8, (self.count, SIZE, SIZE, 3))
        tokens = _open(self.tokens_file, np.uint16, (self.count, CAPTIONS_EACH, LENGTH))
        for start in _remaining(self.pictures_file, self.count):
            stop = min(start + CHUNK, self.count)
            captions = []
            for index in range(start, stop):
                random = self.random(index)
                subject = random_subject(random)
                pictures[index] = np.asarray(subject.draw())
                captions += [subject.caption(random) for _ in range(CAPTIONS_EACH)]
            tokens[start:stop] = np.array(vocabulary.encode(captions)).reshape(-1, CAPTIONS_EACH, LENGTH)
            pictures.flush()
            tokens.flush()
            _note(self.pictures_file, stop)
            report(stop, self.count)

    @torch.no_grad()
    def encode(self, vae: AutoencoderKL, report: Report) -> None:
        """Encode what is not encoded yet with a finished autoencoder."""
        pictures = np.load(self.pictures_file, mmap_mode="r")
        shape = (self.count, vae.config.latent_channels, SIZE // 8, SIZE // 8)
        latents = _open(self.latents_file, np.float16, shape)
        for start in _remaining(self.latents_file, self.count):
            stop = min(start + CHUNK, self.count)
            for low in range(start, stop, 32):
                high = min(low + 32, stop)
                mean = vae.encode(as_images(pictures[low:high])).latent_dist.mean
                latents[low:high] = (mean * vae.config.scaling_factor).float().numpy()
            latents.flush()
            _note(self.latents_file, stop)
            report(stop, self.count)


CHUNK = 1024


def as_images(pictures: np.ndarray) -> torch.Tensor:
    """Turn uint8 [batch, height, width, 3] into float [batch, 3, height, width] in -1..1."""
    images = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float()
    return images.div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def _done_file(path: Path) -> Path:
    return path.with_suffix(".done.json")


def _remaining(path: Path, count: int) -> range:
    done_file = _done_file(path)
    done = json.loads(done_file.read_text())["done"] if done_file.exists() else 0
    return range(done, count, CHUNK)


def _note(path: Path, done: int) -> None:
    temporary = _done_file(path).with_suffix(".tmp")
    temporary.write_text(json.dumps({"done": done}))
    os.replace(temporary, _done_file(path))


def _open(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _done_file(path).unlink(missing_ok=True)
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    array = np.lib.format.open_memmap(path, mode="r+")
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise ValueError(
            f"{path} holds {array.dtype} {array.shape}, but these settings need {np.dtype(dtype)} {shape}: "
            f"use another --out folder or delete the file"
        )
    return array
