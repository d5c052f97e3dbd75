"""The exported file, read back by the project's loader, is the network that was trained."""

import json

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from safetensors import safe_open
from safetensors.torch import load_file

from diffusion.loading import load_checkpoint
from diffusion.training import export as export_module
from diffusion.training.export import export
from diffusion.training.model_sizes import SCALING_FACTOR, build_autoencoder, build_networks


@pytest.fixture(scope="module")
def trained(vocabulary, tmp_path_factory):
    torch.manual_seed(4)
    networks, vae = build_networks(len(vocabulary.ids)), build_autoencoder()
    for network in (networks.unet, networks.text_encoder, vae):
        network.eval()
        for parameter in network.parameters():
            parameter.data = parameter.data.half().float()  # so that the file holds exactly these weights
    path = tmp_path_factory.mktemp("export") / "tiny.safetensors"
    export(networks, vae, vocabulary, path)
    return networks, vae, path


def test_the_file_describes_itself(trained, vocabulary):
    with safe_open(trained[2], framework="pt") as file:
        metadata = file.metadata()

    config = json.loads(metadata["heddle.config"])
    assert (config["native_width"], config["native_height"]) == (128, 128)
    assert config["text_encoder"]["vocab_size"] == len(vocabulary.ids)
    assert json.loads(metadata["heddle.tokenizer"])["vocab"] == vocabulary.ids
    assert metadata["heddle.family"] == "sd1"


def test_diffusers_reads_the_unet_back_as_it_was(trained):
    networks, _, path = trained
    converted = convert_ldm_unet_checkpoint(load_file(path), dict(networks.unet.config))

    expected = networks.unet.state_dict()
    assert set(converted) == set(expected)
    assert all(torch.equal(converted[name].float(), tensor) for name, tensor in expected.items())


def test_diffusers_reads_the_autoencoder_back_as_it_was(trained):
    _, vae, path = trained
    converted = convert_ldm_vae_checkpoint(load_file(path), dict(vae.config))

    expected = vae.state_dict()
    assert set(converted) == set(expected)
    assert all(torch.equal(converted[n].float().reshape(t.shape), t) for n, t in expected.items())


@torch.no_grad()
def test_the_projects_loader_encodes_text_as_the_training_did(trained, vocabulary):
    networks, _, path = trained
    text = "a red circle on a blue background"
    expected = networks.text_encoder(torch.tensor(vocabulary.encode([text]))).last_hidden_state

    encoded = load_checkpoint(path, device="cpu").clip.encode(text)

    assert torch.allclose(encoded[0][0].float(), expected, atol=1e-4)


@torch.no_grad()
def test_the_projects_loader_decodes_latents_as_the_training_did(trained):
    _, vae, path = trained
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = vae.decode(latent / SCALING_FACTOR).sample.add(1).div(2).clamp(0, 1).permute(0, 2, 3, 1)

    decoded = load_checkpoint(path, device="cpu").vae.decode(latent / SCALING_FACTOR)

    assert torch.allclose(decoded.float(), expected, atol=1e-4)


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(trained, vocabulary, tmp_path, monkeypatch):
    networks, vae, _ = trained
    monkeypatch.setattr(export_module, "LARGEST", 1000)

    with pytest.raises(ValueError, match="more than 1000: choose smaller networks"):
        export(networks, vae, vocabulary, tmp_path / "big.safetensors")

    assert list(tmp_path.iterdir()) == []
