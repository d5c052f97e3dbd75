"""Folders of pictures as batches to train on."""

import pytest
import torch
from PIL import Image

from graph_runtime.errors import HeddleError
from graph_runtime.folders import Folders
from nodes.training_data import folder_digest, load_image_set_from_folder, load_image_text_set_from_folder
from tests.nodes.calling import call


class Words:
    """A text encoder that shows what it was given."""

    def encode(self, text):
        return [[text, {}]]


@pytest.fixture
def folder(data_dir):
    root = data_dir / "input" / "set"
    (root / "2_dogs").mkdir(parents=True)
    Image.new("RGB", (8, 4), (255, 0, 0)).save(root / "b.png")
    Image.new("RGB", (8, 4), (0, 0, 255)).save(root / "c.webp", lossless=True)
    Image.new("RGB", (8, 4), (0, 255, 0)).save(root / "2_dogs" / "a.png")
    (root / "2_dogs" / "a.txt").write_text(" a dog \n")
    (root / "b.txt").write_text("red")
    (root / "notes.md").write_text("no picture")
    return root


def test_every_picture_of_a_folder_is_in_the_batch(data_dir, folder):
    batch = call(load_image_set_from_folder, data_dir, folder="set").result

    assert batch.shape == (3, 4, 8, 3)
    assert batch[:, 0, 0].round().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert "set" in Folders(data_dir).choices("input/folders") and "set/2_dogs" in Folders(data_dir).choices(
        "input/folders"
    )


def test_captions_follow_the_pictures_and_folders_are_repeated(data_dir, folder):
    loaded = call(load_image_text_set_from_folder, data_dir, folder="set", clip=Words()).result

    assert [text for text, _ in loaded.CONDITIONING] == ["a dog", "a dog", "red", ""]
    assert loaded.IMAGE.shape[0] == 4 and torch.equal(loaded.IMAGE[0], loaded.IMAGE[1])


@pytest.mark.parametrize(("method", "corner", "middle"), [("Stretch", 1.0, 1.0), ("Crop", 1.0, 1.0), ("Pad", 0.0, 1.0)])
def test_pictures_of_another_size_are_fitted(data_dir, folder, method, corner, middle):
    Image.new("RGB", (20, 20), (255, 255, 255)).save(folder / "d.png")

    batch = call(load_image_set_from_folder, data_dir, folder="set", resize_method=method).result

    assert batch.shape == (4, 4, 8, 3)
    assert (batch[3, 0, 0].mean().item(), batch[3, 2, 4].mean().item()) == (corner, middle)


def test_a_size_may_be_chosen(data_dir, folder):
    loaded = call(
        load_image_text_set_from_folder,
        data_dir,
        folder="set",
        clip=Words(),
        resize_method="Stretch",
        width=6,
        height=2,
    )

    assert loaded.result.IMAGE.shape == (4, 2, 6, 3)


def test_other_sizes_are_refused_where_nothing_is_to_be_fitted(data_dir, folder):
    Image.new("RGB", (20, 20)).save(folder / "d.png")

    with pytest.raises(HeddleError, match=r"'d\.png' has 20×20 pixels, not 8×4"):
        call(load_image_set_from_folder, data_dir, folder="set")


def test_a_folder_without_pictures_is_an_error(data_dir, folder):
    (data_dir / "input" / "none").mkdir()

    with pytest.raises(HeddleError, match="has no pictures"):
        call(load_image_set_from_folder, data_dir, folder="none")


def test_the_folder_counts_as_changed_when_a_caption_is(data_dir, folder):
    class Ctx:
        folders = Folders(data_dir)

    before = folder_digest("set", Ctx)
    (folder / "b.txt").write_text("scarlet")

    assert folder_digest("set", Ctx) != before
