"""Folders that diffusers saved, against diffusers itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from diffusion.errors import ModelFileError, UnknownModel
from diffusion.layouts.diffusers_names import with_original_names
from diffusion.loading import load_checkpoint, load_diffusion_model
from diffusion.sampling.prediction import Kind
from diffusion.tensor_file import TensorFile
from diffusion.testing import tiny_config, tiny_tensors, tiny_vocabulary


def write(folder: Path, **scheduler: object) -> Path:
    """A tiny Stable Diffusion pipeline, saved part by part by the libraries themselves."""
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel
    from transformers.utils.logging import disable_progress_bar

    config = tiny_config()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        UNet2DConditionModel(**config["unet"]).save_pretrained(folder / "unet")
        AutoencoderKL(**config["vae"]).save_pretrained(folder / "vae")
        disable_progress_bar()
        CLIPTextModel(CLIPTextConfig(**config["text_encoder"])).save_pretrained(folder / "text_encoder")
    DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **scheduler).save_pretrained(
        folder / "scheduler"
    )
    (folder / "tokenizer").mkdir()
    words = tiny_vocabulary()
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(words["vocab"]))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    index = {
        "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
    }  # fmt: skip
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pipeline"))


def test_every_part_of_a_saved_pipeline_computes_as_in_diffusers(saved: Path) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    found = load_checkpoint(saved, device="cpu")
    made = torch.Generator().manual_seed(0)
    x, context = torch.randn(1, 4, 8, 8, generator=made), torch.randn(1, 7, 32, generator=made)

    with torch.inference_mode():
        expected = UNet2DConditionModel.from_pretrained(saved / "unet")(x, 5, context).sample
        output = found.model.network.prepare()(x, 5, context).sample
        picture = AutoencoderKL.from_pretrained(saved / "vae").decode(x).sample
    assert torch.allclose(output, expected, atol=1e-6)
    assert found.vae is not None
    assert torch.allclose(found.vae.decode(x), ((picture + 1) / 2).clamp(0, 1).movedim(1, -1), atol=1e-5)


def test_a_saved_pipeline_brings_its_vocabulary_and_text_encoder(saved: Path) -> None:
    clip = load_checkpoint(saved, device="cpu").clip

    assert clip is not None
    assert clip.encode("ab")[0][0].shape == (1, 77, 32)


def test_the_scheduler_says_what_the_network_predicts(tmp_path: Path) -> None:
    write(tmp_path, prediction_type="v_prediction", rescale_betas_zero_snr=True)

    prediction = load_checkpoint(tmp_path, device="cpu").model.prediction

    assert prediction.kind is Kind.V
    assert float(prediction.sigma_max) > 4000


@pytest.mark.parametrize(("part", "prefix"), [("unet", "model.diffusion_model."), ("vae", "first_stage_model.")])
def test_files_in_the_layout_of_diffusers_get_their_original_names(saved: Path, part: str, prefix: str) -> None:
    file = with_original_names(TensorFile(saved / part / "diffusion_pytorch_model.safetensors"))

    assert {prefix + name for name in file} == {name for name in tiny_tensors() if name.startswith(prefix)}


def test_a_unet_in_the_layout_of_diffusers_loads_from_a_single_file(saved: Path) -> None:
    alone = load_diffusion_model(saved / "unet" / "diffusion_pytorch_model.safetensors", device="cpu")
    whole = load_checkpoint(saved, device="cpu")

    assert torch.equal(alone.network.weights["conv_in.weight"], whole.model.network.weights["conv_in.weight"])


def test_a_pipeline_without_a_denoiser_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "Other"}')

    with pytest.raises((UnknownModel, ModelFileError), match="neither a unet nor a transformer"):
        load_checkpoint(tmp_path, device="cpu")


def test_a_part_without_weights_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").unlink()

    with pytest.raises(ModelFileError, match="vae' holds no weights"):
        load_checkpoint(tmp_path, device="cpu")


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "model_index.json").write_text(text)

    with pytest.raises(ModelFileError, match=r"model_index.json' is not"):
        load_checkpoint(tmp_path, device="cpu")
