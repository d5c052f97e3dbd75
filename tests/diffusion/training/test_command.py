"""The command line of the training."""

import json

import pytest
from PIL import Image

from diffusion.training import command
from diffusion.training.command import EMBEDDED_FILE, main
from diffusion.training.extras_recipe import ExtrasRecipe
from diffusion.training.recipe import Recipe
from diffusion.training.xl_recipe import XlRecipe


def test_without_a_word_it_trains(monkeypatch, tmp_path):
    trained: list[tuple[Recipe, str]] = []
    monkeypatch.setattr(Recipe, "train", lambda self, path, say: trained.append((self, path.name)))

    assert main(["--out", str(tmp_path), "--steps", "7", "--batch", "5", "--threads", "1"]) == 0

    recipe, name = trained[0]
    assert (recipe.out, recipe.denoiser.steps, recipe.denoiser.batch) == (tmp_path, 7, 5)
    assert name == "heddle-shapes-128.safetensors"


@pytest.mark.parametrize(
    ("family", "kind", "part", "name"),
    [
        ("sdxl-base", XlRecipe, "base", "heddle-shapes-xl-base-128"),
        ("sdxl-refiner", XlRecipe, "refiner", "heddle-shapes-xl-refiner-128"),
        ("style", ExtrasRecipe, "style", "heddle-pastel-lora"),
        ("control", ExtrasRecipe, "control", "heddle-silhouette-controlnet"),
    ],
)
def test_a_family_trains_its_own_part_in_the_same_folder(family, kind, part, name, monkeypatch, tmp_path):
    trained = []
    monkeypatch.setattr(kind, f"train_{part}", lambda self, path, say: trained.append((self, path)))

    main(["--family", family, "--out", str(tmp_path), "--steps", "7", "--threads", "1"])

    ((recipe, path),) = trained
    assert recipe.first.out == tmp_path and path == tmp_path / f"{name}.safetensors"
    assert getattr(recipe, part).steps == 7 and recipe.first.denoiser == Recipe(out=tmp_path).denoiser


def test_a_stop_says_how_to_go_on(monkeypatch, tmp_path, capsys):
    def stop(self, path, say):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recipe, "train", stop)

    assert main(["--out", str(tmp_path), "--threads", "1"]) == 130
    assert "goes on from the last checkpoint" in capsys.readouterr().err


def test_evaluate_prints_json_for_the_embedded_model(monkeypatch, capsys):
    def scores(path, settings, report):
        return {"file": path.name, "steps": settings.steps}

    monkeypatch.setattr(command, "evaluate", scores)

    assert main(["evaluate", "--steps", "9", "--threads", "1"]) == 0

    assert json.loads(capsys.readouterr().out) == {"file": EMBEDDED_FILE.name, "steps": 9}


def test_sheet_writes_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "draw_sheet", lambda path, settings, report: Image.new("RGB", (4, 4)))

    assert main(["sheet", "--out", str(tmp_path / "sheet.png"), "--threads", "1"]) == 0

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (4, 4)
