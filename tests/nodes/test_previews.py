"""Previews of steps, and the tiny autoencoders that make the better ones."""

import pytest
import torch
from safetensors.torch import save_file

from graph_runtime.cancel import CancelToken
from graph_runtime.context import Context, RunExtra, Services
from graph_runtime.errors import HeddleError
from graph_runtime.files import Files
from graph_runtime.folders import Folders
from graph_runtime.testing import run_node
from nodes.latent import empty_latent_image, vae_decode, vae_encode
from nodes.loaders import vae_loader, vae_state
from nodes.sampling import ksampler
from nodes.text import clip_text_encode


@pytest.fixture(scope="module")
def halves():
    """Random tensors for the two files of a tiny autoencoder of four channels."""
    from diffusion.tiny_autoencoder import TinyAutoencoder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        whole = TinyAutoencoder(4)
    return {half: dict(getattr(whole, half).state_dict()) for half in ("encoder", "decoder")}


@pytest.fixture
def files(tmp_path):
    folders = Folders(tmp_path)
    folders.create()
    return Files(folders)


def put(files, halves, *names):
    for name in names:
        half = name.rpartition("_")[2]
        save_file(halves[half], files.folders.model_dirs("vae_approx")[0] / f"{name}.safetensors")


def test_two_halves_are_offered_and_loaded_as_one_autoencoder(files, halves):
    put(files, halves, "taesd_encoder", "taesd_decoder", "taesdxl_decoder")

    assert files.folders.choices("vae") == ["taesd"]
    vae = run_node(vae_loader, files=files, vae_name="taesd")

    image = torch.rand(1, 16, 24, 3, generator=torch.Generator().manual_seed(0))
    latent = vae_encode(pixels=image, vae=vae)
    assert latent["samples"].shape == (1, 4, 2, 3)
    assert vae_decode(samples=latent, vae=vae).shape == (1, 16, 24, 3)


def test_a_missing_half_is_asked_for(files, halves):
    put(files, halves, "taesd_decoder")

    with pytest.raises(HeddleError, match=r"needs 'taesd_encoder' and 'taesd_decoder' in the vae_approx folders"):
        run_node(vae_loader, files=files, vae_name="taesd")


def test_replacing_one_half_makes_it_another_autoencoder(files, halves):
    class Ctx:
        folders = files.folders

    put(files, halves, "taesd_encoder", "taesd_decoder")
    before = vae_state("taesd", Ctx)
    path = files.folders.model_dirs("vae_approx")[0] / "taesd_encoder.safetensors"
    path.write_bytes(path.read_bytes() + b" ")

    assert before is not None and vae_state("taesd", Ctx) != before


def previews(tiny, files, method):
    """The pictures that a short run shows."""
    shown = []
    services = Services(
        "job", lambda event: None, CancelToken(), RunExtra(previews=lambda: True, preview_method=method), files,
        encode_preview=shown.append,
    )  # fmt: skip
    text = clip_text_encode(text="x", clip=tiny.CLIP)
    ksampler(
        ctx=Context(services, "1"), model=tiny.MODEL, positive=text, negative=text, seed=1, steps=1, cfg=1.0,
        latent_image=empty_latent_image(width=64, height=64), sampler_name="euler", scheduler="normal", denoise=1.0,
    )  # fmt: skip
    return shown


def test_the_tiny_decoder_shows_full_size_steps_only_where_it_is_asked_for_and_there(tiny, files, halves):
    assert [picture.size for picture in previews(tiny, files, "taesd")] == [(8, 8)]

    put(files, halves, "taesd_decoder")

    assert [picture.size for picture in previews(tiny, files, "taesd")] == [(64, 64)]
    assert [picture.size for picture in previews(tiny, files, "auto")] == [(8, 8)]


def test_no_step_is_shown_where_that_is_asked_for(tiny, files):
    assert previews(tiny, files, "none") == []
