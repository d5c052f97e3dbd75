"""Lotus on a small random network, beside diffusers' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.assembly.empty_text import empty_sd2_text
from diffusion.errors import ModelFileError
from diffusion.families.lotus import LotusFamily
from diffusion.loading import load_diffusion_model
from diffusion.sampling.guidance import ClassifierFree
from diffusion.sampling.prediction import Kind
from diffusion.sampling.run import integrate
from diffusion.sampling.samplers import sampler_by_name


def lotus(channels: int = 4) -> Any:
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return UNet2DConditionModel(
            in_channels=channels, out_channels=4, block_out_channels=(64, 64), layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), cross_attention_dim=1024,
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), attention_head_dim=1, use_linear_projection=True,
            class_embed_type="projection", projection_class_embeddings_input_dim=4,
        ).eval()  # fmt: skip


def clip_h(layers: int) -> dict[str, Tensor]:
    """A text encoder as wide as OpenCLIP's H, in transformers' layout."""
    width, noise = 1024, torch.Generator().manual_seed(1)
    result = {"text_model.embeddings.token_embedding.weight": torch.randn(9, width, generator=noise),
              "text_model.embeddings.position_embedding.weight": torch.randn(77, width, generator=noise)}  # fmt: skip
    shared = torch.randn(width, width, generator=noise) * 0.02
    for layer in range(layers):
        own = f"text_model.encoder.layers.{layer}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            result |= {f"{own}.self_attn.{part}.weight": shared, f"{own}.self_attn.{part}.bias": torch.zeros(width)}
        result |= {f"{own}.mlp.fc1.weight": shared[:8] * (layer + 1), f"{own}.mlp.fc1.bias": torch.zeros(8),
                   f"{own}.mlp.fc2.weight": shared[:, :8], f"{own}.mlp.fc2.bias": torch.zeros(width)}  # fmt: skip
        for norm in ("layer_norm1", "layer_norm2"):
            result |= {f"{own}.{norm}.weight": torch.ones(width), f"{own}.{norm}.bias": torch.zeros(width)}
    norm = "text_model.final_layer_norm"
    return {name: tensor.half().clone() for name, tensor in result.items()} | {
        f"{norm}.weight": torch.ones(width).half(), f"{norm}.bias": torch.zeros(width).half(),
    }  # fmt: skip


def test_lotus_answers_a_picture_in_one_step_as_its_network_does(tmp_path: Path) -> None:
    module = lotus()
    save_file(dict(module.state_dict()), tmp_path / "lotus.safetensors")
    model = load_diffusion_model(tmp_path / "lotus.safetensors", device="cpu")
    picture = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    text = torch.randn(1, 2, 1024, generator=torch.Generator().manual_seed(2))

    answer = integrate(
        model, noise=torch.zeros_like(picture), latent=picture,
        conditioning={"positive": [[text, {}]], "negative": [[text, {}]]},
        guidance=ClassifierFree(1.0), sampler=sampler_by_name("euler"), sigmas=torch.tensor([999.0, 0.0]), seed=0,
    )  # fmt: skip

    task = torch.tensor([1.0, 0.0])
    labels = torch.cat([task.sin(), task.cos()])[None]
    with torch.inference_mode():
        (expected,) = module(picture * 0.18215, 999, text, class_labels=labels, return_dict=False)
    assert isinstance(model.family, LotusFamily) and model.prediction.kind is Kind.IMG_TO_IMG
    torch.testing.assert_close(answer, expected / 0.18215, atol=1e-4, rtol=1e-4)


def test_a_generative_lotus_is_refused_by_name(tmp_path: Path) -> None:
    save_file(dict(lotus(8).state_dict()), tmp_path / "lotus-g.safetensors")

    with pytest.raises(ModelFileError, match=r"lotus-g.safetensors' is a generative Lotus model.*lotus-depth-d"):
        load_diffusion_model(tmp_path / "lotus-g.safetensors", device="cpu")


def test_the_empty_prompt_comes_from_the_first_file_that_has_the_text_encoder(tmp_path: Path) -> None:
    from transformers import CLIPTextConfig, CLIPTextModel

    tensors = clip_h(2)
    save_file({"text_model.embeddings.token_embedding.weight": torch.zeros(9, 768)}, tmp_path / "l.safetensors")
    (tmp_path / "note.txt").write_text("no weights")
    save_file(tensors, tmp_path / "h.safetensors")
    inside = {"cond_stage_model.model." + name: tensor for name, tensor in tensors.items()}
    save_file(inside, tmp_path / "whole.safetensors")

    found = empty_sd2_text([tmp_path / n for n in ("l.safetensors", "note.txt", "h.safetensors")], device="cpu")

    theirs = CLIPTextModel(CLIPTextConfig(
        vocab_size=9, hidden_size=1024, intermediate_size=8, num_hidden_layers=2, num_attention_heads=16,
        hidden_act="gelu", bos_token_id=7, eos_token_id=8, pad_token_id=0,
    )).eval()  # fmt: skip
    own = {name.removeprefix("text_model."): tensor.float() for name, tensor in tensors.items()}
    theirs.load_state_dict({n: own[n.removeprefix("text_model.")] for n in theirs.state_dict()})
    with torch.inference_mode():
        states = theirs(torch.tensor([[7, 8]]), output_hidden_states=True).hidden_states
        inner = getattr(theirs, "text_model", theirs)
        expected = inner.final_layer_norm(states[-2])
    assert found.shape == (1, 2, 1024)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)
    assert torch.equal(found, empty_sd2_text([tmp_path / "whole.safetensors"], device="cpu"))
    (tmp_path / "folder" / "text_encoder").mkdir(parents=True)
    save_file(tensors, tmp_path / "folder" / "text_encoder" / "model.safetensors")
    assert torch.equal(found, empty_sd2_text([tmp_path / "folder"], device="cpu"))


def test_without_a_text_encoder_lotus_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none of 1 files holds its text encoder \(OpenCLIP H\). Put it, or any"):
        empty_sd2_text([tmp_path / "absent.safetensors"], device="cpu")


@pytest.mark.parametrize(("layers", "read"), [(23, -1), (24, -2)])
def test_stable_diffusion_2_reads_the_same_layer_where_the_last_was_left_away(layers: int, read: int) -> None:
    from types import SimpleNamespace

    from diffusion.assembly.texts import h_layer

    names = {f"encoder.layers.{layer}.layer_norm1.weight" for layer in range(layers)}

    assert h_layer(SimpleNamespace(weights=dict.fromkeys(names))) == read  # type: ignore[arg-type]
