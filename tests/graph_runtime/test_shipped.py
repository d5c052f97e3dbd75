"""Example inputs are there in a fresh data folder, and never replace a person's file."""

import pytest

from graph_runtime.folders import Folders
from graph_runtime.shipped import copy_examples, shipped_models


@pytest.fixture
def folders(tmp_path):
    folders = Folders(tmp_path / "data")
    folders.create()
    return folders


@pytest.fixture
def examples(tmp_path):
    (tmp_path / "examples").mkdir()
    for name in ("one.png", "two.png"):
        (tmp_path / "examples" / name).write_text(f"example {name}")
    return tmp_path / "examples"


def test_missing_examples_are_copied(folders, examples):
    assert copy_examples(examples, folders) == ("one.png", "two.png")

    assert folders.names_in("input") == ["one.png", "two.png"]
    assert (folders.input / "two.png").read_text() == "example two.png"


def test_a_file_of_the_same_name_stays_as_it_is(folders, examples):
    (folders.input / "one.png").write_text("mine")

    assert copy_examples(examples, folders) == ("two.png",)
    assert copy_examples(examples, folders) == ()
    assert (folders.input / "one.png").read_text() == "mine"


def test_a_dead_link_is_not_written_through(folders, examples, tmp_path):
    (folders.input / "one.png").symlink_to(tmp_path / "elsewhere.png")

    copy_examples(examples, folders)

    assert not (tmp_path / "elsewhere.png").exists()


def test_without_examples_nothing_happens(folders, tmp_path):
    assert copy_examples(tmp_path / "none", folders) == ()


def test_an_input_folder_that_cannot_be_written_is_named_in_the_log(folders, examples, caplog, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.copyfile", refuse)

    assert copy_examples(examples, folders) == ()
    assert str(folders.input) in caplog.text


def test_the_models_that_ship_are_found_by_their_names(tmp_path):
    project = tmp_path / "project"
    for path in ("embedded/small.safetensors", "embedded_parts/loras/style.safetensors"):
        file = project / "diffusion" / path
        file.parent.mkdir(parents=True)
        file.touch()

    folders = Folders(tmp_path / "data", extra=shipped_models(project))

    assert folders.names("checkpoints") == ["small.safetensors"]
    assert folders.names("loras") == ["style.safetensors"]
    assert folders.names("controlnet") == []
