"""Control networks of Stable Diffusion 3.5 Large on tiny random weights, beside diffusers' own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.control_loading import load_control
from diffusion.errors import MissingWeights, ModelFileError, SamplingError
from diffusion.large_control import LargeControl
from diffusion.residuals import BlockResiduals
from tests.diffusion.test_transformer_control import PICTURE, Sixteen, model, painted, random_weights, written
from tests.diffusion.test_transformers import sd3_module


def large(heads: int = 2) -> Any:
    from diffusers import SD3ControlNetModel

    return SD3ControlNetModel(
        sample_size=16, patch_size=2, in_channels=16, num_layers=2, attention_head_dim=64, num_attention_heads=heads,
        joint_attention_dim=None, caption_projection_dim=64 * heads, pooled_projection_dim=2048, use_pos_embed=False,
        pos_embed_type=None, force_zeros_for_pooled_projection=False,
    )  # fmt: skip


def of_stability(tensors: dict[str, Tensor], kind: int | None = None) -> dict[str, Tensor]:
    """The same weights in Stability's layout."""
    names = {"attn.to_out.0": "attn.proj", "ff.net.0.proj": "mlp.fc1", "ff.net.2": "mlp.fc2",
             "norm1.linear": "adaLN_modulation.1"}  # fmt: skip
    result: dict[str, Tensor] = {} if kind is None else {"control_type": torch.tensor(float(kind))}
    for name, tensor in tensors.items():
        for new, old in names.items():
            name = name.replace(f".{new}.", f".{old}.")
        if match := re.fullmatch(r"(transformer_blocks\.\d+\.attn)\.to_q\.(weight|bias)", name):
            parts = [tensors[f"{match[1]}.to_{part}.{match[2]}"] for part in "qkv"]
            result[f"{match[1]}.qkv.{match[2]}"] = torch.cat(parts)
        elif not re.search(r"\.attn\.to_[kv]\.", name):
            result[name] = tensor
    return result


@pytest.mark.parametrize("layout", ["stability", "diffusers"])
def test_it_adds_what_diffusers_adds_with_the_models_first_layer(tmp_path: Path, layout: str) -> None:
    module = large()
    tensors = random_weights(module, 3)
    module.load_state_dict(tensors)
    file = of_stability(tensors) if layout == "stability" else tensors
    assert ("transformer_blocks.0.attn.qkv.weight" in file) == (layout == "stability")
    loaded = load_control(written(file, tmp_path / "control.safetensors"), device="cpu")
    base = model("sd3", tmp_path).network
    made = torch.Generator().manual_seed(5)
    x, hint, pooled = (torch.randn(1, *size, generator=made) for size in ((16, 6, 8), (16, 6, 8), (2048,)))
    time = torch.tensor([400.0])

    whole = loaded.on(base)
    found = whole.steering(whole.network.prepare(), x, time, {"context": torch.zeros(1, 9, 48), "vector": pooled}, hint)

    with torch.inference_mode():
        (expected,) = module(
            hidden_states=sd3_module().pos_embed(x), controlnet_cond=hint, pooled_projections=pooled, timestep=time,
            return_dict=False,
        )  # fmt: skip
    assert isinstance(loaded, LargeControl) and isinstance(found, BlockResiduals)
    for one, other in zip(found.chain[0][0], expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert loaded.on(base).network is whole.network, "made once for each model"


def test_a_picture_steers_through_its_shifted_latent_alone_and_in_a_chain(tmp_path: Path) -> None:
    path = written(of_stability(random_weights(large(), 3)), tmp_path / "control.safetensors")
    loaded, network = load_control(path, device="cpu"), model("sd3", tmp_path)
    assert loaded.latents is not None and loaded.latents.shift != 0
    half = loaded.applied(PICTURE, 0.5, vae=Sixteen())

    plain, once, twice = (
        painted(network, control)
        for control in (None, loaded.applied(PICTURE, 1.0, vae=Sixteen()),
                        loaded.applied(PICTURE, 0.5, vae=Sixteen(), previous=half))
    )  # fmt: skip

    assert not torch.allclose(plain, once, atol=1e-4)
    torch.testing.assert_close(once, twice, rtol=1e-4, atol=1e-4)


def test_files_say_how_their_pictures_are_changed(tmp_path: Path) -> None:
    tensors, picture = random_weights(large(), 3), torch.tensor([0.0, 0.25, 1.0])
    expected = {0: None, 1: [0.75, (0.25 * 127.5 + 1.5) / 2, 64.5], 2: [1.0, 0.75, 0.0]}
    for kind, values in expected.items():
        change = load_control(written(of_stability(tensors, kind), tmp_path / f"{kind}.safetensors")).change
        assert (None if change is None else change(picture).tolist()) == values


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    tensors = random_weights(large(), 3)
    path = written(of_stability(tensors), tmp_path / "control.safetensors")
    loaded = load_control(path, device="cpu")
    with pytest.raises(SamplingError, match=r"of width 128; this model is a FluxTransformer2DModel that is none"):
        loaded.on(model("flux", tmp_path).network)
    wide = load_control(written(random_weights(large(3), 3), tmp_path / "wide.safetensors"), device="cpu")
    with pytest.raises(SamplingError, match=r"wide.safetensors' is made for a Stable Diffusion 3.5 of width 192"):
        wide.on(model("sd3", tmp_path).network)
    cut = {name: tensor for name, tensor in tensors.items() if not name.startswith("time_text_embed.text")}
    with pytest.raises(MissingWeights, match=r"lacks 'time_text_embed.text_embedder.linear_1.weight'"):
        load_control(written(cut, tmp_path / "cut.safetensors"), device="cpu")
    square = tensors | {"time_text_embed.text_embedder.linear_1.weight": torch.zeros(128, 128)}
    with pytest.raises(ModelFileError, match="reads the model's own vector of the text"):
        load_control(written(square, tmp_path / "square.safetensors"), device="cpu")
