"""Flux that reads a picture beside the latent: Canny, Depth and Fill, and the LoRAs that make it do so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.families.flux import patches
from diffusion.latents import FLUX
from diffusion.layouts.transformers import flux_layout, original_shapes
from diffusion.loading import load_diffusion_model
from diffusion.lora import apply_lora, read_lora
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from tests.diffusion.test_transformers import flux_module, loaded

LATENT = torch.zeros(1, 16, 4, 6)
SHOWN = torch.randn(1, 16, 4, 6, generator=torch.Generator().manual_seed(3))


def tool(channels: int) -> Any:
    from diffusers import FluxTransformer2DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return FluxTransformer2DModel(
            patch_size=1, in_channels=channels, out_channels=64, num_layers=1, num_single_layers=1,
            attention_head_dim=128, num_attention_heads=1, joint_attention_dim=48, pooled_projection_dim=768,
            guidance_embeds=True,
        ).eval()  # fmt: skip


def written(module: Any, path: Path) -> Path:
    tensors = module.state_dict()
    original = flux_layout(original_shapes(tensors, flux=True)).restore(tensors)
    save_file({name: tensor.contiguous().clone() for name, tensor in original.items()}, path)
    return path


def step(model: Model, **options: Any) -> Tensor:
    """One step from pure noise; ends at what the network makes of it."""
    text = [[torch.zeros(1, 9, 48), {"pooled_output": None, **options}]]
    return sample(
        model, noise=prepare_noise(LATENT, 1), latent=LATENT, positive=text, negative=text, guidance_scale=1.0,
        sampler="euler", schedule="simple", steps=1, seed=1,
    )  # fmt: skip


@pytest.mark.parametrize("channels", [128, 384])
def test_the_picture_and_its_mask_are_joined_as_diffusers_joins_them(tmp_path: Path, channels: int) -> None:
    module = tool(channels)
    model = load_diffusion_model(written(module, tmp_path / "tool.safetensors"), device="cpu")
    mask = (torch.rand(1, 1, 32, 48, generator=torch.Generator().manual_seed(4)) > 0.5).float()

    found = step(model, concat_latent_image=SHOWN, concat_mask=mask)

    noise = prepare_noise(LATENT, 1)
    parts = [patches(noise)[0], patches(FLUX.to_network(SHOWN))[0]]
    if channels == 384:
        cells = mask.view(1, 4, 8, 6, 8).permute(0, 2, 4, 1, 3).reshape(1, 64, 4, 6)
        parts.append(patches(cells)[0])
    with torch.inference_mode():
        (velocity,) = module(
            hidden_states=torch.cat(parts, dim=-1), encoder_hidden_states=torch.zeros(1, 9, 48),
            pooled_projections=torch.zeros(1, 768), timestep=torch.ones(1), img_ids=patches(noise)[1],
            txt_ids=torch.zeros(9, 3), guidance=torch.tensor([3.5]), return_dict=False,
        )  # fmt: skip
    expected = patches(noise)[0] - velocity
    torch.testing.assert_close(patches(FLUX.to_network(found))[0], expected, atol=1e-4, rtol=1e-4)


def test_without_a_picture_it_sees_an_empty_one_and_a_full_mask(tmp_path: Path) -> None:
    model = load_diffusion_model(written(tool(384), tmp_path / "fill.safetensors"), device="cpu")

    told = step(model, concat_latent_image=torch.zeros(1, 16, 4, 6), concat_mask=torch.ones(1, 1, 32, 48))

    torch.testing.assert_close(step(model), told)


def control_lora(rank: int, *, stated: bool) -> dict[str, Tensor]:
    """A LoRA that widens the first layer, in the names of Black Forest Labs, or with its shape in its own tensor."""
    made = torch.Generator().manual_seed(9)
    prefix = "diffusion_model." if stated else ""
    parts = {
        f"{prefix}img_in.lora_A.weight": torch.randn(rank, 128, generator=made),
        f"{prefix}img_in.lora_B.weight": torch.randn(128, rank, generator=made) * 0.1,
        f"{prefix}img_in.{'diff_b' if stated else 'lora_B.bias'}": torch.randn(128, generator=made),
        f"{prefix}single_blocks.0.norm.key_norm.scale{'.set_weight' if stated else ''}": torch.full((128,), 2.0),
    }
    if stated:
        parts["diffusion_model.img_in.reshape_weight"] = torch.tensor([128, 128])
    return parts


@pytest.mark.parametrize("stated", [True, False])
def test_a_lora_may_widen_the_first_layer(tmp_path: Path, stated: bool) -> None:
    tensors = control_lora(4, stated=stated)
    save_file(tensors, tmp_path / "canny-lora.safetensors")
    plain = loaded("flux", tmp_path)

    model, _ = apply_lora(read_lora(tmp_path / "canny-lora.safetensors"), plain, None, 0.5, 0.0)

    assert model is not None
    seen, unseen = step(model, concat_latent_image=SHOWN), step(model)
    a, b, bias, _, *_ = tensors.values()
    state = model.network.prepare(model.patches).state_dict()
    before = flux_module().state_dict()
    expected = torch.cat([before["x_embedder.weight"], torch.zeros(128, 64)], dim=1) + 0.5 * (b @ a)
    torch.testing.assert_close(state["x_embedder.weight"], expected)
    torch.testing.assert_close(state["x_embedder.bias"], before["x_embedder.bias"] + 0.5 * bias)
    assert (state["single_transformer_blocks.0.attn.norm_k.weight"] == 2).all()
    assert not torch.allclose(seen, unseen, atol=1e-3)
    assert step(plain, concat_latent_image=SHOWN).equal(step(plain)), "without the LoRA the model is as it was"
