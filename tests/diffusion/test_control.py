"""Control networks on a tiny model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from diffusion.control import ControlNet
from diffusion.control_loading import load_control
from diffusion.errors import ModelFileError, SamplingError, UnknownModel
from diffusion.layouts.control import layout_of, original_shapes
from diffusion.layouts.renaming import rename, reverse
from diffusion.loading import Checkpoint
from diffusion.residuals import Residuals
from diffusion.sampling import prepare_noise, sample


def tiny_control(original: bool) -> dict[str, torch.Tensor]:
    """A random ControlNet for the tiny model, in the original names or those of diffusers."""
    from diffusers import ControlNetModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        module = ControlNetModel(
            block_out_channels=(32, 64), layers_per_block=1, attention_head_dim=1, cross_attention_dim=32,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), norm_num_groups=32,
            conditioning_embedding_out_channels=(16, 32, 96, 256),
        )  # fmt: skip
        tensors = {name: torch.randn_like(tensor) * 0.1 for name, tensor in module.state_dict().items()}
    if not original:
        return tensors
    layout = layout_of(original_shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()}), "tiny")
    back = reverse(layout.table)
    spread = {f"input_hint_block.{i}": f"input_hint_block.{2 * i}" for i in range(8)}
    result = {}
    for name, tensor in tensors.items():
        old = rename(name, back)
        assert old is not None, name
        result["control_model." + (rename(old, spread) or old)] = tensor
    return result


@pytest.fixture(scope="module", params=[True, False], ids=["original", "diffusers"])
def control(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ControlNet:
    path: Path = tmp_path_factory.mktemp("control") / "control.safetensors"
    save_file(tiny_control(request.param), path)
    return load_control(path, device="cpu")


def run(tiny: Checkpoint, *applied: ControlNet | None) -> torch.Tensor:
    """A short run with a control network on the positive, and perhaps the negative, side."""
    assert tiny.clip is not None
    latent = torch.zeros(1, 4, 8, 8)
    sides: list[Any] = []
    for text, one in zip(("red", ""), applied, strict=True):
        options = {} if one is None else {"control": one}
        sides.append([[tiny.clip.encode(text)[0][0], options]])
    return sample(
        tiny.model, noise=prepare_noise(latent, 1), latent=latent, positive=sides[0], negative=sides[1],
        guidance_scale=2.0, sampler="euler", schedule="normal", steps=2, seed=1,
    )  # fmt: skip


def test_a_picture_steers_and_zero_strength_does_not(tiny: Checkpoint, control: ControlNet) -> None:
    white, black = torch.ones(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    plain = run(tiny, None, None)
    seen = [run(tiny, one, one) for one in (control.applied(white, 1.0), control.applied(black, 1.0))]
    off = control.applied(white, 0.0)

    assert not torch.allclose(seen[0], plain, atol=1e-3)
    assert not torch.allclose(seen[0], seen[1], atol=1e-4)
    assert torch.allclose(run(tiny, off, off), plain, atol=1e-4)


def test_the_picture_goes_through_eight_convolutions_three_of_which_halve_it(tmp_path: Path) -> None:
    tensors = tiny_control(original=True)
    save_file(tensors, tmp_path / "control.safetensors")
    hint = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    expected = hint
    for index, stride in enumerate((1, 1, 2, 1, 2, 1, 2, 1)):
        name = f"control_model.input_hint_block.{2 * index}"
        expected = torch.nn.functional.silu(expected) if index else expected
        expected = torch.nn.functional.conv2d(
            expected, tensors[f"{name}.weight"], tensors[f"{name}.bias"], stride=stride, padding=1
        )

    module = load_control(tmp_path / "control.safetensors", device="cpu").network.prepare()

    with torch.inference_mode():
        torch.testing.assert_close(module.controlnet_cond_embedding(hint), expected)  # type: ignore[operator]


def test_it_rests_outside_its_range(tiny: Checkpoint, control: ControlNet) -> None:
    never = control.applied(torch.ones(1, 3, 64, 64), 1.0, 1.0, 1.0)

    assert torch.allclose(run(tiny, never, never), run(tiny, None, None), atol=1e-4)


def test_two_at_half_strength_are_one(tiny: Checkpoint, control: ControlNet) -> None:
    hint = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    whole = control.applied(hint, 1.0)
    halves = control.applied(hint, 0.5, previous=control.applied(hint, 0.5))

    assert torch.allclose(run(tiny, whole, whole), run(tiny, halves, halves), atol=1e-3)


def test_a_network_without_a_picture_says_what_to_do(tiny: Checkpoint, control: ControlNet) -> None:
    with pytest.raises(UnknownModel, match=r"without a picture. Apply it"):
        run(tiny, control, None)


def test_another_file_is_no_control_network(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")

    with pytest.raises(UnknownModel, match=r"other.safetensors' is no ControlNet"):
        load_control(tmp_path / "other.safetensors", device="cpu")


@pytest.mark.parametrize("name", ["a_shuffle.safetensors", "a_shuffle_fp16.safetensors", "a_shuffled.safetensors"])
def test_what_is_named_shuffle_adds_its_mean_everywhere_as_diffusers_does(tmp_path: Path, name: str) -> None:
    from diffusers import ControlNetModel

    save_file(tiny_control(original=False), tmp_path / name)
    loaded = load_control(tmp_path / name, device="cpu")
    module: Any = loaded.network.prepare()
    config = {key: value for key, value in module.config.items() if not key.startswith("_")}
    theirs = ControlNetModel(**{**config, "global_pool_conditions": "shuffled" not in name})
    theirs.load_state_dict(module.state_dict())
    made = torch.Generator().manual_seed(6)
    x, text, hint = (torch.randn(2, *size, generator=made) for size in ((4, 8, 8), (5, 32), (3, 64, 64)))

    found = loaded.steering(module, x, torch.tensor([9.0, 9.0]), {"context": text}, hint)

    with torch.inference_mode():
        down, middle = theirs(x, 9, text, hint, return_dict=False)
    assert isinstance(found, Residuals) and found.middle is not None
    assert found.middle.shape[-2:] == (4, 4)
    for one, other in zip((*found.down, found.middle), (*down, middle), strict=True):
        torch.testing.assert_close(one, other.expand_as(one), atol=1e-5, rtol=1e-5)


def test_differences_are_added_to_the_model_they_were_made_for(tiny: Checkpoint, tmp_path: Path) -> None:
    tensors = tiny_control(original=True)
    save_file({**tensors, "difference": torch.zeros(1)}, tmp_path / "difference.safetensors")

    whole = load_control(tmp_path / "difference.safetensors", device="cpu", base=tiny.model.network).network

    name = "time_embedding.linear_1.weight"
    own = tensors["control_model.time_embed.0.weight"]
    assert torch.allclose(whole.weights[name], own + tiny.model.network.weights[name])
    assert torch.equal(whole.weights["controlnet_mid_block.weight"].flatten(),
                       tensors["control_model.middle_block_out.0.weight"].flatten())  # fmt: skip


def test_differences_without_a_model_say_how_to_load_them(tmp_path: Path) -> None:
    save_file({**tiny_control(original=True), "difference": torch.zeros(1)}, tmp_path / "difference.safetensors")

    with pytest.raises(ModelFileError, match="Load it with DiffControlNetLoader"):
        load_control(tmp_path / "difference.safetensors", device="cpu")


def test_a_control_network_may_read_a_prompt_of_its_own(tiny: Checkpoint, control: ControlNet) -> None:
    assert tiny.clip is not None
    applied = control.applied(torch.ones(1, 3, 64, 64), 1.0)
    latent, own = torch.zeros(1, 4, 8, 8), tiny.clip.encode("blue star")[0][0]
    red = tiny.clip.encode("red")[0][0]

    def painted(options: dict[str, Any]) -> torch.Tensor:
        return sample(
            tiny.model, noise=prepare_noise(latent, 1), latent=latent, positive=[[red, options]],
            negative=[[red, options]], guidance_scale=1.0, sampler="euler", schedule="normal", steps=1, seed=1,
        )  # fmt: skip

    same, other = ({"control": applied, "cross_attn_controlnet": text} for text in (red, own))
    assert torch.equal(painted(same), painted({"control": applied}))
    assert not torch.equal(painted(other), painted(same))


XL = {
    "block_out_channels": (32, 64), "layers_per_block": 1, "attention_head_dim": 1, "cross_attention_dim": 32,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "conditioning_embedding_out_channels": (16, 32),
}  # fmt: skip


def xl_files(union: bool) -> dict[str, torch.Tensor]:
    """A control network of SDXL's kind as diffusers names it: sizes are embedded by `add_embedding`."""
    from diffusers import ControlNetModel, ControlNetUnionModel

    sizes: dict[str, Any] = {
        **XL, "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        kinds = {"num_control_type": 6, "num_trans_channel": 32, "num_proj_channel": 32}
        module = ControlNetUnionModel(**sizes, **kinds) if union else ControlNetModel(**sizes)
        return {name: torch.randn_like(tensor) * 0.1 for name, tensor in module.state_dict().items()}


def steered(loaded: ControlNet, types: tuple[int, ...] | None = None) -> tuple[torch.Tensor, ...]:
    """What a network of SDXL's kind adds, for fixed inputs."""
    steering: Any = loaded.steering if types is None else replace(loaded.steering, types=types)  # type: ignore[type-var]
    made = torch.Generator().manual_seed(2)
    x, text, vector = (torch.randn(shape, generator=made) for shape in ((1, 4, 8, 8), (1, 5, 32), (1, 2816)))
    hint = torch.rand(1, 3, 16, 16, generator=made)
    with torch.inference_mode():
        found = steering(loaded.network.prepare(), x, torch.tensor([10.0]), {"context": text, "vector": vector}, hint)
    return (*found.down, found.middle)


def test_diffusers_files_of_xl_networks_give_what_diffusers_gives(tmp_path: Path) -> None:
    from diffusers import ControlNetModel

    tensors = xl_files(union=False)
    save_file(tensors, tmp_path / "control.safetensors")
    module = ControlNetModel(**XL, class_embed_type="projection", projection_class_embeddings_input_dim=2816)
    module.load_state_dict({n.replace("add_embedding", "class_embedding"): t for n, t in tensors.items()})
    made = torch.Generator().manual_seed(2)
    x, text, vector = (torch.randn(shape, generator=made) for shape in ((1, 4, 8, 8), (1, 5, 32), (1, 2816)))

    found = steered(load_control(tmp_path / "control.safetensors", device="cpu"))

    with torch.inference_mode():
        down, middle = module(
            x, torch.tensor([10.0]), encoder_hidden_states=text, class_labels=vector, return_dict=False,
            controlnet_cond=torch.rand(1, 3, 16, 16, generator=made),
        )  # fmt: skip
    for one, expected in zip(found, (*down, middle), strict=True):
        torch.testing.assert_close(one, expected)


def test_a_union_network_is_told_what_the_picture_shows(tmp_path: Path) -> None:
    tensors = xl_files(union=True)
    save_file(tensors, tmp_path / "union.safetensors")
    loaded = load_control(tmp_path / "union.safetensors", device="cpu")

    open_, depth, lines = (steered(loaded, types) for types in ((), (1,), (3,)))

    assert not torch.allclose(depth[-1], lines[-1]) and not torch.allclose(depth[-1], open_[-1])
    with pytest.raises(SamplingError, match="knows 6 kinds of pictures; 'repaint' is not among them"):
        steered(loaded, (7,))


def test_the_kind_of_a_picture_shifts_what_is_read_of_it(tmp_path: Path) -> None:
    tensors = xl_files(union=True)
    save_file(tensors, tmp_path / "union.safetensors")
    module: Any = load_control(tmp_path / "union.safetensors", device="cpu").network.prepare()
    reader, hint = module.controlnet_cond_embedding, torch.rand(1, 3, 16, 16)

    with torch.inference_mode():
        reader.types = ()
        plain = reader(hint)
        reader.types = (3,)
        typed = reader(hint)
        reader.types = ()

    x = plain.mean(dim=(2, 3)) + tensors["task_embedding"][3]
    block = {n.removeprefix("transformer_layes.0."): t for n, t in tensors.items() if n.startswith("transformer_layes")}
    norm = torch.nn.functional.layer_norm
    n = norm(x, (32,), block["ln_1.weight"], block["ln_1.bias"])
    values = n @ block["attn.in_proj_weight"][64:].T + block["attn.in_proj_bias"][64:]  # one token sees only itself
    x = x + values @ block["attn.out_proj.weight"].T + block["attn.out_proj.bias"]
    h = norm(x, (32,), block["ln_2.weight"], block["ln_2.bias"]) @ block["mlp.c_fc.weight"].T + block["mlp.c_fc.bias"]
    x = x + (h * torch.sigmoid(1.702 * h)) @ block["mlp.c_proj.weight"].T + block["mlp.c_proj.bias"]
    shift = x @ tensors["spatial_ch_projs.weight"].T + tensors["spatial_ch_projs.bias"]
    torch.testing.assert_close(typed, plain + shift[..., None, None])


def lora_file(base: Any, rank: int) -> dict[str, torch.Tensor]:
    """A Control-LoRA for a U-Net, under original names."""
    made = torch.Generator().manual_seed(6)
    changes, back = {"lora_controlnet": torch.zeros(0)}, reverse(base.names)
    shared = {rename(name, back) for name in base.parameter_names()}
    for name, tensor in tiny_control(original=True).items():
        own = name.removeprefix("control_model.")
        if own not in shared:
            changes[own] = tensor
        elif own.endswith("to_q.weight"):
            rows, columns = tensor.shape
            changes[own.replace(".weight", ".up")] = torch.randn(rows, rank, generator=made)
            changes[own.replace(".weight", ".down")] = torch.randn(rank, columns, generator=made)
    return changes


def test_a_control_lora_is_made_of_the_model_it_stands_beside(tiny: Checkpoint, tmp_path: Path) -> None:
    changes = lora_file(tiny.model.network, rank=3)
    save_file({name: tensor.contiguous() for name, tensor in changes.items()}, tmp_path / "lora.safetensors")
    loaded = load_control(tmp_path / "lora.safetensors", device="cpu")
    hint = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    made = loaded.on(tiny.model.network)

    base = tiny.model.network
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    old = "input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    expected = base.weights[f"{name}.weight"] + changes[f"{old}.up"] @ changes[f"{old}.down"]
    torch.testing.assert_close(made.network.weights[f"{name}.weight"], expected)
    assert torch.equal(made.network.weights["conv_in.weight"], base.weights["conv_in.weight"])
    assert loaded.on(base).network is made.network
    one = loaded.applied(hint, 1.0)
    assert not torch.allclose(run(tiny, one, one), run(tiny, None, None), atol=1e-3)


def test_two_control_loras_are_chained(tiny: Checkpoint, tmp_path: Path) -> None:
    changes = lora_file(tiny.model.network, rank=3)
    save_file({name: tensor.contiguous() for name, tensor in changes.items()}, tmp_path / "lora.safetensors")
    loaded = load_control(tmp_path / "lora.safetensors", device="cpu")
    hint = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    whole, halves = loaded.applied(hint, 1.0), loaded.applied(hint, 0.5, previous=loaded.applied(hint, 0.5))

    assert torch.allclose(run(tiny, whole, whole), run(tiny, halves, halves), atol=1e-3)


def test_a_control_lora_for_another_model_is_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    changes = lora_file(tiny.model.network, rank=3)
    layer = "input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    changes[f"{layer}.up"] = torch.zeros(7, 3)
    save_file({name: tensor.contiguous() for name, tensor in changes.items()}, tmp_path / "lora.safetensors")

    with pytest.raises(SamplingError, match="is made for another model: its change of"):
        load_control(tmp_path / "lora.safetensors", device="cpu").on(tiny.model.network)
