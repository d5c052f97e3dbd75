"""Pictures that videos and views start from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.vision.start import Start, around, start_of, turned


class Encoder:
    """Says how bright a picture is."""

    def encode_image(self, image: Tensor) -> Any:
        return SimpleNamespace(image_embeds=image.mean(dim=(1, 2, 3))[:, None].repeat(1, 5))


class Pixels:
    """An autoencoder that keeps the picture as it is."""

    def encode(self, image: Tensor) -> Tensor:
        return image.movedim(-1, 1)


def start(image: Tensor, width: int = 8, height: int = 6, noise: float = 0.0) -> Start:
    return start_of(Encoder(), Pixels(), image, width, height, noise)  # type: ignore[arg-type]


def test_a_picture_is_seen_whole_and_its_latent_is_cut_to_the_proportions_of_the_video() -> None:
    image = torch.zeros(1, 6, 16, 4)
    image[:, :, 4:12, :3] = 1.0

    found = start(image)

    assert found.seen.shape == (1, 1, 5) and float(found.seen[0, 0, 0]) == pytest.approx(0.5 * 0.75)
    assert found.latent.shape == (1, 3, 6, 8) and bool((found.latent == 1).all())


def test_noise_on_the_picture_is_always_the_same_and_only_on_the_latent() -> None:
    image = torch.rand(1, 6, 8, 3)

    clean, noisy, again = start(image), start(image, noise=0.5), start(image, noise=0.5)

    assert torch.equal(noisy.latent, again.latent) and torch.equal(noisy.seen, clean.seen)
    assert float((noisy.latent - clean.latent).std()) == pytest.approx(0.5, rel=0.15)


def test_guidance_compares_with_no_picture_at_all() -> None:
    found = Start(torch.ones(1, 1, 5), torch.ones(1, 4, 2, 2))

    ((positive, shown),), ((negative, hidden),) = found.conditioning({"fps": 6})

    assert bool(positive.all()) and bool(shown["concat_latent_image"].all()) and shown["fps"] == hidden["fps"] == 6
    assert not negative.any() and not hidden["concat_latent_image"].any()


def test_a_circle_of_views_ends_where_it_began() -> None:
    found = around(5, 10.0)

    assert found == {"elevation": [10.0] * 5, "azimuth": [0.0, 90.0, 180.0, 270.0, 360.0]}
    assert around(1, 0.0)["azimuth"] == [0.0]


def test_a_turn_is_told_as_angles_after_the_encoded_picture() -> None:
    found = turned(torch.ones(1, 2, 5), [(30.0, 90.0), (0.0, 0.0)])

    assert found.shape == (2, 2, 9) and bool((found[..., :5] == 1).all())
    half = torch.pi / 2
    torch.testing.assert_close(found[0, 1, 5:], torch.tensor([-torch.pi / 6, 1.0, 0.0, half]), atol=1e-6, rtol=0)
    torch.testing.assert_close(found[1, 0, 5:], torch.tensor([0.0, 0.0, 1.0, half]), atol=1e-6, rtol=0)
