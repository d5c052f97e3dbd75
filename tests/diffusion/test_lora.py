"""LoRA files: every naming and algebra, applied and undone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.loading import Checkpoint
from diffusion.lora import apply_lora, read_lora
from diffusion.lora_algebra import _glora, _orthogonal

PARAMETER = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
UP, DOWN = torch.full((32, 2), 0.5), torch.full((2, 32), 0.25)
FULL = UP @ DOWN  # 0.25 everywhere

NAMINGS = {
    "kohya diffusers": "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_{}.weight",
    "kohya original": "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k.lora_{}.weight",
    "diffusers": "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora.{}.weight",
    "peft": "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_{}.weight",
    "native": "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.lora_{}.weight",
    "old diffusers": "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.{}.weight",
    "lycoris": "lycoris_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_{}.weight",
}


def write(tmp_path: Path, tensors: dict[str, Tensor]) -> Path:
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, tmp_path / "lora.safetensors")
    return tmp_path / "lora.safetensors"


def change_of(tiny: Checkpoint, path: Path, strength: float = 1.0) -> Tensor:
    """How a LoRA changes the parameter."""
    model, _ = apply_lora(read_lora(path), tiny.model, tiny.clip, strength, strength)
    assert model is not None
    before = tiny.model.network.weights[PARAMETER]
    return model.network.prepare(model.patches).state_dict()[PARAMETER] - before


@pytest.mark.parametrize("naming", NAMINGS)
def test_every_naming_reaches_its_weight(tiny: Checkpoint, tmp_path: Path, naming: str) -> None:
    pattern = NAMINGS[naming]
    parts = ("B", "A") if naming == "peft" else ("up", "down")
    path = write(tmp_path, {pattern.format(parts[0]): UP, pattern.format(parts[1]): DOWN})

    assert torch.allclose(change_of(tiny, path), FULL, atol=1e-6)


def test_alpha_and_strength_scale_the_change(tiny: Checkpoint, tmp_path: Path) -> None:
    pattern = NAMINGS["kohya original"]
    layer = pattern.removesuffix(".lora_{}.weight")
    tensors = {pattern.format("up"): UP, pattern.format("down"): DOWN, f"{layer}.alpha": torch.tensor(1.0)}
    path = write(tmp_path, tensors)

    assert torch.allclose(change_of(tiny, path, 0.5), FULL * 0.25, atol=1e-6)
    assert torch.allclose(change_of(tiny, path, -1.0), FULL * -0.5, atol=1e-6)


def test_a_patched_clone_leaves_the_original_as_it_was(tiny: Checkpoint, tmp_path: Path) -> None:
    pattern = NAMINGS["kohya original"]
    change_of(tiny, write(tmp_path, {pattern.format("up"): UP, pattern.format("down"): DOWN}))
    module = tiny.model.network.prepare(tiny.model.patches)

    assert torch.equal(module.state_dict()[PARAMETER], tiny.model.network.weights[PARAMETER])


def test_text_encoders_are_changed_too_and_their_weights_rounded(tiny: Checkpoint, tmp_path: Path) -> None:
    layer = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
    path = write(tmp_path, {f"{layer}.lora_up.weight": UP, f"{layer}.lora_down.weight": DOWN})
    _, clip = apply_lora(read_lora(path), tiny.model, tiny.clip, 1.0, 1.0)
    tower = tiny.clip.towers[0]  # type: ignore[union-attr]
    name = "encoder.layers.0.self_attn.q_proj.weight"
    found = tower.network.patched_weight(name, clip.patches["l"])  # type: ignore[union-attr]

    assert found.dtype == torch.float16
    assert torch.equal(found, (tower.network.weights[name].float() + FULL).half())


@pytest.mark.parametrize("algebra", ["loha", "lokr", "diff", "dora", "dora by columns", "set", "oft", "glora"])
def test_other_algebras_follow_their_definitions(tiny: Checkpoint, tmp_path: Path, algebra: str) -> None:
    layer = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k"
    weight = tiny.model.network.weights[PARAMETER].float()
    a, b = torch.randn(32, 2), torch.randn(2, 32)
    blocks = torch.randn(4, 8, 8) * 0.01
    skew = blocks - blocks.transpose(1, 2)
    rotation = (torch.eye(8) + skew) @ torch.linalg.inv(torch.eye(8) - skew)
    changed = weight + a @ b
    turned = torch.cat([turn.T @ rows for turn, rows in zip(rotation, weight.split(8), strict=True)])
    cases: dict[str, tuple[dict[str, Tensor], Tensor]] = {
        "loha": ({"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": UP, "hada_w2_b": DOWN}, (a @ b) * FULL),
        "lokr": (
            {"lokr_w1": a[:4, :2], "lokr_w2": torch.ones(8, 16)},
            torch.kron(a[:4, :2].contiguous(), torch.ones(8, 16)),
        ),
        "diff": ({"diff": FULL}, FULL),
        "set": ({"set_weight": FULL}, FULL - weight),
        "dora": (
            {"lora_up.weight": a, "lora_down.weight": b, "dora_scale": torch.ones(32, 1)},
            changed / changed.norm(dim=1, keepdim=True) - weight,
        ),
        "dora by columns": (
            {"lora_up.weight": a, "lora_down.weight": b, "dora_scale": torch.ones(1, 32)},
            changed / changed.norm(dim=0, keepdim=True) - weight,
        ),
        "oft": ({"oft_blocks": blocks}, turned - weight),
        "glora": (
            {"a1.weight": torch.randn(2, 32), "a2.weight": torch.randn(32, 2), "b1.weight": b, "b2.weight": a},
            torch.empty(0),
        ),
    }  # fmt: skip
    tensors, expected = cases[algebra]
    if algebra == "glora":
        expected = a @ b + weight @ tensors["a2.weight"] @ tensors["a1.weight"]
    path = write(tmp_path, {f"{layer}.{part}": tensor for part, tensor in tensors.items()})

    assert torch.allclose(change_of(tiny, path), expected, atol=1e-5)


def test_a_rotation_is_no_larger_than_its_constraint(tiny: Checkpoint, tmp_path: Path) -> None:
    layer = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k"
    blocks = torch.randn(4, 8, 8)
    skew = blocks - blocks.transpose(1, 2)
    half = blocks * 0.5 / float(skew.norm())
    limited = write(tmp_path, {f"{layer}.oft_blocks": blocks, f"{layer}.alpha": torch.tensor(0.5)})
    change = change_of(tiny, limited)

    assert torch.allclose(change, change_of(tiny, write(tmp_path, {f"{layer}.oft_blocks": half})), atol=1e-5)


def test_stages_of_rotations_join_rows_ever_further_apart() -> None:
    blocks, rescale = torch.randn(2, 2, 4, 4) * 0.1, torch.rand(8, 1)
    skew = blocks - blocks.transpose(-1, -2)
    turns = (torch.eye(4) + skew) @ torch.linalg.inv(torch.eye(4) - skew)
    weight = expected = torch.randn(8, 3)
    for turn, order in zip(turns, ([0, 2, 1, 3, 4, 6, 5, 7], [0, 4, 1, 5, 2, 6, 3, 7]), strict=True):
        after = torch.cat([block @ rows for block, rows in zip(turn, expected[order].split(4), strict=True)])
        expected = torch.empty_like(after)
        expected[order] = after

    found = weight + _orthogonal(blocks, rescale, None)(weight)

    torch.testing.assert_close(found, expected * rescale)


def test_a_glora_mixes_the_input_channels_of_a_convolution() -> None:
    weight, parts = torch.randn(5, 4, 3, 3), {"glora_a1": torch.randn(4, 2), "glora_a2": torch.randn(2, 4)}
    parts |= {"glora_b1": torch.randn(5, 2), "glora_b2": torch.randn(2, 36)}

    found = _glora(parts, None)(weight)

    mixed = torch.einsum("oikl,ir,rj->ojkl", weight, parts["glora_a1"], parts["glora_a2"])
    expected = mixed + (parts["glora_b1"] @ parts["glora_b2"]).view(5, 4, 3, 3)
    torch.testing.assert_close(found, expected)


def test_a_lora_for_another_family_is_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    path = write(tmp_path, {"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": UP})
    with pytest.raises(ModelFileError, match=r"fits neither model nor text encoder.*another model family"):
        change_of(tiny, path)

    pattern = NAMINGS["kohya original"]
    path = write(tmp_path, {pattern.format("up"): torch.ones(64, 2), pattern.format("down"): torch.ones(2, 64)})
    with pytest.raises(ModelFileError, match=r"does not fit the model's weight of shape \(32, 32\)"):
        change_of(tiny, path)


def test_a_first_convolution_of_other_width_is_left_out(
    tiny: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights = tiny.model.network.weights
    layer = NAMINGS["kohya original"].removesuffix(".lora_{}.weight")
    tensors = {f"{layer}.diff": FULL, "lora_unet_input_blocks_0_0.diff": torch.ones(32, 9, 3, 3)}
    others = [name for name in tiny.model.network.parameter_names() if name.endswith("to_q.weight")]
    tensors |= {f"unet.{name.removesuffix('.weight')}.diff": weights[name] * 0 for name in others}

    assert torch.allclose(change_of(tiny, write(tmp_path, tensors)), FULL, atol=1e-6)
    assert "the change for 'lora_unet_input_blocks_0_0' does not fit" in caplog.text


def test_tensors_of_shapes_that_no_lora_has_are_refused_by_name(tiny: Checkpoint, tmp_path: Path) -> None:
    layer = NAMINGS["kohya original"].removesuffix(".lora_{}.weight")
    pair = {f"{layer}.lora_up.weight": UP, f"{layer}.lora_down.weight": DOWN}
    bias = "lora_unet_input_blocks_0_0.diff_b"
    cases = ({f"{layer}.alpha": torch.ones(3)}, {f"{layer}.lora_up.weight": torch.ones(())}, {bias: torch.ones(7)},
             {f"{layer}.reshape_weight": torch.tensor([4, 4])}, {f"{layer}.dora_scale": torch.ones(3)})  # fmt: skip
    for odd in cases:
        with pytest.raises(ModelFileError, match=r"lora\.safetensors"):
            apply_lora(read_lora(write(tmp_path, pair | odd)), tiny.model, tiny.clip, 1.0, 1.0)


def test_tensors_that_match_nothing_are_logged(tiny: Checkpoint, tmp_path: Path, caplog) -> None:  # type: ignore[no-untyped-def]
    pattern = NAMINGS["kohya original"]
    tensors = {pattern.format("up"): UP, pattern.format("down"): DOWN, "lora_unet_elsewhere.lora_up.weight": UP}
    change_of(tiny, write(tmp_path, tensors))

    assert "1 of 3 tensors match nothing here" in caplog.text
