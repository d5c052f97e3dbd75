"""The whole recipe in miniature: from an empty folder to a file that the loader reads."""

import json

import torch
from safetensors.torch import load_file

from diffusion.loading import load_checkpoint
from diffusion.training.autoencoder_training import AutoencoderSettings
from diffusion.training.decoder_finishing import FinishingSettings
from diffusion.training.denoiser_training import DenoiserSettings
from diffusion.training.recipe import Recipe


def test_one_call_trains_everything_and_a_second_only_exports(tmp_path):
    recipe = Recipe(
        out=tmp_path / "out",
        pictures=8,
        autoencoder=AutoencoderSettings(crop_steps=1, whole_steps=1, crop_batch=2, whole_batch=1),
        denoiser=DenoiserSettings(steps=1, batch=2),
        finishing=FinishingSettings(steps=1, batch=1),
    )
    said: list[str] = []

    size = recipe.train(tmp_path / "model.safetensors", said.append)
    first = load_file(tmp_path / "model.safetensors")
    again: list[str] = []
    recipe.train(tmp_path / "model.safetensors", again.append)

    assert load_checkpoint(tmp_path / "model.safetensors", device="cpu").vae is not None
    assert size == (tmp_path / "model.safetensors").stat().st_size <= 16_000_000
    second = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert [line.split(":")[0] for line in said if "step" in line] == ["autoencoder", "denoiser", "decoder"]
    assert len(again) == 1
    logged = json.loads((tmp_path / "out" / "denoiser.jsonl").read_text())
    assert logged["step"] == logged["steps"] == 1
    assert logged["loss"] > 0
