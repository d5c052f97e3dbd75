"""Control networks beside Stable Diffusion 3 and Flux, on tiny random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.autoencoder import Autoencoder
from diffusion.control import ControlNet
from diffusion.control_loading import load_control
from diffusion.errors import MissingWeights, ModelFileError, SamplingError, UnknownModel
from diffusion.families.flux import patches
from diffusion.loading import load_diffusion_model
from diffusion.model import Model
from diffusion.residuals import BlockResiduals, Residuals
from diffusion.sampling import prepare_noise, sample
from diffusion.steering import FluxSteering
from tests.diffusion.test_transformers import flux_module, original, sd3_module


class Sixteen(Autoencoder):
    """Stands for an autoencoder: sixteen channels, each the mean of eight by eight pixels."""

    def __init__(self) -> None:
        object.__setattr__(self, "_ratio", 8)

    @property
    def ratio(self) -> int:
        return 8

    def encode(self, image: Tensor) -> Tensor:
        means = torch.nn.functional.avg_pool2d(image.movedim(-1, 1), 8).mean(1, keepdim=True)
        return means.repeat(1, 16, 1, 1)


def random_weights(module: Any, seed: int) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(seed)
    return {
        name: tensor if name == "pos_embed.pos_embed" else torch.randn(tensor.shape, generator=made) * 0.05
        for name, tensor in module.state_dict().items()
    }


def flux_control(**changes: Any) -> Any:
    from diffusers import FluxControlNetModel

    sizes = {"patch_size": 1, "in_channels": 64, "num_layers": 1, "num_single_layers": 2, "attention_head_dim": 128,
             "num_attention_heads": 1, "joint_attention_dim": 48, "pooled_projection_dim": 768,
             "guidance_embeds": True}  # fmt: skip
    return FluxControlNetModel(**{**sizes, **changes})


def sd3_control(**changes: Any) -> Any:
    from diffusers import SD3ControlNetModel

    return SD3ControlNetModel(
        sample_size=16, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=64, num_attention_heads=2,
        joint_attention_dim=48, caption_projection_dim=128, pooled_projection_dim=2048, pos_embed_max_size=16,
        **changes,
    )  # fmt: skip


def written(tensors: dict[str, Tensor], path: Path) -> Path:
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    return path


def control(module: Any, tmp_path: Path) -> ControlNet:
    return load_control(written(random_weights(module, 3), tmp_path / "control.safetensors"), device="cpu")


def model(kind: str, tmp_path: Path) -> Model:
    module = flux_module() if kind == "flux" else sd3_module()
    return load_diffusion_model(written(dict(module.state_dict()), tmp_path / "net.safetensors"), device="cpu")


def painted(network: Model, steered: Any) -> Tensor:
    latent = torch.zeros(1, 16, 5, 7)
    text = [[torch.zeros(1, 9, 48), {"pooled_output": None, **({} if steered is None else {"control": steered})}]]
    return sample(
        network, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=1.0,
        sampler="euler", schedule="simple", steps=1, seed=1,
    )  # fmt: skip


PICTURE = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("kind", ["flux", "sd3"])
def test_a_picture_steers_through_its_latent_and_zero_strength_does_not(tmp_path: Path, kind: str) -> None:
    loaded = control(flux_control() if kind == "flux" else sd3_control(), tmp_path)
    network = model(kind, tmp_path)
    plain = painted(network, None)
    bright, dark, off = (
        painted(network, loaded.applied(picture, strength, vae=Sixteen()))
        for picture, strength in ((PICTURE, 1.0), (PICTURE * 0.2, 1.0), (PICTURE, 0.0))
    )

    assert not torch.allclose(bright, plain, atol=1e-4) and not torch.allclose(bright, dark, atol=1e-5)
    torch.testing.assert_close(off, plain)


@pytest.mark.parametrize("kind", ["flux", "sd3"])
def test_two_at_half_strength_are_one(tmp_path: Path, kind: str) -> None:
    loaded = control(flux_control() if kind == "flux" else sd3_control(), tmp_path)
    network = model(kind, tmp_path)
    half = loaded.applied(PICTURE, 0.5, vae=Sixteen())

    twice = painted(network, loaded.applied(PICTURE, 0.5, vae=Sixteen(), previous=half))

    torch.testing.assert_close(
        twice, painted(network, loaded.applied(PICTURE, 1.0, vae=Sixteen())), rtol=1e-4, atol=1e-4
    )


def test_few_blocks_serve_many() -> None:
    first, second = torch.ones(1), torch.full((1,), 2.0)
    residuals = BlockResiduals((((first, second), ()), ((first,), (second,))))

    double, single = residuals.spread(0, 5), residuals.spread(1, 2)
    assert double is not None and [float(one) for one in double] == [2, 2, 2, 3, 3]
    assert single is not None and [float(one) for one in single] == [2, 2]


@pytest.mark.parametrize("kind", ["flux", "sd3"])
def test_a_latent_and_its_mask_are_joined_for_inpainting(tmp_path: Path, kind: str) -> None:
    module = flux_control() if kind == "flux" else sd3_control(extra_conditioning_channels=1)
    if kind == "flux":
        module.controlnet_x_embedder = torch.nn.Linear(68, 128)
    loaded = control(module, tmp_path)
    assert loaded.masked
    network = model(kind, tmp_path)
    left = torch.zeros(1, 1, 40, 56)
    left[..., :28] = 1.0

    kept, half = (painted(network, loaded.applied(PICTURE, 1.0, vae=Sixteen(), mask=mask)) for mask in (None, left))

    assert not torch.allclose(kept, half, atol=1e-5)
    torch.testing.assert_close(
        painted(network, loaded.applied(PICTURE, 1.0, vae=Sixteen(), mask=torch.ones(1, 1, 40, 56))), kept
    )


def test_sd3_reads_latents_that_are_scaled_but_not_shifted(tmp_path: Path) -> None:
    loaded = control(sd3_control(), tmp_path)

    assert loaded.latents is not None and (loaded.latents.scale, loaded.latents.shift) == (1.5305, 0.0)


def test_a_union_network_is_told_the_kind_of_picture_or_nothing(tmp_path: Path) -> None:
    loaded = control(flux_control(num_mode=4), tmp_path)
    steering = loaded.steering
    assert isinstance(steering, FluxSteering) and steering.count == 4
    network = model("flux", tmp_path)

    open_, first, second = (
        painted(network, replace(loaded, steering=replace(steering, types=types)).applied(PICTURE, 1.0, vae=Sixteen()))
        for types in ((), (0,), (1,))
    )

    assert not torch.allclose(first, second, atol=1e-6) and not torch.allclose(first, open_, atol=1e-6)
    with pytest.raises(SamplingError, match="knows 4 kinds of pictures; 'tile' is not among them"):
        painted(network, replace(loaded, steering=replace(steering, types=(6,))).applied(PICTURE, 1.0, vae=Sixteen()))


def xlabs(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A FluxControlNetModel's weights under the names XLabs gave them."""
    own = ("controlnet_", "input_hint_block.")
    result = original("flux", {name: tensor for name, tensor in tensors.items() if not name.startswith(own)})
    layers = ["conv_in", *(f"blocks.{i}" for i in range(6)), "conv_out"]
    for name, tensor in tensors.items():
        part, _, kind = name.rpartition(".")
        if part.startswith("input_hint_block."):
            result[f"input_hint_block.{2 * layers.index(part.removeprefix('input_hint_block.'))}.{kind}"] = tensor
        elif part == "controlnet_x_embedder":
            result[f"pos_embed_input.{kind}"] = tensor
        elif part.startswith("controlnet_blocks."):
            result[name] = tensor
    return result


def test_a_network_of_xlabs_reads_pixels(tmp_path: Path) -> None:
    module = flux_control(num_single_layers=0, num_layers=2, conditioning_embedding_channels=16, patch_size=2)
    tensors = random_weights(module, 3)
    module.load_state_dict(tensors)
    loaded = load_control(written(xlabs(tensors), tmp_path / "control.safetensors"), device="cpu")
    x, text, vector = torch.randn(1, 16, 4, 6), torch.randn(1, 9, 48), torch.randn(1, 768)
    hint = PICTURE[..., :32, :48]

    found = loaded.steering(loaded.network.prepare(), x, torch.tensor([0.5]),
                            {"context": text, "vector": vector, "guidance": torch.tensor([3.0])}, hint)  # fmt: skip

    tokens, positions = patches(x)
    with torch.inference_mode():
        double, _ = module(
            hidden_states=tokens, controlnet_cond=2 * hint - 1, encoder_hidden_states=text, pooled_projections=vector,
            timestep=torch.tensor([0.5]), img_ids=positions, txt_ids=torch.zeros(9, 3), guidance=torch.tensor([3.0]),
            return_dict=False,
        )  # fmt: skip
    assert loaded.latents is None and isinstance(found, BlockResiduals)
    for one, expected in zip(found.chain[0][0], double, strict=True):
        torch.testing.assert_close(one, expected)
    assert not torch.allclose(
        painted(model("flux", tmp_path), loaded.applied(PICTURE, 1.0)), painted(model("flux", tmp_path), None)
    )


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    loaded = control(flux_control(), tmp_path)
    with pytest.raises(UnknownModel, match="needs a VAE"):
        painted(model("flux", tmp_path), loaded.applied(PICTURE, 1.0))
    unet = Residuals((torch.zeros(1),), torch.zeros(1))
    network = model("flux", tmp_path)
    module, inputs = network.network.prepare(), {"context": torch.zeros(1, 9, 48), "vector": torch.zeros(1, 768)}
    with pytest.raises(SamplingError, match="made for a U-Net"):
        network.family.call(module, torch.zeros(1, 16, 4, 4), torch.ones(1), inputs, unet)
    tensors = random_weights(flux_control(), 3)
    tensors.pop("transformer_blocks.0.attn.to_q.weight")
    with pytest.raises(MissingWeights, match="lacks 1 of"):
        load_control(written(tensors, tmp_path / "cut.safetensors"), device="cpu")
    misto = {"controlnet_blocks.0.linear.weight": torch.zeros(2, 2)}
    with pytest.raises(UnknownModel, match=r"misto.safetensors' is MistoLine for Flux"):
        load_control(written(misto, tmp_path / "misto.safetensors"), device="cpu")
    wide = random_weights(flux_control(), 3) | {"controlnet_x_embedder.weight": torch.zeros(128, 80)}
    with pytest.raises(ModelFileError, match="reads 80 channels"):
        load_control(written(wide, tmp_path / "wide.safetensors"), device="cpu")
