"""Autoencoder training: resumes exactly; its latent is brought to unit variance."""

import numpy as np
import torch

from diffusion.training.autoencoder_training import AutoencoderSettings, AutoencoderTraining, normalise_latent
from diffusion.training.decoder_finishing import DecoderFinishing, FinishingSettings
from diffusion.training.drawn_set import as_images
from diffusion.training.model_sizes import SCALING_FACTOR, build_autoencoder
from diffusion.training.progress import Progress

SETTINGS = AutoencoderSettings(crop_steps=1, whole_steps=1, crop_batch=2, whole_batch=2, save_every=1)


def progress(folder) -> Progress:
    return Progress(folder / "log.jsonl", lambda line: None, every=1)


def test_a_run_that_stopped_between_crops_and_wholes_resumes_exactly(drawn, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = AutoencoderTraining(drawn, SETTINGS, tmp_path / "whole")
    whole.run(progress(tmp_path))

    AutoencoderTraining(drawn, SETTINGS, tmp_path / "parts").run(progress(tmp_path), until=1)
    resumed = AutoencoderTraining(drawn, SETTINGS, tmp_path / "parts")
    resumed.run(progress(tmp_path))

    other = resumed.vae.state_dict()
    assert all(torch.equal(tensor, other[key]) for key, tensor in whole.vae.state_dict().items())


@torch.no_grad()
def test_the_latent_becomes_unit_variance_and_pictures_decode_the_same(drawn):
    torch.manual_seed(1)
    vae = build_autoencoder().eval()
    vae.quant_conv.bias[4:] = -8  # little noise, so that no channel counts as empty
    images = as_images(np.load(drawn.pictures_file, mmap_mode="r")[:8])
    before = vae.decode(vae.encode(images).latent_dist.mean).sample

    normalise_latent(vae, images)

    latents = vae.encode(images).latent_dist.mean * SCALING_FACTOR
    assert torch.allclose(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    assert torch.allclose(vae.decode(vae.encode(images).latent_dist.mean).sample, before, atol=1e-4)


@torch.no_grad()
def test_a_channel_that_is_only_noise_is_silenced(drawn):
    torch.manual_seed(1)
    vae = build_autoencoder().eval()
    vae.quant_conv.bias[4:] = torch.tensor([9.0, -8.0, -8.0, -8.0])
    images = as_images(np.load(drawn.pictures_file, mmap_mode="r")[:4])

    normalise_latent(vae, images)

    posterior = vae.encode(images).latent_dist
    assert (posterior.mean[:, 0] == 0).all()
    assert posterior.std[:, 0].max() < 1e-3
    assert (vae.post_quant_conv.weight[:, 0] == 0).all()


def test_finishing_trains_the_decoder_alone_and_resumes_exactly(drawn, tmp_path):
    settings = FinishingSettings(steps=2, batch=2, save_every=1)

    def fresh() -> DecoderFinishing:
        torch.manual_seed(2)
        return DecoderFinishing(build_autoencoder(), drawn, settings, tmp_path / "parts")

    (tmp_path / "parts").mkdir()
    encoder = fresh().vae.encoder.state_dict()
    fresh().run(progress(tmp_path), until=1)
    resumed = fresh()
    resumed.run(progress(tmp_path))
    (tmp_path / "parts" / "decoder.pt").unlink()
    whole = fresh()
    start = {name: tensor.clone() for name, tensor in whole.vae.decoder.state_dict().items()}
    whole.run(progress(tmp_path))

    ends = (whole.vae.decoder.state_dict(), resumed.vae.decoder.state_dict())
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())
    assert any(not torch.equal(tensor, start[name]) for name, tensor in ends[0].items())
    assert all(torch.equal(tensor, resumed.vae.encoder.state_dict()[name]) for name, tensor in encoder.items())
