"""What U-Nets with further input channels are given."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.families.family import Scene
from diffusion.families.sdxl import SdxlFamily
from diffusion.families.unet import UNetFamily
from diffusion.latents import SD1, SDXL

NOISE = torch.zeros(2, 4, 8, 8)
PICTURE = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))


def joined(channels: int, options: dict[str, Any], latent: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
    family = UNetFamily("sd1", SD1, channels, 768)
    return family.inputs(torch.zeros(1, 77, 768), options, Scene(NOISE, latent, mask, False))["concat"]


def test_a_model_that_edits_sees_the_picture_unscaled() -> None:
    assert torch.equal(joined(8, {"concat_latent_image": PICTURE}), PICTURE.expand(2, 4, 8, 8))


def test_cosxl_sees_the_picture_to_edit_as_it_sees_its_latent() -> None:
    family = SdxlFamily("sdxl", SDXL, 8, 2048, 1280, refiner=False, scales_picture=True)

    found = family.inputs(torch.zeros(1, 77, 2048), {"concat_latent_image": PICTURE}, Scene(NOISE, None, None, False))

    torch.testing.assert_close(found["concat"], (PICTURE * 0.13025).expand(2, 4, 8, 8))


def test_a_model_that_edits_sees_nothing_without_a_picture() -> None:
    assert not joined(8, {}, latent=PICTURE).any()


def test_a_model_that_repaints_sees_the_rounded_mask_and_the_scaled_picture() -> None:
    mask = torch.full((1, 1, 64, 64), 0.7)

    found = joined(9, {"concat_latent_image": PICTURE, "concat_mask": mask})

    assert torch.equal(found[:, :1], torch.ones(2, 1, 8, 8))
    assert torch.allclose(found[:, 1:], SD1.to_network(PICTURE).expand(2, 4, 8, 8))


def test_a_model_that_repaints_takes_the_masks_of_the_run_where_it_was_told_nothing() -> None:
    found = joined(9, {}, latent=PICTURE, mask=torch.zeros(1, 1, 8, 8))

    assert not found[:, :1].any()
    assert torch.equal(found[:, 1:], PICTURE.expand(2, 4, 8, 8))


def test_a_model_that_repaints_sees_grey_everywhere_without_a_mask() -> None:
    found = joined(9, {"concat_latent_image": PICTURE})

    assert torch.equal(found[:, :1], torch.ones(2, 1, 8, 8))
    assert torch.allclose(found[0, 1:, 0, 0], torch.tensor([0.8223, -0.6876, 0.6364, 0.1380]))


def test_each_member_of_a_batch_is_told_its_own_mask() -> None:
    mask = torch.stack([torch.zeros(4, 8, 8), torch.ones(4, 8, 8)])

    found = joined(9, {}, latent=PICTURE, mask=mask)

    assert not found[0, 0].any()
    assert found[1, 0].all()


def test_a_longer_batch_repeats_neighbours_and_a_shorter_one_keeps_both_ends() -> None:
    pictures = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 4, 8, 8)
    family = UNetFamily("sd1", SD1, 8, 768)

    def told(batch: int) -> list[float]:
        scene = Scene(torch.zeros(batch, 4, 8, 8), None, None, False)
        found = family.inputs(torch.zeros(1, 77, 768), {"concat_latent_image": pictures}, scene)["concat"]
        return found[:, 0, 0, 0].tolist()

    assert told(6) == [0, 0, 1, 1, 2, 2]
    assert told(2) == [0, 2]
    assert told(1) == [0]
