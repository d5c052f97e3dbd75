"""Stable Diffusion 3 and Flux on tiny random transformers, in the original layout and that of diffusers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.errors import MissingWeights
from diffusion.families.family import Scene
from diffusion.families.flux import _placed, patches
from diffusion.layouts.transformers import TransformerLayout, flux_layout, original_shapes, sd3_layout
from diffusion.loading import load_diffusion_model
from diffusion.lora import LoraFile, apply_lora, read_lora
from diffusion.lora_algebra import changes_of_layer
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.conditioning import prepare
from diffusion.sampling.evaluate import Evaluator


def flux_module() -> Any:
    from diffusers import FluxTransformer2DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=2, num_single_layers=2, attention_head_dim=128,
            num_attention_heads=1, joint_attention_dim=48, pooled_projection_dim=768, guidance_embeds=True,
        )  # fmt: skip


def sd3_module() -> Any:
    from diffusers import SD3Transformer2DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return SD3Transformer2DModel(
            sample_size=16, patch_size=2, in_channels=16, num_layers=2, attention_head_dim=64, num_attention_heads=2,
            joint_attention_dim=48, caption_projection_dim=128, pooled_projection_dim=2048, out_channels=16,
            pos_embed_max_size=16, dual_attention_layers=(0,), qk_norm="rms_norm",
        )  # fmt: skip


KINDS: dict[str, tuple[Callable[[], Any], Callable[..., TransformerLayout]]] = {
    "flux": (flux_module, flux_layout), "sd3": (sd3_module, sd3_layout),
}  # fmt: skip


def original(kind: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under their original names, fused."""
    return KINDS[kind][1](original_shapes(tensors, flux=kind == "flux")).restore(tensors)


def loaded(kind: str, tmp_path: Path, layout: str = "original") -> Model:
    tensors = KINDS[kind][0]().state_dict()
    if layout == "original":
        tensors = original(kind, tensors)
    path = tmp_path / f"{kind}-{layout}.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    return load_diffusion_model(path, device="cpu")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["original", "diffusers"])
def test_both_layouts_are_the_same_network(tmp_path: Path, kind: str, layout: str) -> None:
    expected = KINDS[kind][0]().state_dict()

    model = loaded(kind, tmp_path, layout)

    assert model.family.name == kind
    found = model.network.prepare().state_dict()
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("kind", ["sd3"])
def test_the_translation_is_that_of_diffusers_own_converter(tmp_path: Path, kind: str) -> None:
    from diffusers.loaders.single_file_utils import convert_sd3_transformer_checkpoint_to_diffusers

    tensors = KINDS[kind][0]().state_dict()

    converted = convert_sd3_transformer_checkpoint_to_diffusers(original(kind, tensors))

    assert set(converted) == set(tensors)
    assert all(torch.equal(converted[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fused_layer_is_cut_without_a_copy(tmp_path: Path, kind: str) -> None:
    weights = loaded(kind, tmp_path).network.weights
    first, second = (weights[f"transformer_blocks.0.attn.to_{part}.weight"] for part in "qk")

    assert second.data_ptr() == first.data_ptr() + first.numel() * first.element_size()


FUSED = {
    "flux": ("single_blocks.1.linear1", "lora_unet_single_blocks_1_linear1"),
    "sd3": ("joint_blocks.0.x_block.attn.qkv", "lora_unet_joint_blocks_0_x_block_attn_qkv"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["original", "diffusers"])
@pytest.mark.parametrize("naming", ["kohya", "native"])
def test_a_lora_for_a_fused_layer_changes_all_its_parts(tmp_path: Path, kind: str, layout: str, naming: str) -> None:
    model = loaded(kind, tmp_path, layout)
    layer, flat = FUSED[kind]
    rows, columns = original(kind, KINDS[kind][0]().state_dict())[f"{layer}.weight"].shape
    made = torch.Generator().manual_seed(5)
    up, down = torch.randn(rows, 3, generator=made), torch.randn(3, columns, generator=made)
    name = flat if naming == "kohya" else f"diffusion_model.{layer}"
    save_file({f"{name}.lora_up.weight": up, f"{name}.lora_down.weight": down}, tmp_path / "lora.safetensors")

    changed, _ = apply_lora(read_lora(tmp_path / "lora.safetensors"), model, None, 0.5, 0.0)

    assert changed is not None
    before = dict(model.network.weights)
    after = changed.network.prepare(changed.patches).state_dict()
    for piece in model.network.pieces[layer]:
        expected = before[f"{piece.layer}.weight"] + 0.5 * (up @ down)[piece.start : piece.start + piece.rows]
        torch.testing.assert_close(after[f"{piece.layer}.weight"], expected)


@pytest.mark.parametrize("algebra", ["oft", "set", "glora", "dora by columns", "dora by rows"])
def test_a_change_that_depends_on_the_whole_layer_sees_all_its_parts(tmp_path: Path, algebra: str) -> None:
    model = loaded("sd3", tmp_path)
    layer = "joint_blocks.0.x_block.attn.qkv"
    whole = original("sd3", sd3_module().state_dict())[f"{layer}.weight"]
    rows, columns = whole.shape
    made = torch.Generator().manual_seed(6)
    low = {"lora_up.weight": torch.randn(rows, 2, generator=made), "lora_down.weight": torch.randn(2, columns)}
    tensors = {
        "oft": {"oft_blocks": torch.randn(2, rows // 2, rows // 2, generator=made) * 0.01},
        "set": {"set_weight": torch.randn(rows, columns, generator=made)},
        "glora": {f"{part}.weight": torch.randn(size, generator=made) * 0.1 for part, size in
                  (("a1", (columns, 2)), ("a2", (2, columns)), ("b1", (rows, 2)), ("b2", (2, columns)))},
        "dora by columns": low | {"dora_scale": torch.rand(1, columns, generator=made)},
        "dora by rows": low | {"dora_scale": torch.rand(rows, 1, generator=made)},
    }[algebra]  # fmt: skip
    lora = LoraFile(algebra, {f"diffusion_model.{layer}.{name}": tensor for name, tensor in tensors.items()})

    changed, _ = apply_lora(lora, model, None, 0.5, 0.0)

    roles = {"oft_blocks": "oft", "set_weight": "set", "dora_scale": "dora", "lora_up.weight": "up",
             "lora_down.weight": "down"}  # fmt: skip
    parts = {roles.get(name) or f"glora_{name.removesuffix('.weight')}": one for name, one in tensors.items()}
    ((_, expected),) = changes_of_layer(parts, "weight", 0.5)
    assert changed is not None
    after = changed.network.prepare(changed.patches).state_dict()
    found = torch.cat([after[f"transformer_blocks.0.attn.to_{part}.weight"] for part in "qkv"])
    torch.testing.assert_close(found, expected(whole), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_ends_in_finite_numbers_of_the_latents_shape(tmp_path: Path, kind: str) -> None:
    model = loaded(kind, tmp_path)
    latent = torch.zeros(1, 16, 5, 7)  # odd sides are padded for the patches
    text = [[torch.zeros(1, 9, 48), {"pooled_output": None}]]

    out = sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=2.0,
        sampler="euler", schedule="simple", steps=2, seed=1,
    )  # fmt: skip

    assert out.shape == latent.shape
    assert out.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_shorter_text_is_not_repeated_to_share_a_call(tmp_path: Path, kind: str) -> None:
    model = loaded(kind, tmp_path)
    long, short = torch.randn(1, 18, 48, generator=torch.Generator().manual_seed(1)), torch.ones(1, 9, 48)
    lists = {role: [[text, {}]] for role, text in (("positive", long), ("negative", short))}
    x = torch.randn(1, 16, 4, 4, generator=torch.Generator().manual_seed(2))
    entries = prepare(lists, model.family, model.prediction, x, None, None)
    evaluator = Evaluator(model, model.network.prepare(), torch.tensor([0.5, 0.0]))

    with torch.inference_mode():
        together = evaluator([entries["positive"], entries["negative"]], x, torch.tensor(0.5))
        (alone,) = evaluator([entries["negative"]], x, torch.tensor(0.5))

    torch.testing.assert_close(together[1], alone)


@pytest.mark.parametrize(("kind", "prefix"), [("flux", "vector_in"), ("sd3", "context_embedder")])
def test_an_incomplete_transformer_is_named(tmp_path: Path, kind: str, prefix: str) -> None:
    tensors = original(kind, KINDS[kind][0]().state_dict())
    save_file({n: t.clone() for n, t in tensors.items() if not n.startswith(prefix)}, tmp_path / "part.safetensors")

    with pytest.raises(MissingWeights, match=r"part.safetensors' lacks tensors that tell the size"):
        load_diffusion_model(tmp_path / "part.safetensors", device="cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_block_part_is_listed(tmp_path: Path, kind: str) -> None:
    tensors = original(kind, KINDS[kind][0]().state_dict())
    del tensors[next(name for name in tensors if "blocks.1." in name and name.endswith("qkv.weight"))]
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "part.safetensors")

    with pytest.raises(MissingWeights, match=r"lacks 3 of the \d+ tensors.*transformer_blocks.1 \(3\)"):
        load_diffusion_model(tmp_path / "part.safetensors", device="cpu")


def flux_output(model: Model, options: dict[str, Any]) -> Tensor:
    """What Flux makes of a small latent."""
    x = torch.randn(1, 16, 4, 6, generator=torch.Generator().manual_seed(4))
    text = torch.ones(1, 9, 48)
    inputs = model.family.inputs(text, options, Scene(x, None, None, False))
    with torch.inference_mode():
        return model.family.call(model.network.prepare(), x, torch.tensor([0.5]), inputs)


def test_a_guidance_number_may_be_left_out(tmp_path: Path) -> None:
    model = loaded("flux", tmp_path)
    usual = flux_output(model, {})

    assert torch.equal(flux_output(model, {"guidance": 3.5}), usual)
    assert not torch.allclose(flux_output(model, {"guidance": None}), usual)
    assert torch.equal(flux_output(model, {}), usual), "the network is as it was"


def test_reference_pictures_are_seen_but_not_painted(tmp_path: Path) -> None:
    model = loaded("flux", tmp_path)
    shown = flux_output(model, {"reference_latents": [torch.ones(1, 16, 8, 3)]})

    assert shown.shape == (1, 16, 4, 6)
    assert not torch.allclose(shown, flux_output(model, {}))
    other = flux_output(model, {"reference_latents": [torch.ones(1, 16, 8, 3)], "reference_latents_method": "uxo"})
    assert not torch.allclose(shown, other)


@pytest.mark.parametrize(
    ("method", "places"),
    [
        ("offset", [(1, 0, 0), (1, 0, 6), (1, 8, 0)]),
        ("index", [(1, 0, 0), (2, 0, 0), (3, 0, 0)]),
        ("uxo", [(0, 6, 8), (0, 14, 14), (0, 22, 20)]),
    ],
)
def test_several_references_are_told_apart_by_their_places(method: str, places: list[tuple[int, int, int]]) -> None:
    names = [f"reference {number} {method}" for number in range(3)]
    inputs = {"context": torch.ones(1), **dict.fromkeys(names, torch.ones(1, 16, 8, 6))}

    assert [place for _, place in _placed(inputs, (5, 8))] == places


def test_a_reference_counts_its_positions_from_its_corner() -> None:
    tokens, positions = patches(torch.ones(2, 16, 3, 4), 1, 5, 8)

    assert tokens.shape == (2, 4, 64)
    assert positions.tolist() == [[1, 3, 4], [1, 3, 5], [1, 4, 4], [1, 4, 5]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["original", "diffusers"])
def test_what_is_saved_has_the_original_names_and_is_read_again(tmp_path: Path, kind: str, layout: str) -> None:
    from diffusion.saving import network_tensors

    expected = original(kind, KINDS[kind][0]().state_dict())

    written = network_tensors(loaded(kind, tmp_path, layout))

    assert written.keys() == expected.keys()
    assert all(torch.equal(written[name], tensor) for name, tensor in expected.items())
    assert ("double_blocks.0.img_attn.norm.query_norm.scale" if kind == "flux" else "pos_embed") in written


@pytest.mark.parametrize(("kind", "part"), [("flux", "double_blocks.1."), ("sd3", "joint_blocks.1.")])
def test_parts_are_merged_by_their_original_names(tmp_path: Path, kind: str, part: str) -> None:
    from diffusion.merging import merged_by_part
    from diffusion.saving import network_tensors

    first = loaded(kind, tmp_path)
    tensors = {name: tensor + 1.0 for name, tensor in original(kind, KINDS[kind][0]().state_dict()).items()}
    save_file(tensors, tmp_path / "second.safetensors")
    second = load_diffusion_model(tmp_path / "second.safetensors", device="cpu")

    merged = network_tensors(merged_by_part(first, second, {part: 0.25}, 1.0))

    for name, tensor in network_tensors(first).items():
        torch.testing.assert_close(merged[name], tensor + 0.75 if name.startswith(part) else tensor)
