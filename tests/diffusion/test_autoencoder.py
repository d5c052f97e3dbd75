"""Pictures and latents."""

from __future__ import annotations

import pytest
import torch

from diffusion.autoencoder import tiled
from diffusion.errors import SamplingError
from diffusion.inpainting import condition_on_masked, encode_for_inpainting, greyed
from diffusion.latents import SD3, fit_basis, preview
from diffusion.loading import Checkpoint


def test_sides_are_cut_centred_to_whole_cells(tiny: Checkpoint) -> None:
    image = torch.rand(1, 35, 50, 3)

    assert torch.equal(tiny.vae.encode(image), tiny.vae.encode(image[:, 1:33, 1:49]))  # type: ignore[union-attr]


def test_encoding_repeats_itself_and_takes_any_channel_beyond_three_away(tiny: Checkpoint) -> None:
    image = torch.rand(1, 32, 32, 4)

    assert torch.equal(tiny.vae.encode(image), tiny.vae.encode(image[..., :3]))  # type: ignore[union-attr]


def test_decoded_pictures_lie_between_black_and_white(tiny: Checkpoint) -> None:
    image = tiny.vae.decode(torch.randn(2, 4, 3, 5) * 50)  # type: ignore[union-attr]

    assert image.shape == (2, 24, 40, 3)
    assert image.dtype == torch.float32
    assert 0.0 <= float(image.min()) <= float(image.max()) <= 1.0


def test_a_latent_of_another_family_is_refused(tiny: Checkpoint) -> None:
    with pytest.raises(SamplingError, match="reads latents of 4 channels, the latent has 16"):
        tiny.vae.decode(torch.zeros(1, 16, 2, 2))  # type: ignore[union-attr]
    with pytest.raises(SamplingError, match="7×40 pixels is too small"):
        tiny.vae.encode(torch.zeros(1, 40, 7, 3))  # type: ignore[union-attr]


def test_tiles_blend_to_the_whole_where_nothing_looks_around() -> None:
    x = torch.randn(2, 3, 40, 56)
    found = tiled(x, lambda part: part.repeat_interleave(2, -1).repeat_interleave(2, -2) * 3, (16, 24), 4, 2)

    assert torch.allclose(found, x.repeat_interleave(2, -1).repeat_interleave(2, -2) * 3, atol=1e-5)


def test_decoding_in_tiles_stays_near_the_whole(tiny: Checkpoint) -> None:
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(2))
    whole, parts = tiny.vae.decode(latent), tiny.vae.decode_tiled(latent, (12, 12), 4)  # type: ignore[union-attr]

    assert parts.shape == whole.shape
    assert (whole - parts).abs().mean() < 0.1


def test_masked_pixels_turn_grey_and_the_mask_grows(tiny: Checkpoint) -> None:
    image, mask = torch.rand(1, 32, 32, 3), torch.zeros(1, 32, 32)
    mask[:, 10:20, 10:20] = 1.0
    latent = encode_for_inpainting(tiny.vae, image, mask, 6)  # type: ignore[arg-type]

    assert (greyed(image, mask[:, None])[:, 10:20, 10:20] == 0.5).all()
    assert latent["noise_mask"].shape == (1, 1, 32, 32)
    assert latent["noise_mask"][0, 0, 8:23, 8:23].sum() > 15 * 14
    assert latent["noise_mask"].sum() < 17 * 17


def test_inpainting_networks_are_told_mask_and_masked_picture(tiny: Checkpoint) -> None:
    image, mask = torch.rand(1, 32, 32, 3), torch.zeros(1, 32, 32)
    prompt = tiny.clip.encode("a")  # type: ignore[union-attr]
    positive, _, latent = condition_on_masked(tiny.vae, image, mask, prompt, prompt, noise_mask=True)  # type: ignore[arg-type]

    assert set(positive[0][1]) >= {"concat_latent_image", "concat_mask"}
    assert "concat_mask" not in prompt[0][1]
    assert torch.equal(latent["samples"], tiny.vae.encode(image))  # type: ignore[union-attr]


def test_a_preview_has_one_pixel_a_cell(tiny: Checkpoint) -> None:
    picture = preview(torch.randn(2, 4, 6, 9), tiny.model)

    assert picture.size == (9, 6)
    assert picture.mode == "RGB"


def test_a_preview_basis_is_found_by_least_squares() -> None:
    true = torch.randn(5, 3)
    latents = torch.randn(2, 5, 6, 6)
    images = torch.einsum("bchw,cr->brhw", latents, true) + 0.25
    basis, bias = fit_basis(latents, images)

    assert torch.allclose(torch.tensor(basis), true, atol=1e-4)
    assert bias == pytest.approx((0.25, 0.25, 0.25), abs=1e-4)


def test_network_space_and_autoencoder_space_are_inverse() -> None:
    latent = torch.randn(1, 16, 2, 2)

    assert torch.allclose(SD3.from_network(SD3.to_network(latent)), latent, atol=1e-6)
