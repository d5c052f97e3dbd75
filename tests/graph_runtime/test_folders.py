"""Where names become paths."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_runtime.folders import ExtraFolder, Folders, UnknownFolder, UnsafePath, confine


@pytest.fixture
def folders(tmp_path):
    made = Folders(tmp_path / "data")
    made.create()
    return made


def put(folders, key, name, content=b""):
    path = folders.model_dirs(key)[0] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_models_are_listed_recursively_sorted_and_filtered_by_extension(folders):
    for name in ("b.safetensors", "sub/a.CKPT", "sub/.git/hidden.safetensors", "notes.txt"):
        put(folders, "checkpoints", name)

    assert folders.names("checkpoints") == ["b.safetensors", "sub/a.CKPT"]


def test_a_file_added_later_is_listed(folders):
    put(folders, "loras", "deep/er/one.safetensors")
    assert folders.names("loras") == ["deep/er/one.safetensors"]

    put(folders, "loras", "deep/er/two.safetensors")

    assert folders.names("loras") == ["deep/er/one.safetensors", "deep/er/two.safetensors"]


def test_an_unchanged_folder_is_not_walked_again(folders, monkeypatch):
    put(folders, "loras", "one.safetensors")
    folders.names("loras")

    monkeypatch.setattr(os, "walk", None)

    assert folders.names("loras") == ["one.safetensors"]


def test_a_circle_of_links_is_listed_once(folders):
    put(folders, "loras", "sub/one.safetensors")
    (folders.model_dirs("loras")[0] / "sub" / "again").symlink_to(folders.model_dirs("loras")[0])

    assert folders.names("loras") == ["sub/one.safetensors"]


def test_the_first_directory_with_the_name_wins(tmp_path):
    folders = Folders(tmp_path / "data", models_dirs=[tmp_path / "more"])
    second = tmp_path / "more/vae/x.safetensors"
    second.parent.mkdir(parents=True)
    second.write_bytes(b"")
    assert folders.find("vae", "x.safetensors") == second

    first = put(folders, "vae", "x.safetensors")

    assert folders.find("vae", "x.safetensors") == first
    assert folders.names("vae") == ["x.safetensors"]


def test_what_save_nodes_wrote_can_be_loaded(folders):
    (folders.output / "checkpoints").mkdir()
    (folders.output / "checkpoints/merged.safetensors").write_bytes(b"")

    assert folders.names("checkpoints") == ["merged.safetensors"]


def test_extra_folders_add_directories_and_keys(tmp_path):
    extra = [("checkpoints", tmp_path / "shipped"), ExtraFolder("animatediff", tmp_path / "motion", True)]
    folders = Folders(tmp_path / "data", extra=extra)
    for name in ("shipped/tiny.safetensors", "motion/m.anything"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")

    assert folders.names("checkpoints") == ["tiny.safetensors"]
    assert folders.names("animatediff") == ["m.anything"]
    assert "animatediff" in folders.keys


def test_a_default_extra_folder_is_searched_first(tmp_path):
    folders = Folders(tmp_path / "data", extra=[ExtraFolder("loras", tmp_path / "mine", is_default=True)])

    assert folders.model_dirs("loras")[0] == tmp_path / "mine"


def test_old_keys_mean_the_new_folders(folders):
    put(folders, "text_encoders", "t5.safetensors")

    assert folders.names("clip") == ["t5.safetensors"]
    assert folders.model_dirs("unet") == folders.model_dirs("diffusion_models")


def test_an_unknown_key_names_the_known_ones(folders):
    with pytest.raises(UnknownFolder, match=r"no model folder 'checkpoint'\. Known folders: checkpoints, configs"):
        folders.names("checkpoint")


def test_a_diffusers_model_is_a_folder(folders):
    put(folders, "diffusers", "sd-tiny/model_index.json")
    put(folders, "diffusers", "sd-tiny/unet/config.json")

    assert folders.names("diffusers") == ["sd-tiny"]


def test_a_diffusers_model_among_the_checkpoints_counts_as_one(folders):
    put(folders, "checkpoints", "plain.safetensors")
    put(folders, "checkpoints", "saved/sd-tiny/model_index.json")
    put(folders, "checkpoints", "saved/sd-tiny/unet/weights.safetensors")

    assert folders.names("checkpoints") == ["plain.safetensors", "saved/sd-tiny"]
    assert folders.find("checkpoints", "saved/sd-tiny").is_dir()


@pytest.mark.parametrize("name", ["../x.ckpt", "/etc/passwd", "a/../../x.ckpt", "C:\\x.ckpt", "", "\0", "..\\x.ckpt"])
def test_a_model_name_cannot_leave_its_folder(folders, name):
    (folders.data_dir / "models/x.ckpt").write_bytes(b"")

    assert folders.find("checkpoints", name) is None


def test_a_name_written_on_windows_is_found(folders):
    path = put(folders, "checkpoints", "sub/a.ckpt")

    assert folders.find("checkpoints", "sub\\a.ckpt") == path


@given(st.text(alphabet="ab./\\\0:[] ", max_size=12))
def test_confining_never_leads_outside(tmp_path_factory, name):
    root = tmp_path_factory.getbasetemp()

    try:
        path = confine(root, name)
    except UnsafePath:
        return
    assert path == root.resolve() or root.resolve() in path.parents


def test_a_symbolic_link_that_leads_out_is_refused(folders, tmp_path):
    (tmp_path / "secret").write_text("s")
    (folders.output / "link").symlink_to(tmp_path / "secret")
    (folders.output / "up").symlink_to(tmp_path)

    for name in ("link", "up/secret", "up/new.png"):
        with pytest.raises(UnsafePath, match="through a symbolic link"):
            confine(folders.output, name)


def test_a_root_that_is_itself_a_link_is_fine(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")

    assert confine(tmp_path / "root", "a.png") == (tmp_path / "real/a.png").resolve()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "input/a.png"),
        ("sub/a.png [output]", "output/sub/a.png"),
        ("a.png[temp]", "temp/a.png"),
        ("a.png [other]", "input/a.png [other]"),
    ],
)
def test_an_ending_in_brackets_chooses_the_folder(folders, name, expected):
    assert folders.annotated(name) == (folders.data_dir / expected).resolve()


def test_pictures_are_chosen_from_the_top_level_of_the_input_folder(folders):
    for name in ("b.PNG", "a.webp", "note.txt"):
        (folders.input / name).write_bytes(b"")
    (folders.input / "sub.png").mkdir()

    assert folders.choices("input/image") == ["a.webp", "b.PNG"]
    assert folders.choices("input") == ["a.webp", "b.PNG", "note.txt"]
    assert folders.choices("checkpoints") == []


def test_a_linked_model_is_found_when_it_is_listed_and_nothing_else_behind_a_link(folders, tmp_path):
    loras = folders.model_dirs("loras")[0]
    loras.mkdir(parents=True, exist_ok=True)
    other = tmp_path / "other disk"
    other.mkdir()
    for name in ("big.safetensors", "diary.txt"):
        (other / name).write_text("x")
    (loras / "linked.safetensors").symlink_to(other / "big.safetensors")
    (loras / "disk").symlink_to(other)

    assert folders.names("loras") == ["disk/big.safetensors", "linked.safetensors"]
    assert folders.find("loras", "linked.safetensors") and folders.find("loras", "disk/big.safetensors")
    assert folders.find("loras", "disk/diary.txt") is None
    assert not folders.holds("loras", loras / "linked.safetensors")
    assert folders.holds("loras", loras / "own.safetensors")
