"""Checkpoints become models, or a sentence that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.errors import DiffusionError, MissingWeights, ModelFileError, TokenizerMissing, UnknownModel
from diffusion.loading import Checkpoint, load_autoencoder, load_checkpoint
from diffusion.testing import tiny_checkpoint, tiny_tensors


def changed(path: Path, target: Path, change) -> Path:  # type: ignore[no-untyped-def]
    """A copy of a checkpoint with its tensors changed."""
    from diffusion.tensor_file import read_header

    tensors = dict(load_file(path))
    change(tensors)
    save_file(tensors, target, read_header(path)[1])
    return target


def test_every_part_of_a_checkpoint_is_there(tiny: Checkpoint) -> None:
    assert tiny.model.family.name == "sd1"
    assert tiny.clip is not None
    assert tiny.vae is not None
    assert tiny.model.latent_format.scale == 0.18215
    assert tiny.metadata["heddle.family"] == "sd1"


def test_the_networks_hold_the_numbers_of_the_file(tiny: Checkpoint) -> None:
    tensors = tiny_tensors()
    module = tiny.model.network.prepare()
    found = module.state_dict()["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"]

    assert torch.equal(found, tensors["model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"])


def test_translated_names_are_those_of_diffusers_own_converter(tiny: Checkpoint) -> None:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

    unet, vae = tiny.model.network, tiny.vae.network  # type: ignore[union-attr]
    for ours, theirs in (
        (unet, convert_ldm_unet_checkpoint(tiny_tensors(), {**unet.module.config, "layers_per_block": 1})),
        (vae, convert_ldm_vae_checkpoint(tiny_tensors(), dict(vae.module.config))),
    ):
        assert set(theirs) == set(ours.parameter_names())
        assert all(torch.equal(tensor.squeeze(), ours.weights[name].squeeze()) for name, tensor in theirs.items())


def test_weights_are_mapped_and_not_copied(tiny_path: Path) -> None:
    network = load_checkpoint(tiny_path, device="cpu").model.network
    name = "conv_in.weight"

    assert network.module.state_dict()[name].data_ptr() == network.weights[name].data_ptr()


def test_half_precision_files_compute_in_float32_on_the_cpu(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(tiny_checkpoint(tmp_path / "half.safetensors", dtype=torch.float16), device="cpu")

    assert checkpoint.model.network.prepare().conv_in.weight.dtype == torch.float32
    assert checkpoint.clip.encode("a")[0][0].dtype == torch.float32  # type: ignore[union-attr]


def test_missing_keys_are_listed_by_group(tiny_path: Path, tmp_path: Path) -> None:
    def drop(tensors: dict[str, torch.Tensor]) -> None:
        for name in [n for n in tensors if ".input_blocks.1.1.transformer_blocks.0.ff" in n]:
            del tensors[name]

    path = changed(tiny_path, tmp_path / "holes.safetensors", drop)

    with pytest.raises(MissingWeights, match=r"holes.safetensors' lacks 4 of the .* down_blocks.0 \(4\)"):
        load_checkpoint(path, device="cpu")


def test_nan_weights_are_refused(tiny_path: Path, tmp_path: Path) -> None:
    def poison(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.diffusion_model.out.2.bias"][0] = float("nan")

    path = changed(tiny_path, tmp_path / "nan.safetensors", poison)

    with pytest.raises(ModelFileError, match=r"nan.safetensors' has NaN or infinite values in 1 tensors: model.diff"):
        load_checkpoint(path, device="cpu")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_every_kind_of_bad_number_is_seen(dtype: torch.dtype, value: float) -> None:
    from diffusion.network import check_finite

    good = torch.tensor([-65000.0, 3.0, 0.0]).to(dtype)
    check_finite({"w": good}, "file")
    good[1] = value

    with pytest.raises(ModelFileError, match="NaN or infinite"):
        check_finite({"w": good}, "file")


def test_wrong_shapes_name_the_tensor(tiny_path: Path, tmp_path: Path) -> None:
    def bend(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.diffusion_model.time_embed.2.bias"] = torch.zeros(7)

    path = changed(tiny_path, tmp_path / "bent.safetensors", bend)

    with pytest.raises(ModelFileError, match=r"'time_embedding.linear_2.bias': \(7,\) instead of"):
        load_checkpoint(path, device="cpu")


def test_a_file_of_another_kind_says_what_to_use(tmp_path: Path) -> None:
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(2, 2)}, tmp_path / "lora.safetensors")

    with pytest.raises(UnknownModel, match=r"has no denoising network.*LoRA"):
        load_checkpoint(tmp_path / "lora.safetensors", device="cpu")
    with pytest.raises(UnknownModel, match="holds no autoencoder"):
        load_autoencoder(tmp_path / "lora.safetensors", device="cpu")


def test_a_missing_vocabulary_names_all_three_places(tiny_path: Path, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *args: None)
    save_file(load_file(tiny_path), tmp_path / "plain.safetensors")
    with pytest.raises(DiffusionError):  # sizes that only its own description explains
        load_checkpoint(tmp_path / "plain.safetensors", device="cpu").clip.encode("a cat")  # type: ignore[union-attr]
    from diffusion.text.vocabulary import find_clip

    with pytest.raises(TokenizerMissing, match=r"tokenizers.*open_clip_torch.*Hugging Face cache"):
        find_clip([tmp_path / "tokenizers"])


def test_a_checkpoint_without_text_or_autoencoder_still_loads(tiny_path: Path, tmp_path: Path) -> None:
    def only_unet(tensors: dict[str, torch.Tensor]) -> None:
        for name in [n for n in tensors if not n.startswith("model.diffusion_model.")]:
            del tensors[name]

    found = load_checkpoint(changed(tiny_path, tmp_path / "unet.safetensors", only_unet), device="cpu")

    assert found.clip is None
    assert found.vae is None


def test_an_autoencoder_of_its_own_encodes_and_decodes(tiny_path: Path, tmp_path: Path) -> None:
    def only_vae(tensors: dict[str, torch.Tensor]) -> None:
        found = {n.removeprefix("first_stage_model."): t for n, t in tensors.items() if n.startswith("first_stage")}
        tensors.clear()
        tensors.update(found)

    vae = load_autoencoder(changed(tiny_path, tmp_path / "vae.safetensors", only_vae), device="cpu")
    image = torch.rand(1, 35, 50, 3)

    assert vae.encode(image).shape == (1, 4, 4, 6)
    assert vae.decode(torch.zeros(1, 4, 4, 6)).shape == (1, 32, 48, 3)


def test_importing_diffusion_imports_no_torch() -> None:
    import subprocess
    import sys

    code = "import diffusion, diffusion.sampling.names, sys; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_eight_bit_weights_with_scales_are_brought_to_their_size(tiny_path: Path, tmp_path: Path) -> None:
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k"

    def scale(tensors: dict[str, torch.Tensor]) -> None:
        tensors[f"{name}.weight"] = (tensors[f"{name}.weight"] * 100).to(torch.float8_e4m3fn)
        tensors[f"{name}.scale_weight"] = torch.tensor([0.01])
        tensors["scaled_fp8"] = torch.zeros(2, dtype=torch.float8_e4m3fn)

    path = changed(tiny_path, tmp_path / "scaled.safetensors", scale)

    network = load_checkpoint(path, device="cpu").model.network

    own = network.weights["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"].float()
    expected = tiny_tensors()[f"{name}.weight"]
    assert (own - expected).abs().max() <= expected.abs().max() * 0.07


@pytest.mark.parametrize(("dtype", "rows"), [(torch.float8_e4m3fn, 1), (torch.int8, 32)])
def test_other_names_of_scales_and_scales_of_rows_are_read(
    tiny_path: Path, tmp_path: Path, dtype: torch.dtype, rows: int
) -> None:
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k"
    expected = tiny_tensors()[f"{name}.weight"]
    scale = expected.abs().amax(dim=1) / 100 if rows > 1 else expected.abs().max()[None] / 100

    def shrink(tensors: dict[str, torch.Tensor]) -> None:
        whole = expected / scale.reshape(-1, 1)
        tensors[f"{name}.weight"] = (whole.round() if dtype is torch.int8 else whole).to(dtype)
        tensors |= {f"{name}.weight_scale": scale, f"{name}.input_scale": torch.ones(1)}

    network = load_checkpoint(changed(tiny_path, tmp_path / "scaled.safetensors", shrink), device="cpu").model.network

    own = network.weights["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"].float()
    assert (own - expected).abs().max() <= expected.abs().max() * 0.07


@pytest.mark.parametrize(
    ("end", "way"),
    [("weight.quant_state.bitsandbytes__nf4", "NF4"), ("weight.absmax", "bitsandbytes"), ("qweight", "GPTQ"),
     ("weight_scale_2", "NVFP4"), ("weight._data", "quanto")],
)  # fmt: skip
def test_quantised_weights_that_are_not_known_are_refused_by_name(
    tiny_path: Path, tmp_path: Path, end: str, way: str
) -> None:
    name = f"model.diffusion_model.out.2.{end}"
    path = changed(tiny_path, tmp_path / "small.safetensors", lambda tensors: tensors.update({name: torch.zeros(1)}))

    with pytest.raises(ModelFileError, match=rf"small.safetensors' is quantised in a way .*{way}.*out.2.*Use the file"):
        load_checkpoint(path, device="cpu")


def test_a_scale_for_blocks_of_a_weight_is_refused_with_both_shapes(tiny_path: Path, tmp_path: Path) -> None:
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k"

    def shrink(tensors: dict[str, torch.Tensor]) -> None:
        tensors[f"{name}.weight"] = tensors[f"{name}.weight"].to(torch.float8_e4m3fn)
        tensors[f"{name}.weight_scale"] = torch.ones(4, 4)

    path = changed(tiny_path, tmp_path / "blocks.safetensors", shrink)

    with pytest.raises(
        ModelFileError, match=r"blocks.safetensors'.*shape \(4, 4\).*float8_e4m3fn and shape \(32, 32\)"
    ):
        load_checkpoint(path, device="cpu")


def test_a_file_in_eight_bits_computes_in_float32_on_the_cpu(tiny_path: Path, tmp_path: Path) -> None:
    def shrink(tensors: dict[str, torch.Tensor]) -> None:
        for name in [n for n in tensors if n.startswith("model.diffusion_model.")]:
            tensors[name] = tensors[name].to(torch.float8_e4m3fn)

    path = changed(tiny_path, tmp_path / "eight.safetensors", shrink)

    assert load_checkpoint(path, device="cpu").model.network.prepare().conv_in.weight.dtype == torch.float32
