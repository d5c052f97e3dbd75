"""The model that ships paints what the prompt says: meaning, read from pixels."""

from pathlib import Path

import pytest
import torch

from graph_runtime.files import Files
from graph_runtime.testing import run_node
from nodes.latent import empty_latent_image, vae_decode, vae_encode
from nodes.loaders import checkpoint_loader_simple
from nodes.sampling import ksampler
from nodes.text import clip_text_encode
from worker.settings import Settings

RED_ON_BLUE = "a red circle on a blue background"


class Painter:
    """The embedded model, and how to ask it for pictures."""

    def __init__(self, data_dir: Path) -> None:
        torch.set_num_threads(1)
        files = Files(Settings(data_dir).folders())
        self.parts = run_node(checkpoint_loader_simple, files=files, ckpt_name="heddle-shapes-128.safetensors")

    def __call__(self, prompt, negative="", *, start=None, cfg=4.0, denoise=1.0, count=2):
        """Pictures [count, 128, 128, 3] for a prompt."""
        model, clip, vae = self.parts
        latent = run_node(
            ksampler, model=model, seed=7, steps=10, cfg=cfg, sampler_name="euler", scheduler="normal",
            positive=clip_text_encode(text=prompt, clip=clip), negative=clip_text_encode(text=negative, clip=clip),
            latent_image=start or empty_latent_image(width=128, height=128, batch_size=count), denoise=denoise,
        )  # fmt: skip
        return vae_decode(samples=latent, vae=vae)

    def encode(self, pictures):
        return vae_encode(pixels=pictures, vae=self.parts.VAE)


@pytest.fixture(scope="module")
def paint(tmp_path_factory):
    return Painter(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def red_on_blue(paint):
    return paint(RED_ON_BLUE)


def middle(pictures):
    return pictures[:, 54:74, 54:74].mean((1, 2))


def edge(pictures):
    return torch.cat([pictures[:, :6].flatten(1, 2), pictures[:, -6:].flatten(1, 2)], 1).mean(1)


def is_red(colours):
    return bool((colours[:, 0] > colours[:, 1:].amax(1) + 0.3).all())


def is_green(colours):
    return bool((colours[:, 1] > colours[:, [0, 2]].amax(1) + 0.2).all())


def is_blue(colours):
    return bool((colours[:, 2] > colours[:, :2].amax(1) + 0.2).all())


def test_a_red_circle_on_a_blue_background_is_red_in_the_middle_and_blue_at_the_edge(red_on_blue):
    assert is_red(middle(red_on_blue)) and is_blue(edge(red_on_blue))


def test_another_prompt_gives_another_picture(paint):
    pictures = paint("a green square on a white background")

    assert is_green(middle(pictures)) and edge(pictures).min() > 0.8


def test_the_picture_avoids_what_the_negative_prompt_says(paint):
    without_white = edge(paint("a circle", "a circle on a white background"))
    without_black = edge(paint("a circle", "a circle on a black background"))

    assert without_black.mean() > without_white.mean() + 0.2


def test_without_guidance_the_prompt_is_not_followed(paint, red_on_blue):
    unguided = paint(RED_ON_BLUE, cfg=0.0)

    assert not (is_red(middle(unguided)) and is_blue(edge(unguided)))
    assert (unguided - red_on_blue).abs().mean() > 0.1


def test_a_little_denoising_keeps_the_picture_and_more_repaints_what_the_prompt_changes(paint, red_on_blue):
    start = paint.encode(red_on_blue)

    kept, between, repainted = (
        paint("a green circle on a blue background", start=start, denoise=strength) for strength in (0.08, 0.3, 0.7)
    )

    assert is_red(middle(kept)) and is_blue(edge(kept))
    assert is_green(middle(repainted)) and is_blue(edge(repainted))
    changed = [(picture - red_on_blue).abs().mean() for picture in (kept, between, repainted)]
    assert changed[0] < changed[1] < changed[2]


def test_a_picture_survives_being_encoded_and_decoded(paint, red_on_blue):
    again = vae_decode(samples=paint.encode(red_on_blue), vae=paint.parts.VAE)

    assert (again - red_on_blue).abs().mean() < 0.03
