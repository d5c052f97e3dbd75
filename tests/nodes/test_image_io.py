"""Pictures in and out of the folders."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from graph_runtime.cancel import CancelToken
from graph_runtime.context import Context, RunExtra, Services
from graph_runtime.errors import Cancelled, HeddleError
from graph_runtime.files import Files
from graph_runtime.folders import Folders
from nodes.image_io import compare_images, load_image, picture_digest, picture_exists, preview_image, save_image


class Place:
    """A context over folders of its own."""

    def __init__(self, data_dir, **extra):
        self.folders = Folders(data_dir)
        self.folders.create()
        self.cancel = CancelToken()
        services = Services("job", lambda event: None, self.cancel, RunExtra(**extra), Files(self.folders))
        self.ctx = Context(services, "7", "SaveImage")

    def shown(self):
        return self.ctx._ui["images"]


@pytest.fixture
def place(data_dir):
    return Place(data_dir, prompt={"7": {"class_type": "SaveImage"}}, extra_pnginfo={"workflow": {"x": 1}})


def picture(folder, name="a.png", colour=(255, 0, 0)):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 2), colour).save(folder / name)


def test_a_picture_of_the_input_folder_becomes_an_image_and_a_mask(place):
    picture(place.folders.input)

    image, mask = load_image(image="a.png", ctx=place.ctx)

    assert image.shape == (1, 2, 4, 3) and image.dtype == torch.float32
    assert image[0, 0, 0].tolist() == [1, 0, 0]
    assert mask.shape == (1, 64, 64) and not mask.any()


@pytest.mark.parametrize(("name", "folder"), [("a.png [output]", "output"), ("sub/a.png [temp]", "temp")])
def test_a_name_may_mean_another_folder(place, name, folder):
    picture(getattr(place.folders, folder), name.split(" ")[0], (0, 0, 255))

    image, _ = load_image(image=name, ctx=place.ctx)

    assert image[0, 0, 0].tolist() == [0, 0, 1]


def test_a_picture_counts_by_its_content_and_not_by_its_name(place):
    picture(place.folders.input, "a.png")
    picture(place.folders.input, "b.png")
    first = picture_digest("a.png", place.ctx)
    assert first == picture_digest("b.png", place.ctx)

    picture(place.folders.input, "a.png", (0, 0, 0))

    assert picture_digest("a.png", place.ctx) != first


@pytest.mark.parametrize("name", ["missing.png", "../secret.png", "/etc/passwd", ""])
def test_a_picture_that_is_not_there_is_refused_before_the_run(place, name):
    assert picture_exists(name, place.ctx)
    picture(place.folders.input)
    assert picture_exists("a.png", place.ctx) is None and picture_exists(None, place.ctx) is None


def test_saved_files_are_numbered_and_shown_and_carry_their_workflow(place):
    images = torch.tensor([[[[1.0, 0.5, 0.0]]], [[[0.0, 0.0, 2.0]]]])

    save_image(images=images, filename_prefix="sub/cat_%width%x%height%_%batch_num%", ctx=place.ctx)

    assert place.shown() == [
        {"filename": "cat_1x1_0_00001_.png", "subfolder": "sub", "type": "output"},
        {"filename": "cat_1x1_1_00001_.png", "subfolder": "sub", "type": "output"},
    ]
    with Image.open(place.folders.output / "sub/cat_1x1_0_00001_.png") as saved:
        assert np.asarray(saved).tolist() == [[[255, 127, 0]]]
        assert json.loads(saved.text["prompt"]) == {"7": {"class_type": "SaveImage"}}
        assert json.loads(saved.text["workflow"]) == {"x": 1}


def test_numbers_go_on_from_the_highest_there_is(place):
    place.folders.output.joinpath("cat_00041_.png").write_bytes(b"")

    save_image(images=torch.zeros(2, 1, 1, 3), filename_prefix="cat", ctx=place.ctx)

    assert [entry["filename"] for entry in place.shown()] == ["cat_00042_.png", "cat_00043_.png"]


def test_nothing_is_embedded_where_metadata_is_off(data_dir):
    place = Place(data_dir)

    save_image(images=torch.zeros(1, 1, 1, 3), filename_prefix="cat", ctx=place.ctx)

    assert Image.open(data_dir / "output/cat_00001_.png").text == {}


@pytest.mark.parametrize("prefix", ["../out", "/tmp/out", "a/../../out"])
def test_a_name_that_leaves_the_output_folder_is_refused(place, prefix):
    with pytest.raises(HeddleError, match="leads outside the output folder"):
        save_image(images=torch.zeros(1, 1, 1, 3), filename_prefix=prefix, ctx=place.ctx)
    assert list(place.folders.output.rglob("*.png")) == []


def test_previews_live_in_the_temporary_folder_under_names_of_their_own(place):
    for _ in range(2):
        preview_image(images=torch.zeros(1, 8, 8, 3), ctx=place.ctx)

    first, second = place.shown()
    assert re.fullmatch(r"ComfyUI_temp_[a-z]{5}_00001_\.png", first["filename"]) and first["type"] == "temp"
    assert first["filename"] != second["filename"]
    assert (place.folders.temp / first["filename"]).is_file()


def test_a_cancelled_save_writes_no_further_file(place):
    place.cancel.cancel()

    with pytest.raises(Cancelled):
        save_image(images=torch.zeros(3, 1, 1, 3), filename_prefix="cat", ctx=place.ctx)
    assert list(place.folders.output.iterdir()) == []


def test_a_comparison_shows_its_two_sides_apart_and_keeps_neither(place):
    compare_images(image_a=torch.zeros(1, 2, 4, 3), image_b=torch.ones(2, 2, 4, 3), ctx=place.ctx)

    shown = place.ctx.shown
    assert {side: len(files) for side, files in shown.items()} == {"a_images": 1, "b_images": 2}
    assert {file["type"] for files in shown.values() for file in files} == {"temp"}
    with Image.open(place.folders.temp / shown["b_images"][0]["filename"]) as saved:
        assert saved.getpixel((0, 0)) == (255, 255, 255)


def test_a_comparison_with_one_side_shows_that_side(place):
    compare_images(image_b=torch.ones(1, 2, 4, 3), ctx=place.ctx)

    assert list(place.ctx.shown) == ["b_images"]
