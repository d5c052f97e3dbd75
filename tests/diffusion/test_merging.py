"""Models made of others, weight by weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diffusion.errors import ModelFileError
from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.merging import (
    added,
    attention_multiplied,
    merged,
    merged_by_part,
    subtracted,
    text_attention_multiplied,
    text_merged,
)
from diffusion.model import Model
from diffusion.network import Patches
from diffusion.testing import tiny_checkpoint, tiny_config
from diffusion.text.encoder import TextEncoder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("other") / "other.safetensors", seed=7))


def weights(model: Model) -> dict[str, torch.Tensor]:
    return {name: model.network.patched_weight(name, model.patches) for name in model.network.parameter_names()}


def test_a_blend_is_the_weighted_sum(tiny: Checkpoint, other: Checkpoint) -> None:
    own, second = weights(tiny.model), weights(other.model)

    for name, weight in weights(merged(tiny.model, other.model, 0.25)).items():
        torch.testing.assert_close(weight, 0.25 * own[name] + 0.75 * second[name])


def test_a_difference_added_to_what_was_subtracted_gives_the_first_again(tiny: Checkpoint, other: Checkpoint) -> None:
    difference = subtracted(tiny.model, other.model, 1.0)
    again = weights(added(other.model, difference))

    for name, weight in weights(tiny.model).items():
        torch.testing.assert_close(again[name], weight, rtol=1e-5, atol=1e-5)


def test_parts_are_blended_by_the_longest_name_that_fits(tiny: Checkpoint, other: Checkpoint) -> None:
    blend = merged_by_part(tiny.model, other.model, {"input": 1.0, "middle": 0.0, "out": 0.5, "out.": 0.0}, 1.0)
    result, own, second = weights(blend), weights(tiny.model), weights(other.model)

    assert torch.equal(result["conv_in.weight"], own["conv_in.weight"])
    assert torch.equal(result["time_embedding.linear_1.weight"], own["time_embedding.linear_1.weight"])
    name = "mid_block.resnets.0.conv1.weight"
    torch.testing.assert_close(result[name], second[name])
    name = "up_blocks.0.resnets.0.conv1.weight"
    torch.testing.assert_close(result[name], (own[name] + second[name]) / 2)
    torch.testing.assert_close(result["conv_out.weight"], second["conv_out.weight"])


def test_models_of_different_architecture_are_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    config = tiny_config()
    config["unet"] = {**config["unet"], "block_out_channels": [32, 32]}
    narrow = load_checkpoint(tiny_checkpoint(tmp_path / "narrow.safetensors", config=config))

    with pytest.raises(ModelFileError, match="not of one architecture"):
        merged(tiny.model, narrow.model, 0.5)


def test_a_variant_for_inpainting_keeps_its_first_convolution(
    tiny: Checkpoint, other: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny_config()
    config["unet"]["in_channels"] = 9
    wide = load_checkpoint(tiny_checkpoint(tmp_path / "wide.safetensors", 5, config), device="cpu").model

    result, own, difference = weights(added(wide, other.model)), weights(wide), weights(other.model)

    assert torch.equal(result["conv_in.weight"], own["conv_in.weight"])
    torch.testing.assert_close(result["conv_in.bias"], own["conv_in.bias"] + difference["conv_in.bias"])
    assert "without conv_in.weight" in caplog.text


def test_text_encoders_are_blended_too(tiny: Checkpoint, other: Checkpoint) -> None:
    assert tiny.clip is not None and other.clip is not None
    blend = text_merged(tiny.clip, other.clip, 0.5, 0.5)
    (tower,), (twin,) = blend.towers, other.clip.towers
    name = "encoder.layers.0.mlp.fc1.weight"

    result = tower.network.patched_weight(name, blend.patches["l"])
    expected = (tower.network.weights[name] + twin.network.weights[name]) / 2
    torch.testing.assert_close(result, expected.to(result.dtype), rtol=1e-2, atol=1e-3)


def test_a_changed_weight_of_the_other_model_is_not_rounded_before_it_is_blended(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    (tower,) = tiny.clip.towers
    name = "encoder.layers.0.mlp.fc1.weight"
    changed = tiny.clip.with_weights("l", {name: lambda weight: weight + 1e-5})

    blend = text_merged(tiny.clip, changed, 8.0, 8.0)
    original = tower.network.weights[name].float()
    assert torch.equal(
        tower.network.patched_weight(name, blend.patches["l"]), (8 * original + 8 * (original + 1e-5)).half()
    )


def test_the_projection_of_the_pooled_vector_is_blended_too(tiny: Checkpoint, other: Checkpoint) -> None:
    def projecting(checkpoint: Checkpoint, value: float) -> TextEncoder:
        assert checkpoint.clip is not None
        (tower,) = checkpoint.clip.towers
        return replace(checkpoint.clip, towers=(replace(tower, projection=torch.full((32, 4), value).half()),))

    (blend,) = text_merged(projecting(tiny, 1.0), projecting(other, 3.0), 0.25, 0.75).towers

    assert torch.equal(blend.projection, torch.full((32, 4), 2.5).half())  # type: ignore[union-attr, arg-type]


def test_multiplied_attention_multiplies_only_what_was_named(tiny: Checkpoint) -> None:
    own, result = weights(tiny.model), weights(attention_multiplied(tiny.model, "attn2", 2.0, 1.0, 1.0, 0.5))
    block = "down_blocks.0.attentions.0.transformer_blocks.0"

    torch.testing.assert_close(result[f"{block}.attn2.to_q.weight"], own[f"{block}.attn2.to_q.weight"] * 2)
    torch.testing.assert_close(result[f"{block}.attn2.to_out.0.bias"], own[f"{block}.attn2.to_out.0.bias"] / 2)
    assert torch.equal(result[f"{block}.attn1.to_q.weight"], own[f"{block}.attn1.to_q.weight"])


def test_multiplied_text_attention_changes_what_is_read(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    plain = tiny.clip.encode("a red circle")[0][0]
    same = text_attention_multiplied(tiny.clip, 1.0, 1.0, 1.0, 1.0).encode("a red circle")[0][0]
    other = text_attention_multiplied(tiny.clip, 1.0, 1.0, 0.0, 1.0).encode("a red circle")[0][0]

    torch.testing.assert_close(same, plain)
    assert (other - plain).abs().max() > 1e-4
    assert tiny.clip.patches.get("l", Patches()) == Patches()
