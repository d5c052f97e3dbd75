"""The model that ships: one small self-contained file, and it draws what it is told."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open

import diffusion.embedded
from diffusion.loading import load_checkpoint
from diffusion.training.combinations import HELD_OUT, Combination
from diffusion.training.evaluation import SampleSettings, judge, pictures, prompt_of
from diffusion.training.export import description
from diffusion.training.vocabulary import caption_vocabulary

MODEL = Path(diffusion.embedded.__file__).parent / "heddle-shapes-128.safetensors"


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(MODEL, device="cpu")


def test_the_file_is_at_most_16_megabytes():
    assert MODEL.stat().st_size <= 16_000_000


def test_the_file_has_sd1s_layout_in_half_precision():
    with safe_open(MODEL, framework="pt") as file:
        names = list(file.keys())
        kinds = {file.get_slice(name).get_dtype() for name in names}

    assert kinds == {"F16"}
    prefixes = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model.")
    assert all(name.startswith(prefixes) for name in names)
    assert "model.diffusion_model.input_blocks.0.0.weight" in names


def test_the_file_carries_the_vocabulary_and_sizes_of_the_code():
    with safe_open(MODEL, framework="pt") as file:
        metadata = file.metadata()

    vocabulary = caption_vocabulary()
    assert json.loads(metadata["heddle.tokenizer"]) == vocabulary.to_data()
    config = json.loads(metadata["heddle.config"])
    assert set(config.pop("latent_rgb")) == {"factors", "bias"}
    assert config == description(vocabulary)


def test_it_draws_trained_and_never_trained_combinations_as_told(checkpoint):
    trained = [Combination("red", "circle", "blue"), Combination("yellow", "star", "black")]
    asked = [*trained, *HELD_OUT[::23]]

    drawn = pictures(checkpoint, [prompt_of(c) for c in asked], SampleSettings(batch=8), lambda done, total: None)

    wrong = [judged for judged in map(judge, asked, drawn) if not judged.right]
    assert wrong == []
