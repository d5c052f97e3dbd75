"""A labelled grid of samples, for people to look at."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from diffusion.loading import load_checkpoint
from diffusion.training.evaluation import SampleSettings, pictures
from diffusion.training.model_sizes import NATIVE_SIZE

COLUMNS = 6
GAP = 10
LABEL = 34
PROMPTS = (
    "a red circle on a blue background",
    "a yellow star on a purple background",
    "a green heart on a white background",
    "an orange square on a black background",
    "a white triangle on a green background",
    "a blue diamond on a yellow background",
    "a small black heart on an orange background",
    "a large purple circle on a yellow background",
    "a small red star on a white background",
    "a green star above a yellow square",
    "a blue circle to the left of a red triangle",
    "a white heart below an orange circle on a purple background",
    "a red house with a blue roof and a tree on a meadow by day",
    "a yellow house with a purple roof in front of mountains at sunset",
    "a white house with an orange roof under a starry night sky",
    "a green boat with a white sail on the sea on a sunny day",
    "a red boat on the sea at sunset",
    "a blue boat on the sea at night with a moon",
    "mountains at sunset",
    "mountains on a sunny day",
    "the sea at night with a moon and stars",
    "a tree on a meadow at sunset",
    "a tree in front of mountains under a starry night sky",
    "green hills by day",
)


def draw_sheet(
    model_file: Path,
    settings: SampleSettings,
    prompts: Sequence[str] = PROMPTS,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Image.Image:
    """Sample one picture a prompt and set them in a grid, each with its prompt below."""
    cell_width, cell_height = NATIVE_SIZE + GAP, NATIVE_SIZE + LABEL + GAP
    rows = -(-len(prompts) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell_width + GAP, rows * cell_height + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=9)
    drawn = pictures(load_checkpoint(model_file), prompts, settings, report)
    for number, (prompt, picture) in enumerate(zip(prompts, drawn, strict=True)):
        left = GAP + number % COLUMNS * cell_width
        top = GAP + number // COLUMNS * cell_height
        sheet.paste(picture, (left, top))
        draw.multiline_text((left, top + NATIVE_SIZE + 2), "\n".join(wrap(prompt, 27)[:3]), "black", font, spacing=1)
    return sheet
