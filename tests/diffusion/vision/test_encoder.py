"""Picture encoders on random weights in the layouts of transformers and open_clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.errors import MissingWeights, UnknownModel
from diffusion.vision.encoder import CLIP_COLOURS, load_picture_encoder, prepared_pixels


def clip(**changes: Any) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 16,
             "image_size": 42, "patch_size": 14, "projection_dim": 24, "hidden_act": "quick_gelu"}  # fmt: skip
    return half_weights(CLIPVisionModelWithProjection(CLIPVisionConfig(**{**sizes, **changes})))


def siglip(layers: int = 3) -> Any:
    from transformers import SiglipVisionConfig, SiglipVisionModel

    return half_weights(SiglipVisionModel(SiglipVisionConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=layers, num_attention_heads=16, image_size=42,
        patch_size=14, hidden_act="gelu_pytorch_tanh", vision_use_head=False,
    )))  # fmt: skip


def half_weights(module: Any) -> Any:
    """Random weights that float16 holds exactly."""
    made = torch.Generator().manual_seed(4)
    for tensor in module.parameters():
        tensor.data = (torch.randn(tensor.shape, generator=made) * 0.2).half().float()
    return module.eval()


def in_open_clip(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The same weights as open_clip names them: fused attention, the projection the other way round."""
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}  # fmt: skip
    plain = {"embeddings.class_embedding": "class_embedding", "embeddings.patch_embedding.weight": "conv1.weight",
             "embeddings.position_embedding.weight": "positional_embedding", "pre_layrnorm.weight": "ln_pre.weight",
             "pre_layrnorm.bias": "ln_pre.bias", "post_layernorm.weight": "ln_post.weight",
             "post_layernorm.bias": "ln_post.bias"}  # fmt: skip
    result = {"proj": tensors["visual_projection.weight"].T.contiguous()}
    for name, tensor in tensors.items():
        name = name.removeprefix("vision_model.")
        if name in plain:
            result[plain[name]] = tensor
        elif name.startswith("encoder.layers."):
            _, _, number, rest = name.split(".", 3)
            part, _, kind = rest.rpartition(".")
            block = f"transformer.resblocks.{number}"
            if part in names:
                result[f"{block}.{names[part]}.{kind}"] = tensor
            elif part == "self_attn.q_proj":
                own = f"vision_model.encoder.layers.{number}.self_attn"
                result[f"{block}.attn.in_proj_{kind}"] = torch.cat([tensors[f"{own}.{p}_proj.{kind}"] for p in "qkv"])
    return {f"{prefix}{name}": tensor for name, tensor in result.items()}


def written(tensors: dict[str, Tensor], path: Path) -> Path:
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, path)
    return path


PICTURES = torch.rand(2, 30, 50, 4, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("layout", ["transformers", "visual.", ""])
def test_every_layout_gives_what_transformers_gives(tmp_path: Path, layout: str) -> None:
    module = clip()
    tensors = dict(module.state_dict())
    path = written(tensors if layout == "transformers" else in_open_clip(tensors, layout), tmp_path / "v.safetensors")

    found = load_picture_encoder(path, device="cpu").encode_image(PICTURES)

    pixels = prepared_pixels(PICTURES, 42, CLIP_COLOURS, crop=True)
    with torch.inference_mode():
        expected = module(pixel_values=pixels, output_hidden_states=True)
    torch.testing.assert_close(found.image_embeds, expected.image_embeds, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found["penultimate_hidden_states"], expected.hidden_states[-2], rtol=1e-4, atol=1e-4)


def test_siglip_gives_its_normed_last_state(tmp_path: Path) -> None:
    module = siglip()
    tensors = {f"vision_model.{name.removeprefix('vision_model.')}": t for name, t in module.state_dict().items()}
    encoder = load_picture_encoder(written(tensors, tmp_path / "s.safetensors"), device="cpu")

    found = encoder.encode_image(PICTURES, crop=False)

    pixels = prepared_pixels(PICTURES, 42, ((0.5,) * 3, (0.5,) * 3), crop=False)
    with torch.inference_mode():
        expected = module(pixel_values=pixels)
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state, rtol=1e-4, atol=1e-4)
    assert torch.equal(found.image_embeds, found.last_hidden_state)
    assert found.nbytes == found.last_hidden_state.nbytes + found.penultimate_hidden_states.nbytes
    assert found.deeper_hidden_states is None, "it has too few layers"
    for name in ("nbytes", "deeper_hidden_states"):
        with pytest.raises(KeyError):
            found[name]


def test_a_deep_siglip_also_gives_what_style_projectors_read(tmp_path: Path) -> None:
    module = siglip(layers=21)
    tensors = {f"vision_model.{name.removeprefix('vision_model.')}": t for name, t in module.state_dict().items()}
    encoder = load_picture_encoder(written(tensors, tmp_path / "s.safetensors"), device="cpu")

    found = encoder.encode_image(PICTURES, crop=False)

    pixels = prepared_pixels(PICTURES, 42, ((0.5,) * 3, (0.5,) * 3), crop=False)
    with torch.inference_mode():
        states = module(pixel_values=pixels, output_hidden_states=True).hidden_states
    for state, number in zip(found["deeper_hidden_states"].unbind(1), (-20, -11), strict=True):
        torch.testing.assert_close(state, states[number], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.penultimate_hidden_states, states[-2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "width", "positions", "patch", "act", "size"),
    [(24, 1024, 257, 14, "quick_gelu", 224), (24, 1024, 577, 14, "quick_gelu", 336), (32, 1280, 257, 14, "gelu", 224),
     (48, 1664, 257, 14, "gelu", 224)],
    ids=["L", "L-336", "H", "G"],
)  # fmt: skip
def test_published_sizes_are_recognised(
    layers: int, width: int, positions: int, patch: int, act: str, size: int
) -> None:
    from diffusion.layouts.clip_vision import read_clip_vision

    sizes = {"hidden_size": width, "num_hidden_layers": layers, "image_size": size, "patch_size": patch}
    with torch.device("meta"):
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

        tensors = CLIPVisionModelWithProjection(
            CLIPVisionConfig(**sizes, intermediate_size=4 * width, num_attention_heads=16, projection_dim=1024)
        ).state_dict()

    layout = read_clip_vision(tensors, "meta")

    assert (layout.config["hidden_act"], layout.size, layout.config["num_hidden_layers"]) == (act, size, layers)
    assert tensors["vision_model.embeddings.position_embedding.weight"].shape[0] == positions


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    image = torch.full((1, 8, 8, 3), 0.5)

    found = prepared_pixels(image, 8, ((0.0,) * 3, (1.0,) * 3), crop=True)

    torch.testing.assert_close(found, torch.full((1, 3, 8, 8), 128 / 255))


def test_cropping_keeps_the_middle_and_squeezing_keeps_all() -> None:
    image = torch.zeros(1, 8, 24, 3)
    image[:, :, 8:16] = 1.0
    colours = ((0.0,) * 3, (1.0,) * 3)

    assert prepared_pixels(image, 8, colours, crop=True).mean() == 1
    assert 0.2 < float(prepared_pixels(image, 8, colours, crop=False).mean()) < 0.5


def test_what_is_missing_or_foreign_is_named(tmp_path: Path) -> None:
    tensors = dict(clip().state_dict())
    other = written({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    tensors.pop("vision_model.encoder.layers.1.mlp.fc2.weight")

    with pytest.raises(UnknownModel, match=r"other.safetensors' is no picture encoder"):
        load_picture_encoder(other, device="cpu")
    with pytest.raises(MissingWeights, match=r"lacks 1 of"):
        load_picture_encoder(written(tensors, tmp_path / "v.safetensors"), device="cpu")
