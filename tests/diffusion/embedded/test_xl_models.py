"""The base and the refiner that ship: SDXL's layout, and what they are told shows in their pictures."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

import diffusion.embedded
from diffusion.loading import load_checkpoint
from diffusion.sampling import prepare_noise, sample
from diffusion.training.combinations import HELD_OUT, Combination
from diffusion.training.detector import read_objects
from diffusion.training.evaluation import SampleSettings, judge, pictures, prompt_of
from diffusion.training.sharpness import measure
from diffusion.training.vocabulary import caption_vocabulary
from diffusion.training.xl_sizes import (
    BASE_UNET,
    HANDOFF_TIMESTEP,
    REFINER_UNET,
    XL_VAE,
    first_text_settings,
    second_text_settings,
)

FOLDER = Path(diffusion.embedded.__file__).parent
BASE = FOLDER / "heddle-shapes-xl-base-128.safetensors"
REFINER = FOLDER / "heddle-shapes-xl-refiner-128.safetensors"
ASKED = [Combination("red", "circle", "blue"), Combination("yellow", "star", "black"), *HELD_OUT[::23]]


@pytest.fixture(scope="module")
def base():
    torch.set_num_threads(1)
    return load_checkpoint(BASE, device="cpu")


def draw(checkpoint, text, told, told_of_negative=None):
    """One picture; the numbers that SDXL is told besides the words may differ on the negative side."""
    empty = torch.zeros(1, 4, 16, 16)
    ((embedding, options),) = checkpoint.clip.encode(text)
    ((blank, blank_options),) = checkpoint.clip.encode("")
    positive = [[embedding, {**options, **told}]]
    negative = [[blank, {**blank_options, **(told_of_negative or told)}]]
    latent = sample(
        checkpoint.model, noise=prepare_noise(empty, 3), latent=empty, positive=positive, negative=negative,
        guidance_scale=4.0, sampler="dpmpp_2m", schedule="karras", steps=12, seed=3,
    )  # fmt: skip
    return Image.fromarray(checkpoint.vae.decode(latent)[0].mul(255).round().clamp(0, 255).byte().numpy())


@pytest.mark.parametrize("file", [BASE, REFINER], ids=["base", "refiner"])
def test_the_file_is_at_most_16_megabytes_in_half_precision(file):
    assert file.stat().st_size <= 16_000_000
    with safe_open(file, framework="pt") as opened:
        names = list(opened.keys())
        assert {opened.get_slice(name).get_dtype() for name in names} == {"F16"}
    assert "model.diffusion_model.label_emb.0.0.weight" in names
    prefixes = {".".join(name.split(".")[:3]) for name in names if name.startswith("conditioner.")}
    both = {"conditioner.embedders.0", "conditioner.embedders.1"}
    assert prefixes == (both if file == BASE else {"conditioner.embedders.0"})


def test_the_files_carry_the_vocabulary_and_sizes_of_the_code():
    vocabulary = caption_vocabulary()
    words = len(vocabulary.ids)
    for file, family, unet in ((BASE, "sdxl", BASE_UNET), (REFINER, "sdxl_refiner", REFINER_UNET)):
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata()
        config = json.loads(metadata["heddle.config"])
        assert metadata["heddle.family"] == family
        assert json.loads(metadata["heddle.tokenizer"]) == vocabulary.to_data()
        assert (config["unet"], config["vae"]) == (unet, XL_VAE)
        assert config["text_encoder_2"] == second_text_settings(words)
        assert config.get("text_encoder") == (first_text_settings(words) if family == "sdxl" else None)
        assert config.get("trained_timesteps") == (HANDOFF_TIMESTEP if family == "sdxl_refiner" else None)


@pytest.mark.parametrize("refiner", [None, REFINER], ids=["alone", "refined"])
def test_trained_and_never_trained_combinations_are_drawn_as_told(base, refiner):
    settings = SampleSettings(batch=8, steps=16, refiner=refiner)

    drawn = pictures(base, [prompt_of(one) for one in ASKED], settings, lambda done, total: None)

    assert [judged for judged in map(judge, ASKED, drawn) if not judged.right] == []


def test_guidance_towards_a_small_original_size_gives_soft_edges(base):
    text = "a red circle on a blue background"
    large, small = ({"width": size, "height": size, "target_width": 128, "target_height": 128} for size in (128, 32))

    widths = [measure(draw(base, text, told, large), "red", "blue").edge_width for told in (large, small)]

    assert widths[1] > 1.5 * widths[0]


def test_a_cropped_picture_is_moved_up_and_left(base):
    middles = []
    for crop in (0, 24):
        _, (found,) = read_objects(draw(base, "a red circle on a blue background", {"crop_w": crop, "crop_h": crop}), 1)
        middles.append(found.middle)

    assert middles[1][0] < middles[0][0] - 5
    assert middles[1][1] < middles[0][1] - 5


def test_the_usual_sizes_of_large_models_do_no_harm(base):
    sizes = dict.fromkeys(("width", "height", "target_width", "target_height"), 1024)

    drawn = draw(base, "a yellow star on a black background", sizes)

    assert judge(Combination("yellow", "star", "black"), drawn).right
