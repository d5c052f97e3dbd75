"""Every common naming of LoRA files changes exactly the tensors that it names.

Each row is what one trainer calls a layer, and where the rows of that layer lie in the network.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from diffusion.loading import Checkpoint
from diffusion.lora import LoraFile, apply_lora, with_lora
from diffusion.model import Model
from diffusion.network import Network, Patches
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import ClipTower, T5Tower
from tests.diffusion.test_transformers import loaded

UPS = {"up": "B", "down": "A"}


class Row(NamedTuple):
    """What a trainer calls a layer.

    Attributes:
        part: `model`, or the text encoder.
        targets: parameters that hold the layer's rows, in their order.
        peft: the pair is called `lora_B` and `lora_A`.
    """

    trainer: str
    part: str
    name: str
    targets: tuple[str, ...]
    peft: bool = False


ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
TEXT = "encoder.layers.1.self_attn.q_proj"
UNET = (
    Row("kohya", "model", "lora_unet_" + ATTENTION.replace(".", "_"), (ATTENTION,)),
    Row("kohya, original blocks", "model", "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k", (ATTENTION,)),
    Row("diffusers", "model", f"unet.{ATTENTION}.", (ATTENTION,)),
    Row("diffusers with peft", "model", f"unet.{ATTENTION}", (ATTENTION,), True),
    Row("peft", "model", f"base_model.model.{ATTENTION}", (ATTENTION,), True),
    Row("no prefix", "model", ATTENTION, (ATTENTION,), True),
    Row("established tool", "model", "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k", (ATTENTION,)),
    Row("LyCORIS in SimpleTuner", "model", "lycoris_" + ATTENTION.replace(".", "_"), (ATTENTION,)),
    Row("LoCon", "model", "lora_unet_mid_block_resnets_0_conv1", ("mid_block.resnets.0.conv1",)),
    Row("LoCon, time", "model", "lora_unet_middle_block_0_emb_layers_1", ("mid_block.resnets.0.time_emb_proj",)),
    Row("kohya", "l", "lora_te_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
    Row("diffusers", "l", f"text_encoder.text_model.{TEXT}.", (TEXT,)),
    Row("diffusers with peft", "l", f"text_encoder.text_model.{TEXT}", (TEXT,), True),
    Row("established tool", "l", f"text_encoders.clip_l.transformer.text_model.{TEXT}", (TEXT,)),
)
XL = (
    Row("kohya", "l", "lora_te1_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
    Row("kohya", "g", "lora_te2_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
    Row("diffusers", "l", f"text_encoder.text_model.{TEXT}", (TEXT,), True),
    Row("diffusers", "g", f"text_encoder_2.text_model.{TEXT}", (TEXT,), True),
    Row("established tool", "g", f"text_encoders.clip_g.transformer.text_model.{TEXT}", (TEXT,)),
)
REFINER = (
    Row("kohya", "g", "lora_te_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
    Row("diffusers", "g", f"text_encoder.text_model.{TEXT}", (TEXT,), True),
    Row("kohya, second", "g", "lora_te2_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
)
SD2 = (
    Row("kohya", "h", "lora_te_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
    Row("diffusers", "h", f"text_encoder.text_model.{TEXT}", (TEXT,), True),
    Row("established tool", "h", f"text_encoders.clip_h.transformer.text_model.{TEXT}", (TEXT,)),
)
T5 = "encoder.block.0.layer.0.SelfAttention.q"
QKV = tuple(f"transformer_blocks.0.attn.to_{part}" for part in "qkv")
ADDED = tuple(f"transformer_blocks.0.attn.add_{part}_proj" for part in "qkv")
SD3 = (
    Row("kohya", "model", "lora_unet_joint_blocks_0_x_block_attn_qkv", QKV),
    Row("kohya", "model", "lora_unet_joint_blocks_0_context_block_attn_qkv", ADDED),
    Row("kohya", "model", "lora_unet_joint_blocks_0_x_block_mlp_fc1", ("transformer_blocks.0.ff.net.0.proj",)),
    Row("established tool", "model", "diffusion_model.joint_blocks.0.x_block.attn.qkv", QKV),
    Row("diffusers", "model", f"transformer.{QKV[0]}", (QKV[0],), True),
    Row("peft", "model", f"base_model.model.{QKV[1]}", (QKV[1],), True),
    Row("OneTrainer", "model", "lora_transformer_" + QKV[2].replace(".", "_"), (QKV[2],)),
    Row("SimpleTuner", "model", "lycoris_" + QKV[0].replace(".", "_"), (QKV[0],)),
    Row("kohya", "t5xxl", "lora_te3_" + T5.replace(".", "_"), (T5,)),
    Row("diffusers", "t5xxl", f"text_encoder_3.{T5}", (T5,), True),
    Row("established tool", "t5xxl", f"text_encoders.t5xxl.transformer.{T5}", (T5,)),
)
SINGLE = tuple(f"single_transformer_blocks.0.{part}" for part in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"))
OUT = "single_transformer_blocks.0.proj_out"
FLUX = (
    Row("kohya", "model", "lora_unet_double_blocks_0_img_attn_qkv", QKV),
    Row("kohya", "model", "lora_unet_single_blocks_0_linear1", SINGLE),
    Row("kohya", "model", "lora_unet_single_blocks_0_linear2", (OUT,)),
    Row("kohya", "model", "lora_unet_double_blocks_0_txt_mod_lin", ("transformer_blocks.0.norm1_context.linear",)),
    Row("AI-toolkit", "model", f"transformer.{SINGLE[0]}", (SINGLE[0],), True),
    Row("Black Forest Labs, through diffusers", "model", "transformer.x_embedder", ("x_embedder",), True),
    Row("kohya", "model", "lora_unet_final_layer_linear", ("proj_out",)),
    Row("AI-toolkit, original", "model", "diffusion_model.single_blocks.0.linear1", SINGLE, True),
    Row("fal", "model", "base_model.model.double_blocks.0.txt_attn.qkv", ADDED, True),
    Row("Black Forest Labs", "model", "double_blocks.0.img_attn.qkv", QKV, True),
    Row("XLabs", "model", "double_blocks.0.processor.qkv_lora1.", QKV),
    Row("XLabs", "model", "double_blocks.0.processor.qkv_lora2.", ADDED),
    Row("XLabs", "model", "double_blocks.0.processor.proj_lora1.", ("transformer_blocks.0.attn.to_out.0",)),
    Row("XLabs", "model", "diffusion_model.double_blocks.0.processor.proj_lora2.",
        ("transformer_blocks.0.attn.to_add_out",)),
    Row("XLabs", "model", "single_blocks.0.processor.qkv_lora.", SINGLE[:3]),
    Row("XLabs", "model", "single_blocks.0.processor.proj_lora.", (OUT,)),
    Row("OneTrainer", "model", "lora_transformer_" + OUT.replace(".", "_"), (OUT,)),
    Row("SimpleTuner", "model", "lycoris_" + OUT.replace(".", "_"), (OUT,)),
    Row("kohya", "l", "lora_te1_text_model_" + TEXT.replace(".", "_"), (TEXT,)),
    Row("kohya", "t5xxl", "lora_te3_" + T5.replace(".", "_"), (T5,)),
    Row("OneTrainer", "t5xxl", "lora_te2_" + T5.replace(".", "_"), (T5,)),
    Row("diffusers", "t5xxl", f"text_encoder_2.{T5}", (T5,), True),
)  # fmt: skip
FAMILIES = {"unet": UNET, "sd2": SD2, "xl": XL, "refiner": REFINER, "sd3": SD3, "flux": FLUX}


class Parts(NamedTuple):
    """A tiny model with its text encoders."""

    model: Model
    clip: TextEncoder


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    folder: Path = tmp_path_factory.mktemp("transformers")
    return {kind: loaded(kind, folder) for kind in ("sd3", "flux")}


@pytest.fixture
def parts(request: pytest.FixtureRequest, tiny: Checkpoint, transformers: dict[str, Model], tiny_t5: T5Tower) -> Parts:
    family = request.node.callspec.params["family"]
    assert tiny.clip is not None
    (own,) = tiny.clip.towers
    first, second = replace(own, name="l"), replace(own, name="g")
    towers = {
        "unet": (first,), "sd2": (replace(own, name="h"),), "xl": (first, second), "refiner": (second,),
        "sd3": (first, second, tiny_t5), "flux": (first, tiny_t5),
    }[family]  # fmt: skip
    return Parts(transformers.get(family, tiny.model), TextEncoder(towers))


def pair(row: Row, rows: int, columns: int) -> tuple[dict[str, Tensor], Tensor]:
    """The tensors of a row in a file, and the change they make."""
    made = torch.Generator().manual_seed(11)
    tensors = {"up": torch.randn(rows, 2, generator=made), "down": torch.randn(2, columns, generator=made)}
    if row.name.endswith("."):
        processor = ".processor." in row.name
        names = {kind: f"{row.name}{kind}.weight" if processor else f"{row.name}lora.{kind}.weight" for kind in tensors}
    else:
        names = {kind: f"{row.name}.lora_{UPS[kind] if row.peft else kind}.weight" for kind in tensors}
    return {names[kind]: tensor for kind, tensor in tensors.items()}, tensors["up"] @ tensors["down"]


def network_of(parts: Parts, part: str) -> Network:
    return parts.model.network if part == "model" else {t.name: t for t in parts.clip.towers}[part].network


@pytest.mark.parametrize(
    ("family", "row"),
    [(family, row) for family, rows in FAMILIES.items() for row in rows],
    ids=lambda value: value if isinstance(value, str) else f"{value.trainer}: {value.name}",
)
def test_a_name_changes_exactly_its_tensors(family: str, row: Row, parts: Parts) -> None:
    network = network_of(parts, row.part)
    weights = [network.weights[f"{target}.weight"] for target in row.targets]
    tensors, change = pair(row, sum(len(weight) for weight in weights), weights[0][0].numel())

    model, clip = apply_lora(LoraFile(row.trainer, tensors), parts.model, parts.clip, 0.5, 0.5)

    assert model is not None and clip is not None
    patched = {name: patches for name, patches in {"model": model.patches, **clip.patches}.items() if patches.by_name}
    assert list(patched) == [row.part]
    assert set(patched[row.part].by_name) == {f"{target}.weight" for target in row.targets}
    start = 0
    for target, weight in zip(row.targets, weights, strict=True):
        own = 0.5 * change[start : start + len(weight)].reshape(weight.shape)
        (patch,) = patched[row.part].by_name[f"{target}.weight"]
        torch.testing.assert_close(patch(weight.float()), weight.float() + own, atol=1e-5, rtol=1e-5)
        start += len(weight)


@pytest.mark.parametrize("family", ["unet"])
def test_whole_differences_norms_and_biases_are_added(family: str, parts: Parts) -> None:
    norm, bias = "mid_block.resnets.0.norm1", torch.full((64,), 0.25)
    convolution = parts.model.network.weights["conv_in.weight"]
    tensors = {
        "lora_unet_mid_block_resnets_0_norm1.w_norm": bias, "lora_unet_mid_block_resnets_0_norm1.b_norm": 2 * bias,
        "lora_unet_input_blocks_0_0.diff": torch.ones_like(convolution), "lora_unet_conv_in.diff_b": torch.ones(32),
        "lora_te_text_model_final_layer_norm.w_norm": torch.ones(32),
    }  # fmt: skip

    model, clip = apply_lora(LoraFile("LyCORIS", tensors), parts.model, parts.clip, 0.5, 2.0)

    assert model is not None and clip is not None
    expected = {f"{norm}.weight": 0.125, f"{norm}.bias": 0.25, "conv_in.weight": 0.5, "conv_in.bias": 0.5}
    assert set(model.patches.by_name) == set(expected)
    for name, added in expected.items():
        weight = parts.model.network.weights[name]
        torch.testing.assert_close(changed(weight, model.patches, name), weight + added)
    (own,) = clip.towers
    weight = own.network.weights["final_layer_norm.weight"].float()
    torch.testing.assert_close(changed(weight, clip.patches["l"], "final_layer_norm.weight"), weight + 2)


@pytest.mark.parametrize("family", ["xl"])
def test_the_projection_of_the_pooled_vector_is_changed_where_it_is_read(family: str, parts: Parts) -> None:
    first, second = parts.clip.towers
    projection = torch.randn(32, 12, generator=torch.Generator().manual_seed(2)).half()
    clip = replace(parts.clip, towers=(first, replace(second, projection=projection)))
    tensors = {f"lora_te{number}_text_projection.lora_{part}.weight": torch.ones(size) for number in (1, 2)
               for part, size in (("up", (12, 2)), ("down", (2, 32)))}  # fmt: skip

    found = with_lora(LoraFile("OneTrainer", tensors), None, clip, 0.0, 0.25)

    assert found.used == set(tensors) and found.clip is not None
    one, other = (tower.projection for tower in found.clip.towers if isinstance(tower, ClipTower))
    assert one is None and other is not None
    torch.testing.assert_close(other, projection + 0.5)
    assert torch.equal(projection, clip.towers[1].projection)  # type: ignore[union-attr, arg-type]


def changed(weight: Tensor, patches: Patches, name: str) -> Tensor:
    for patch in patches.by_name[name]:
        weight = patch(weight.float())
    return weight


@pytest.mark.parametrize("family", ["unet"])
def test_names_that_fit_nothing_are_said(family: str, parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    tensors, _ = pair(UNET[0], 32, 32)
    stray = {"lora_unet_no_such_layer.lora_up.weight": torch.zeros(1, 1), "lora_te9_x.alpha": torch.zeros(()),
             "lora_unet_" + ATTENTION.replace(".", "_") + ".diff_b": torch.zeros(32)}  # fmt: skip

    with caplog.at_level(logging.WARNING):
        apply_lora(LoraFile("a file", {**tensors, **stray}), parts.model, parts.clip, 1.0, 1.0)

    (record,) = caplog.records
    assert "'a file': 3 of 5 tensors match nothing here" in record.getMessage()
    assert "lora_te9_x" in record.getMessage() and "no_such_layer" in record.getMessage()
