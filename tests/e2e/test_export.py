"""What leaves the editor in a real Chromium: documents, prompts, scripts that run, pictures that open again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.roads import BLUE, RED, OpenPage, node_named, one_colour, open_document, open_file

pytestmark = pytest.mark.browser


def exported(page: Page, command: str, folder: Path) -> Path:
    """Runs one command of the palette and keeps the file it gives."""
    page.keyboard.press("Control+k")
    page.keyboard.type(command)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_the_python_script_runs_the_workflow_and_fetches_its_pictures(
    open_page: OpenPage, server: Any, tmp_path: Path
) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "As a script"))
    script = exported(page, "Python script", tmp_path)
    options = ["--set", f"1.color={BLUE}", "--output", str(tmp_path / "pictures")]
    ended = subprocess.run([sys.executable, str(script), *options], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0, ended.stderr
    picture = Path(ended.stdout.strip())
    assert Image.open(picture).convert("RGB").getpixel((10, 10)) == (0x20, 0x30, 0xD0)
    wrong = subprocess.run([sys.executable, str(script), "--set", "99.x=1"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode != 0
    assert "no node '99'" in wrong.stderr


def test_the_prompt_is_what_the_api_takes(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    open_document(page, one_colour(RED))
    prompt = json.loads(exported(page, "API prompt", tmp_path).read_text(encoding="utf-8"))

    assert prompt["1"]["class_type"] == "EmptyImage"
    assert prompt["2"]["inputs"]["images"] == ["1", 0]


def test_the_svg_picture_opens_again_as_the_workflow(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Inside the drawing"))
    svg = exported(page, "picture of the graph (SVG)", tmp_path)
    other = open_page()
    open_file(other, "drawing.svg", "image/svg+xml", svg.read_bytes())

    expect(other.get_by_role("button", name="Inside the drawing", exact=True)).to_be_visible()
    expect(node_named(other, "EmptyImage").get_by_role("textbox", name="color")).to_have_value(f"#{RED:06x}")


def test_the_png_picture_shows_the_graph(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    open_document(page, one_colour(RED))
    picture = Image.open(exported(page, "picture of the graph (PNG)", tmp_path)).convert("RGB")

    assert picture.width > 600 and picture.height > 300
    assert len(picture.getcolors(1_000_000) or []) > 20


def test_a_seed_beyond_2_to_the_53_keeps_every_digit(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    document = one_colour(RED)
    document["nodes"]["3"] = {"type": "KSampler", "inputs": {"seed": 2**64 - 1}}
    document["layout"]["nodes"]["3"] = {"pos": [0, 320]}
    open_document(page, document)
    expect(node_named(page, "KSampler").get_by_role("textbox", name="seed")).to_have_value(str(2**64 - 1))
    saved = json.loads(exported(page, "Save as file", tmp_path).read_text(encoding="utf-8"))
    prompt = json.loads(exported(page, "API prompt", tmp_path).read_text(encoding="utf-8"))

    assert saved["nodes"]["3"]["inputs"]["seed"] == 2**64 - 1
    assert prompt["3"]["inputs"]["seed"] == 2**64 - 1
