"""A picture that a video or another view starts from: encoded for the network's attention, and as a latent.

Source of the cameras: Voleti et al. 2024, arXiv:2403.12008 (SV3D); threestudio-project/threestudio,
`stable_zero123_guidance.py` (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion.autoencoder import Autoencoder
from diffusion.resize import resize
from diffusion.vision.encoder import PictureEncoder

Pair = tuple[list[list[Any]], list[list[Any]]]  # positive and negative conditioning


@dataclass(frozen=True, slots=True)
class Start:
    """A picture, encoded twice.

    Attributes:
        seen: what the encoder of pictures says [1, pictures, width].
        latent: [pictures, channels, h, w], as the autoencoder gives it.
    """

    seen: Tensor
    latent: Tensor

    def conditioning(self, told: Mapping[str, Any], seen: Tensor | None = None) -> Pair:
        """Both sides of guidance: the picture, and nothing in its place.

        Args:
            told: what both sides are told besides.
            seen: in place of the picture's own encoding on the positive side.
        """
        positive = [self.seen if seen is None else seen, {**told, "concat_latent_image": self.latent}]
        negative = [torch.zeros_like(self.seen), {**told, "concat_latent_image": torch.zeros_like(self.latent)}]
        return [positive], [negative]


def start_of(
    encoder: PictureEncoder, autoencoder: Autoencoder, image: Tensor, width: int, height: int, noise: float = 0.0
) -> Start:
    """Encode the picture.

    Args:
        image: [pictures, h, w, channels] in 0..1.
        width, height: in pixels; for the latent the picture is cut, centred, to these proportions and resized.
        noise: deviation of noise on the picture that becomes the latent; always the same noise.
    """
    seen = encoder.encode_image(image).image_embeds.unsqueeze(0)
    pixels = resize(image[..., :3].movedim(-1, 1), width, height, "bilinear", "center").movedim(1, -1)
    if noise > 0:
        pixels = pixels + torch.randn(pixels.shape, generator=torch.Generator("cpu").manual_seed(0)) * noise
    return Start(seen, autoencoder.encode(pixels))


def around(views: int, elevation: float) -> dict[str, list[float]]:
    """Cameras on a circle around an object, at one height, from the front back to the front.

    Args:
        elevation: in degrees.
    """
    step = 360 / (max(views, 2) - 1)
    azimuths = [0.0]
    for _ in range(views - 1):
        azimuths.append(azimuths[-1] + step)
    return {"elevation": [elevation] * views, "azimuth": azimuths}


def turned(seen: Tensor, turns: Sequence[tuple[float, float]]) -> Tensor:
    """What Stable Zero123 is told: encoded pictures, each with the turn of the camera.

    Args:
        seen: [1, pictures, width].
        turns: elevation and azimuth in degrees, one for all, or one for each member of the batch.
    Returns:
        [turns, pictures, width + 4].
    """
    degrees = torch.tensor(turns, dtype=torch.float32)
    elevation, azimuth = degrees[:, 0], torch.deg2rad(degrees[:, 1])
    polar = torch.deg2rad((90.0 - elevation) - 90.0)
    front = torch.full_like(polar, math.pi / 2)
    numbers = torch.stack([polar, azimuth.sin(), azimuth.cos(), front], dim=-1)[:, None]
    return torch.cat([seen.repeat(len(turns), 1, 1), numbers.repeat(1, seen.shape[1], 1)], dim=-1)


__all__ = ["Pair", "Start", "around", "start_of", "turned"]
