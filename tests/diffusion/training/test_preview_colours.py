"""What a preview shows before anything is decoded."""

from pathlib import Path

import pytest
import torch

from diffusion.embedded import __path__ as shipped
from diffusion.latents import preview
from diffusion.loading import load_checkpoint
from diffusion.training.preview_colours import preview_colours


@pytest.fixture(scope="module")
def checkpoint():
    torch.set_num_threads(1)
    return load_checkpoint(Path(shipped[0]) / "heddle-shapes-128.safetensors")


def test_the_shipped_model_previews_in_the_colours_it_decodes(checkpoint) -> None:
    red_on_blue = torch.zeros(1, 128, 128, 3)
    red_on_blue[..., 2] = 0.85
    red_on_blue[:, 40:88, 40:88] = torch.tensor([0.85, 0.1, 0.1])

    latent = checkpoint.vae.encode(red_on_blue)
    picture = preview(checkpoint.model.latent_format.to_network(latent), checkpoint.model)

    middle, corner = picture.getpixel((8, 8)), picture.getpixel((1, 1))
    assert middle[0] > middle[2] + 60, f"the middle should be red, is {middle}"
    assert corner[2] > corner[0] + 60, f"the corner should be blue, is {corner}"


def test_the_fit_is_the_same_every_time_and_has_a_row_for_each_channel() -> None:
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    ).eval()  # fmt: skip

    first, second = preview_colours(vae, 0.18215), preview_colours(vae, 0.18215)

    assert first == second
    assert [len(row) for row in first["factors"]] == [3, 3, 3, 3]
    assert len(first["bias"]) == 3


def test_a_channel_that_carries_nothing_does_not_spoil_the_fit() -> None:
    from diffusion.latents import fit_basis

    torch.manual_seed(0)
    latents = torch.randn(2, 4, 8, 8)
    latents[:, 0] = 0
    images = latents[:, 1:]

    basis, bias = fit_basis(latents, images)

    assert torch.allclose(torch.tensor(basis), torch.cat([torch.zeros(1, 3), torch.eye(3)]), atol=1e-5)
    assert torch.allclose(torch.tensor(bias), torch.zeros(3), atol=1e-5)
