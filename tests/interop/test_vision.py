"""Encoders of pictures as packs use them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from interop.errors import NotSupported
from interop.models import lend_one, take_back
from tests.diffusion.vision.test_encoder import clip
from tests.interop.conftest import Open


@pytest.fixture
def vision(house: Open) -> Any:
    house("sinks")
    return importlib.import_module("comfy.clip_vision")


def test_prepared_pixels_give_what_the_picture_gives(vision: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(dict(clip().state_dict()), tmp_path / "vision.safetensors")
    handle = vision.load(str(tmp_path / "vision.safetensors"))
    image = torch.rand(2, 50, 60, 3)

    whole = handle.encode_image(image)
    pixels = vision.clip_preprocess(image, handle.image_size, handle.image_mean, handle.image_std)
    last, between, embeds, _ = handle.model(pixel_values=pixels, intermediate_output=-2)

    assert isinstance(handle, vision.ClipVisionModel)
    assert torch.equal(embeds, whole["image_embeds"])
    assert torch.equal(last, whole.last_hidden_state) and torch.equal(between, whole.penultimate_hidden_states)
    assert lend_one(take_back(handle)).heddle_object is handle.heddle_object
    with pytest.raises(NotSupported, match="intermediate_output=-3"):
        handle.model(pixels, -3)


def test_tensors_and_outputs_of_a_pack_are_taken(vision: Any) -> None:
    handle = vision.load_clipvision_from_sd(
        {f"own.{name}": value for name, value in clip().state_dict().items()}, "own."
    )
    output = vision.Output()

    output["image_embeds"] = handle.encode_image(torch.rand(1, 42, 42, 3)).image_embeds

    assert output.image_embeds.shape == (1, 24)
