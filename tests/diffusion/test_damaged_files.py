"""Whatever a model file holds, it is loaded or refused by name: no tensor's absence or shape shows as anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.control_loading import load_control
from diffusion.errors import ModelFileError
from diffusion.loading import load_autoencoder, load_checkpoint, load_diffusion_model, load_text_encoders
from diffusion.pickled import read_pickled
from diffusion.testing import tiny_config, tiny_tensors
from diffusion.vision.encoder import load_picture_encoder
from diffusion.vision.photomaker import load_photomaker
from diffusion.vision.style import load_style_model

SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (3, 5, 7, 2)]
TELLING = [  # what sizes are read from
    "model.diffusion_model.input_blocks.0.0.weight", "model.diffusion_model.time_embed.0.weight",
    "model.diffusion_model.out.2.weight", "model.diffusion_model.input_blocks.1.0.in_layers.2.weight",
    "model.diffusion_model.output_blocks.0.1.transformer_blocks.0.attn2.to_k.weight",
    "first_stage_model.encoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight",
    "first_stage_model.decoder.conv_out.weight",
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",
    "cond_stage_model.transformer.text_model.embeddings.position_embedding.weight",
    "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight",
]  # fmt: skip


def refused(load: Callable[[Path], Any], tensors: dict[str, Tensor], path: Path) -> None:
    """It is loaded, or refused with the file's name."""
    save_file(tensors, path, {"heddle.config": json.dumps(tiny_config())})
    said = path.name
    try:
        load(path)
    except ModelFileError as error:
        said = str(error)
    assert path.name in said


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return {name: tensor.contiguous().clone() for name, tensor in tiny_tensors().items()}


@pytest.mark.parametrize("name", TELLING)
def test_a_checkpoint_with_a_missing_or_misshapen_tensor_is_refused_by_name(
    tensors: dict[str, Tensor], name: str, tmp_path: Path
) -> None:
    def load(path: Path) -> Any:
        return load_checkpoint(path, device="cpu")

    refused(load, {other: tensor for other, tensor in tensors.items() if other != name}, tmp_path / "cut.safetensors")
    for shape in SHAPES:
        refused(load, {**tensors, name: torch.zeros(shape)}, tmp_path / "odd.safetensors")


LOADERS: dict[str, tuple[Callable[[Path], Any], list[str]]] = {
    "diffusion model": (lambda p: load_diffusion_model(p, device="cpu"), [
        "joint_blocks.0.context_block.attn.qkv.weight", "double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight",
        "x_embedder.proj.weight", "pos_embed", "conv_in.weight", "down_blocks.0.resnets.0.conv1.weight"]),
    "video": (lambda p: load_diffusion_model(p, device="cpu"), [
        "input_blocks.1.0.time_mixer.mix_factor", "input_blocks.0.0.weight", "label_emb.0.0.weight", "label_emb.weight",
        "conv_in.weight", "down_blocks.0.resnets.0.spatial_res_block.conv1.weight", "cc_projection.weight"]),
    "autoencoder": (lambda p: load_autoencoder(p, device="cpu"), [
        "decoder.time_conv_out.weight", "decoder.conv_in.weight", "encoder.conv_in.weight",
        "decoder.mid.block_1.mix_factor"]),
    "text": (lambda p: load_text_encoders([p], "sd3", device="cpu"), [
        "shared.weight", "text_model.embeddings.token_embedding.weight", "token_embedding.weight",
        "positional_embedding"]),
    "control": (lambda p: load_control(p, device="cpu"), [
        "input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight", "controlnet_x_embedder.weight",
        "controlnet_blocks.0.weight", "pos_embed_input.proj.weight", "context_embedder.weight",
        "body.0.in_conv.weight", "pos_embed_input.weight"]),
    "pictures": (lambda p: load_picture_encoder(p, device="cpu"), [
        "vision_model.embeddings.patch_embedding.weight", "visual.class_embedding", "visual.conv1.weight",
        "visual.transformer.resblocks.0.attn.in_proj_weight", "visual.proj",
        "vision_model.encoder.layers.0.mlp.fc1.weight"]),
    "photomaker": (lambda p: load_photomaker(p, device="cpu"), [
        "visual_projection_2.weight", "fuse_module.mlp1.fc1.weight", "visual_projection.weight",
        "fuse_module.mlp2.fc1.weight", "vision_model.embeddings.patch_embedding.weight"]),
    "large control": (lambda p: load_control(p, device="cpu"), [
        "controlnet_blocks.0.weight", "pos_embed_input.proj.weight", "control_type",
        "time_text_embed.text_embedder.linear_1.weight", "transformer_blocks.0.attn.qkv.weight"]),
    "style": (lambda p: load_style_model(p, device="cpu"), ["redux_up.weight", "redux_down.weight", "style_embedding",
                                                            "proj"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_with_only_the_tensors_that_tell_its_kind_is_refused_by_name(
    kind: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    load, names = LOADERS[kind]
    for count in range(1, len(names) + 1):
        for start in range(len(names) - count + 1):
            chosen = names[start : start + count]
            path = tmp_path / "husk.safetensors"
            save_file({name: torch.zeros(shape) for name in chosen}, path)
            with pytest.raises(ModelFileError, match="husk"):
                load(path)


def test_what_a_hostile_pickle_wanted_is_named_without_advice_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return print, ("ran",)

    monkeypatch.setattr("diffusion.pickled.is_permitted", lambda: True)
    torch.save({"x": Hostile()}, tmp_path / "hostile.ckpt")

    with pytest.raises(ModelFileError) as caught:
        read_pickled(tmp_path / "hostile.ckpt")

    assert "print" in str(caught.value) and "weights_only" not in str(caught.value)


def test_a_file_of_averaged_weights_alone_says_so(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    start = "model.diffusion_model."
    alone = {
        f"model_ema.diffusion_model{name.removeprefix(start).replace('.', '')}" if name.startswith(start) else name: one
        for name, one in tensors.items()
    }
    save_file(alone, tmp_path / "averaged.safetensors")

    with pytest.raises(ModelFileError, match=r"averaged.safetensors' has no denoising network.*averaged weights"):
        load_checkpoint(tmp_path / "averaged.safetensors", device="cpu")


def test_encoders_whose_width_no_heads_can_share_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    text = {
        "text_model.embeddings.token_embedding.weight": torch.zeros(9, 200),
        "text_model.embeddings.position_embedding.weight": torch.zeros(77, 200),
        "text_model.encoder.layers.0.mlp.fc1.weight": torch.zeros(8, 200),
    }
    pictures = {
        "vision_model.embeddings.patch_embedding.weight": torch.zeros(20, 3, 14, 14),
        "vision_model.embeddings.position_embedding.weight": torch.zeros(5, 20),
        "vision_model.encoder.layers.0.mlp.fc1.weight": torch.zeros(8, 20),
    }
    for tensors, load in ((text, LOADERS["text"][0]), (pictures, LOADERS["pictures"][0])):
        save_file(tensors, path)
        with pytest.raises(ModelFileError, match=r"odd.*of width \d+, which \d+ heads cannot share"):
            load(path)
