"""Autoencoders that decode videos, against diffusers' own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.autoencoder import TemporalCodec
from diffusion.loading import Checkpoint, load_autoencoder
from diffusion.pool import pool_of
from diffusion.saving import autoencoder_tensors
from diffusion.tensor_file import TensorsInMemory
from tests.diffusion.tiny_videos import FRAMES, VAE_TABLE, original


def test_frames_are_decoded_together_as_by_diffusers(svd_autoencoder: Any, svd: Checkpoint) -> None:
    assert svd.vae is not None
    latent = torch.randn(FRAMES, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(1))

    with torch.inference_mode():
        expected = svd_autoencoder.decode(latent, num_frames=FRAMES).sample
        mean = svd_autoencoder.encode(picture.movedim(-1, 1) * 2 - 1).latent_dist.mean

    together = svd.vae.decode(latent)
    torch.testing.assert_close(together, ((expected + 1) / 2).clamp(0, 1).movedim(1, -1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(svd.vae.encode(picture), mean, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[:1], svd.vae.decode(latent[:1]))


def test_frames_are_decoded_in_equal_groups_where_memory_does_not_suffice(
    svd: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    assert svd.vae is not None
    latent = torch.randn(5, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    pool = pool_of(torch.device("cpu"))
    held = sum(network.placed_size() for network in pool.networks())
    monkeypatch.setattr(pool, "budget", held + 4 * (12 * 32 * 16 * 16 * 4))  # four frames of 32 channels and 16² pixels

    found = svd.vae.decode(latent)

    monkeypatch.undo()
    expected = torch.cat([svd.vae.decode(latent[:3]), svd.vae.decode(latent[3:])])
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, svd.vae.decode(latent))


def test_groups_become_smaller_when_memory_runs_out(svd: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert svd.vae is not None
    sizes: list[int] = []
    decode = TemporalCodec.decode

    def within_two(self: TemporalCodec, module: Any, latent: Tensor) -> Tensor:
        sizes.append(len(latent))
        if len(latent) > 2:
            raise torch.OutOfMemoryError
        return decode(self, module, latent)

    monkeypatch.setattr(TemporalCodec, "decode", within_two)
    found = svd.vae.decode(torch.zeros(5, 4, 8, 8))

    assert sizes == [5, 3, 2, 2, 1] and found.shape == (5, 16, 16, 3)


def test_published_autoencoders_have_no_layer_before_the_latent(svd_autoencoder: Any) -> None:
    tensors = original(svd_autoencoder, VAE_TABLE, "")
    for name in [name for name in tensors if "quant_conv" in name]:
        del tensors[name]

    found = load_autoencoder(TensorsInMemory(tensors, "vae"), device="cpu")

    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        moments = svd_autoencoder.encoder(picture.movedim(-1, 1) * 2 - 1)
    torch.testing.assert_close(found.encode(picture), moments[:, :4], rtol=1e-4, atol=1e-5)
    assert autoencoder_tensors(found).keys() == tensors.keys()
