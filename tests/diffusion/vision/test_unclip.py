"""Encoded pictures as the vector of an unCLIP model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from diffusion.errors import SamplingError
from diffusion.families.family import sinusoid
from diffusion.families.unclip import UnclipFamily
from diffusion.loading import load_checkpoint
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import Kind
from diffusion.vision.unclip import NoiseAugmentation
from tests.diffusion.vision.test_encoder import clip, in_open_clip

PLAIN = NoiseAugmentation(torch.zeros(1, 4), torch.ones(1, 4), merge=0.05)


def picture(*values: float, strength: float = 1.0, noise: float = 0.0) -> dict[str, Any]:
    encoded = SimpleNamespace(image_embeds=torch.tensor([values]))
    return {"clip_vision_output": encoded, "strength": strength, "noise_augmentation": noise}


def test_a_picture_is_followed_by_its_noise_level_and_both_are_multiplied_by_its_strength() -> None:
    found = PLAIN.vector([picture(1, 2, 3, 4, strength=2.0)], seed=0)

    # the smallest level still has a little noise: the cosine schedule's first beta is 4.1e-5
    assert torch.allclose(found[:, :4], 2 * torch.tensor([[1.0, 2.0, 3.0, 4.0]]), atol=0.1)
    assert torch.equal(found[:, 4:], 2 * sinusoid(torch.tensor([0.0]), 4))


def test_the_noise_is_that_of_the_seed_ten_below() -> None:
    noise = torch.randn(1, 4, generator=torch.Generator().manual_seed(5))

    found = PLAIN.vector([picture(0, 0, 0, 0, noise=1.0)], seed=15)

    torch.testing.assert_close(found[:, :4], noise)  # at the last level there is nothing else
    assert torch.equal(found[:, 4:], sinusoid(torch.tensor([999.0]), 4))
    assert PLAIN.vector([picture(0, 0, 0, 0)], seed=0).isfinite().all()  # the seed below zero wraps


def test_noise_is_added_to_normalised_embeddings() -> None:
    augmentation = NoiseAugmentation(torch.full((1, 4), 3.0), torch.full((1, 4), 2.0))
    noise = torch.randn(1, 4, generator=torch.Generator().manual_seed(5))

    found = augmentation.vector([picture(3, 3, 3, 3, noise=1.0)], seed=15)

    torch.testing.assert_close(found[:, :4], 3 + 2 * noise)


def test_several_pictures_are_added_and_noised_once_more() -> None:
    found = PLAIN.vector([picture(1, 0, 0, 0), picture(0, 1, 0, 0, strength=0.5)], seed=15)

    generator = torch.Generator().manual_seed(5)
    first = torch.randn(1, 4, generator=generator)
    level = round(999 * 0.05)
    alphas = _alphas()
    rows = sum(
        strength * (alphas[0].sqrt() * torch.tensor([value]) + (1 - alphas[0]).sqrt() * first)
        for strength, value in ((1.0, (1.0, 0, 0, 0)), (0.5, (0, 1.0, 0, 0)))
    )
    expected = alphas[level].sqrt() * rows + (1 - alphas[level]).sqrt() * torch.randn(1, 4, generator=generator)
    torch.testing.assert_close(found[:, :4], expected.float())
    assert torch.equal(found[:, 4:], sinusoid(torch.tensor([float(level)]), 4))


def _alphas() -> torch.Tensor:
    from diffusers import DDPMScheduler

    return DDPMScheduler(beta_schedule="squaredcos_cap_v2").alphas_cumprod


def test_an_embedding_of_another_encoder_is_refused() -> None:
    with pytest.raises(SamplingError, match="is 2 numbers wide; the model reads 4"):
        PLAIN.vector([picture(1, 2)], seed=0)


def unclip_tensors(width: int) -> dict[str, torch.Tensor]:
    """A tiny network of the true context and vector widths, with its encoder of pictures."""
    from diffusers import UNet2DConditionModel

    from diffusion.layouts.renaming import rename, reverse
    from diffusion.layouts.unet import Block, unet_table

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        unet = UNet2DConditionModel(
            block_out_channels=(64, 64), layers_per_block=1, cross_attention_dim=1024, attention_head_dim=1,
            down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2,
            use_linear_projection=True, class_embed_type="projection",
            projection_class_embeddings_input_dim=2 * width,
        )  # fmt: skip
    table = {**unet_table([[Block(64, 1)]] * 2, [2], [[1, 1]] * 2, True, True)}
    back = reverse(table)
    tensors = {f"model.diffusion_model.{rename(n, back)}": t.clone() for n, t in unet.state_dict().items()}
    tensors |= in_open_clip(dict(clip(projection_dim=width).state_dict()), "embedder.model.visual.")
    tensors["noise_augmentor.data_mean"] = torch.full((1, width), 0.25)
    tensors["noise_augmentor.data_std"] = torch.full((1, width), 0.5)
    return tensors


@pytest.mark.parametrize("width", [768, 1024], ids=["unclip-l", "unclip-h"])
def test_an_unclip_checkpoint_brings_its_encoder_and_paints_what_a_picture_says(tmp_path: Path, width: int) -> None:
    save_file(unclip_tensors(width), tmp_path / "unclip.safetensors")
    loaded = load_checkpoint(tmp_path / "unclip.safetensors", device="cpu")
    assert loaded.vision is not None and isinstance(loaded.model.family, UnclipFamily)
    assert loaded.model.prediction.kind is Kind.EPSILON
    assert float(loaded.model.family.augmentation.mean[0, 0]) == 0.25
    latent = torch.zeros(1, 4, 8, 8)

    def painted(value: float | None) -> torch.Tensor:
        options: dict[str, Any] = {}
        if value is not None:
            encoded = loaded.vision.encode_image(torch.full((1, 42, 42, 3), value))  # type: ignore[union-attr]
            options["unclip_conditioning"] = [
                {"clip_vision_output": encoded, "strength": 1.0, "noise_augmentation": 0.0}
            ]
        return sample(
            loaded.model, noise=prepare_noise(latent, 1), latent=latent, positive=[[torch.zeros(1, 77, 1024), options]],
            negative=[[torch.zeros(1, 77, 1024), {}]], guidance_scale=2.0, sampler="euler", schedule="normal", steps=1,
            seed=1,
        )  # fmt: skip

    assert not torch.allclose(painted(0.1), painted(0.9)) and not torch.allclose(painted(0.1), painted(None))
