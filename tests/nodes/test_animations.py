"""Animated files play at their speed, carry their workflow, and keep their pixels."""

import json

import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageSequence

from graph_runtime.documents import read_media
from nodes import animations
from tests.nodes.calling import call

FRAMES = torch.stack([torch.full((4, 6, 3), value / 255) for value in (10, 120, 250)])
PROMPT, WORKFLOW = {"1": {"class_type": "X", "inputs": {}}}, {"nodes": [], "name": "ü"}


def save(function, data_dir, **inputs):
    return call(
        function,
        data_dir,
        images=FRAMES,
        filename_prefix="a/b",
        prompt=PROMPT,
        extra_pnginfo={"workflow": WORKFLOW},
        **inputs,
    )


@pytest.mark.parametrize(
    ("function", "suffix", "inputs"),
    [
        (animations.save_animated_webp, "webp", {"fps": 12.5, "lossless": True, "method": "fastest"}),
        (animations.save_animated_png, "png", {"fps": 12.5, "compress_level": 1}),
    ],
)
def test_frames_speed_and_workflow_are_in_the_file(data_dir, function, suffix, inputs):
    shown = save(function, data_dir, **inputs)

    assert shown.ui == {
        "images": [{"filename": f"b_00001_.{suffix}", "subfolder": "a", "type": "output"}],
        "animated": [True],
    }
    path = data_dir / "output" / "a" / f"b_00001_.{suffix}"
    with Pillow.open(path) as file:
        frames = [
            (frame.convert("RGB").getpixel((3, 2)), frame.info["duration"]) for frame in ImageSequence.Iterator(file)
        ]
    assert frames == [((10,) * 3, 80), ((120,) * 3, 80), ((250,) * 3, 80)]
    texts = read_media(path.read_bytes()).texts
    assert {key: json.loads(text) for key, text in texts.items()} == {"prompt": PROMPT, "workflow": WORKFLOW}


def test_one_frame_is_no_animation(data_dir):
    shown = call(animations.save_animated_webp, data_dir, images=FRAMES[:1], method="default")

    assert shown.ui["animated"] == [False]


def test_lossy_files_are_smaller_than_lossless_ones(data_dir):
    noise = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(1))
    sizes = []
    for lossless in (True, False):
        shown = call(
            animations.save_animated_webp, data_dir, images=noise, lossless=lossless, quality=10, method="default"
        )
        sizes.append((data_dir / "output" / shown.ui["images"][0]["filename"]).stat().st_size)

    assert sizes[1] < sizes[0] / 3


def test_a_picture_of_the_output_folder_is_loaded(data_dir):
    save(animations.save_animated_png, data_dir)

    loaded = call(animations.load_image_output, data_dir, image="a/b_00001_.png [output]").result

    torch.testing.assert_close(loaded.IMAGE, FRAMES, atol=1e-6, rtol=0)
