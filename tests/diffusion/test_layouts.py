"""Every published layout is recognised from names and shapes alone; no weights are needed for that."""

from __future__ import annotations

import pytest
import torch

from diffusion.errors import UnknownModel
from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.unet import read_unet

Stage = tuple[int, list[int]]  # width, transformer depth of each residual block


def shapes(
    stages: list[Stage], ups: list[list[int]], middle: int | None, context: int, vector: int = 0, channels: int = 4
):  # type: ignore[no-untyped-def]
    """Names and shapes of a U-Net as its checkpoint would list them, as far as recognition needs them."""
    width = stages[0][0]
    found = {
        "input_blocks.0.0.weight": (width, channels, 3, 3),
        "time_embed.0.weight": (4 * width, width),
        "out.2.weight": (4, width, 3, 3),
    }

    def attention(prefix: str, depth: int, wide: int) -> None:
        for i in range(depth):
            found[f"{prefix}.transformer_blocks.{i}.norm1.weight"] = (wide,)
            found[f"{prefix}.transformer_blocks.{i}.attn2.to_k.weight"] = (wide, context)
        if depth:
            found[f"{prefix}.proj_in.weight"] = (wide, wide) if context != 768 else (wide, wide, 1, 1)

    index = 1
    for number, (wide, depths) in enumerate(stages):
        for depth in depths:
            found[f"input_blocks.{index}.0.in_layers.2.weight"] = (wide, wide, 3, 3)
            attention(f"input_blocks.{index}.1", depth, wide)
            index += 1
        if number < len(stages) - 1:
            found[f"input_blocks.{index}.0.op.weight"] = (wide, wide, 3, 3)
            index += 1
    if middle is not None:
        found["middle_block.0.in_layers.2.weight"] = (1, 1, 3, 3)
        attention("middle_block.1", middle, stages[-1][0])
    index = 0
    for (wide, _), depths in zip(reversed(stages), ups, strict=True):
        for depth in depths:
            found[f"output_blocks.{index}.0.in_layers.2.weight"] = (wide, wide, 3, 3)
            attention(f"output_blocks.{index}.1", depth, wide)
            index += 1
    if vector:
        found["label_emb.0.0.weight"] = (4 * width, vector)
    return found


SD1 = shapes(
    [(320, [1, 1]), (640, [1, 1]), (1280, [1, 1]), (1280, [0, 0])], [[0] * 3, [1] * 3, [1] * 3, [1] * 3], 1, 768
)
SDXL = shapes([(320, [0, 0]), (640, [2, 2]), (1280, [10, 10])], [[10] * 3, [2] * 3, [0] * 3], 10, 2048, 2816)
SSD_1B = shapes([(320, [0, 0]), (640, [2, 2]), (1280, [4, 4])], [[4, 4, 10], [2, 1, 1], [0] * 3], 0, 2048, 2816)
KOALA = shapes([(320, [0]), (640, [2]), (1280, [5])], [[5] * 2, [2] * 2, [0] * 2], None, 2048, 2816)
BK_SMALL = shapes([(320, [1]), (640, [1]), (1280, [1]), (1280, [0])], [[0] * 2, [1] * 2, [1] * 2, [1] * 2], None, 768)


def test_stable_diffusion_1_has_eight_heads_and_no_vector() -> None:
    config = read_unet(SD1).config

    assert config["attention_head_dim"] == (8, 8, 8, 8)
    assert config["block_out_channels"] == (320, 640, 1280, 1280)
    assert config["mid_block_type"] == "UNetMidBlock2DCrossAttn"
    assert "class_embed_type" not in config


def test_sdxl_has_heads_of_64_and_deep_blocks() -> None:
    config = read_unet(SDXL).config

    assert config["attention_head_dim"] == (5, 10, 20)
    assert config["transformer_layers_per_block"][1:] == [2, 10]
    assert config["down_block_types"][0] == "DownBlock2D"
    assert config["projection_class_embeddings_input_dim"] == 2816


def test_a_pruned_sdxl_keeps_its_uneven_depths() -> None:
    config = read_unet(SSD_1B).config

    assert config["reverse_transformer_layers_per_block"] == [[4, 4, 10], [2, 1, 1], 1]
    assert config["mid_block_type"] == "UNetMidBlock2D"


def test_a_network_without_middle_is_one_without_middle() -> None:
    config = read_unet(BK_SMALL).config

    assert config["mid_block_type"] is None
    assert config["layers_per_block"] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "found", [SD1, SDXL, SSD_1B, KOALA, BK_SMALL], ids=["sd1", "sdxl", "ssd1b", "koala", "bk small"]
)
def test_the_configuration_builds_and_every_name_translates_there_and_back(found) -> None:  # type: ignore[no-untyped-def]
    from diffusers import UNet2DConditionModel

    layout = read_unet(found)
    with torch.device("meta"):
        names = UNet2DConditionModel(**layout.config).state_dict()
    back = reverse(layout.table)
    originals = {rename(name, back) for name in names}

    assert None not in originals
    assert {rename(str(original), layout.table) for original in originals} == set(names)
    assert set(found) <= originals


def test_channels_beyond_the_latents_are_seen() -> None:
    assert read_unet({**SD1, "input_blocks.0.0.weight": (320, 9, 3, 3)}).config["in_channels"] == 9


def test_other_networks_are_refused() -> None:
    with pytest.raises(UnknownModel, match=r"'input_blocks.0.0.weight' is missing"):
        read_unet({"a": (1,)})
    with pytest.raises(UnknownModel, match="one context width"):
        read_unet({**SD1, "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 5)})
