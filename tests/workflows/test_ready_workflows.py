"""Every workflow that ships: the ones for the embedded models run and show what they say, the others are in order."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nodes
from diffusion.training.detector import colour_name, read_picture
from graph_runtime.documents import load
from graph_runtime.folders import Folders
from graph_runtime.shipped import copy_examples, shipped_models
from graph_runtime.validate import validate
from worker import headless

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "workflows"
DOCUMENTS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
CELL, GAP = 128, 4


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a workflow in a fresh data folder and returns its pictures by the beginnings of their names."""
    torch.set_num_threads(1)

    def run(name: str, *assignments: str) -> dict[str, Image.Image]:
        place = tmp_path_factory.mktemp(name)
        changes = [word for assignment in assignments for word in ("--set", assignment)]
        flags = ["--data-dir", place / "data", "--output", place / "out", "--cpu", "--quiet", *changes]
        assert headless.main([str(word) for word in (FOLDER / f"{name}.json", *flags)]) == 0
        files = sorted((place / "out").iterdir())
        return {path.name.removesuffix("_00001_.png"): Image.open(path).convert("RGB") for path in files}

    return run


def cells(grid: Image.Image, columns: int) -> list[Image.Image]:
    """The pictures of a labelled grid of 128-pixel cells."""
    width = CELL + GAP
    assert grid.width == columns * width + GAP
    rows = round(grid.height / width)
    height = (grid.height - GAP) // rows
    corners = [(GAP + column * width, GAP + row * height) for row in range(rows) for column in range(columns)]
    return [grid.crop((left, top, left + CELL, top + CELL)) for left, top in corners]


def seen(picture: Image.Image) -> tuple[str | None, str | None, str | None]:
    reading = read_picture(picture)
    return reading.colour, reading.shape, reading.background


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(float)


def problems_of(name: str, tmp_path: Path) -> list[str]:
    """What is wrong with a workflow where its own files are there, and only those and what ships."""
    needed = DOCUMENTS[name].get("meta", {}).get("needs", [])
    for path in needed:
        file = tmp_path / "models" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    folders = Folders(tmp_path, extra=shipped_models(ROOT))
    folders.create()
    copy_examples(FOLDER / "inputs", folders)
    catalogue = nodes.catalogue()
    graph = load(DOCUMENTS[name], catalogue).to_graph(catalogue)
    return [str(problem) for problem in validate(graph, catalogue, folders.choices).problems]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_workflow_is_valid(name, tmp_path):
    assert problems_of(name, tmp_path) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_workflow_says_what_it_is_and_every_node_has_a_place_of_its_own(name):
    document = DOCUMENTS[name]
    places = {tuple(layout["pos"]) for layout in document["layout"]["nodes"].values()}

    assert document["name"] and document["meta"]["description"].endswith(".")
    assert len(places) == len(document["nodes"])
    assert all(node.get("title") for node in document["nodes"].values())


def test_every_workflow_that_runs_here_has_a_small_picture():
    pictures = {path.stem: path for path in (FOLDER / "pictures").iterdir()}

    assert set(pictures) == {name for name, document in DOCUMENTS.items() if not document["meta"].get("needs")}
    assert all(path.stat().st_size <= 30_000 for path in pictures.values())


def test_text_to_image_shows_its_prompt(run):
    assert seen(run("text-to-image")["heddle"]) == ("red", "circle", "blue")


def test_base_and_refiner_show_the_prompt(run):
    assert seen(run("base-and-refiner")["base-and-refiner"]) == ("green", "star", "yellow")


def test_image_to_image_goes_from_the_start_to_the_prompt(run):
    drawn = cells(run("image-to-image")["image-to-image"], columns=5)

    assert seen(drawn[0]) == ("red", "circle", "blue")
    assert seen(drawn[-1]) == ("green", "star", "yellow")
    start = pixels(Image.open(FOLDER / "inputs" / "heddle-red-circle.png").convert("RGB"))
    away = [np.abs(pixels(picture) - start).mean() for picture in drawn]
    assert away[0] < away[1] < away[-1]


def test_inpainting_changes_the_hole_alone(run):
    drawn = run("inpainting")["inpainting"]
    start = Image.open(FOLDER / "inputs" / "heddle-hole.png")
    kept = np.asarray(start)[..., 3] == 255

    assert seen(drawn) == ("yellow", "star", "blue")
    assert np.array_equal(np.asarray(drawn)[kept], np.asarray(start)[..., :3][kept])


def test_two_passes_give_the_same_picture_twice_as_large(run):
    drawn = run("two-pass-upscale")

    small, large = drawn["two-pass-small"], drawn["two-pass-large"]
    assert seen(small) == ("purple", "heart", "white")
    assert large.size == (256, 256)
    assert np.abs(pixels(large.resize((128, 128), Image.Resampling.BOX)) - pixels(small)).mean() < 12


def test_the_silhouette_decides_where_the_shape_stands(run):
    steered = run("controlnet", "Apply.strength=2")["controlnet"]
    free = run("controlnet", "Apply.strength=0")["controlnet"]
    asked = np.asarray(Image.open(FOLDER / "inputs" / "heddle-silhouette.png").convert("L")) > 127

    def overlap(picture):
        painted = pixels(picture).min(axis=-1) < 128
        return (painted & asked).sum() / (painted | asked).sum()

    assert overlap(steered) > 0.8 > 0.6 > overlap(free)
    red, green, blue = pixels(steered)[asked].mean(axis=0)
    assert colour_name((red, green, blue)) == "red"


def test_the_lora_takes_the_colours_to_pastel_and_keeps_the_shape_in_its_place(run):
    drawn = cells(run("lora")["lora"], columns=3)

    assert seen(drawn[0]) == ("blue", "heart", "red")
    saturation = [np.ptp(pixels(picture), axis=-1).mean() for picture in drawn]
    assert saturation[2] < 0.6 * saturation[0]
    red, _, blue = pixels(drawn[2])[48:72, 48:80].mean(axis=(0, 1))
    assert blue > red + 20, "the heart in the middle is still blue"


def test_the_heavier_word_wins(run):
    drawn = cells(run("prompt-weighting")["prompt-weighting"], columns=3)

    assert seen(drawn[0]) == ("yellow", "star", "purple")
    assert seen(drawn[2]) == ("green", "star", "purple")


def test_the_guidance_sweep_follows_the_prompt_in_the_usual_range(run):
    drawn = cells(run("guidance-sweep")["guidance-sweep"], columns=3)

    assert len(drawn) == 9
    assert [seen(picture) for picture in drawn[2:7]] == [("yellow", "star", "purple")] * 5
    assert seen(drawn[0]) != ("yellow", "star", "purple")


def test_nine_variations_are_nine_different_pictures_of_one_scene(run):
    drawn = cells(run("nine-variations")["nine-variations"], columns=3)

    assert len({picture.tobytes() for picture in drawn}) == 9
    for picture in drawn:
        ground, sky = pixels(picture)[-8:].mean(axis=(0, 1)), pixels(picture)[:8].mean(axis=(0, 1))
        assert colour_name(ground) == "green"
        assert sky[2] > sky[0], "the sky is blue"


def test_steps_come_closer_to_the_picture_one_after_the_other(run):
    drawn = cells(run("steps-progression")["steps-progression"], columns=7)

    away = [np.abs(pixels(picture) - pixels(drawn[-1])).mean() for picture in drawn]
    assert away[0] > away[2] > away[4] > away[6] == 0
    assert colour_name(pixels(drawn[-1])[-10:].mean(axis=(0, 1))) == "blue", "the sea"
