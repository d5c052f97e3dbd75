"""The arguments of ``python -m diffusion.training`` and what they start."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from diffusion.training.evaluation import SampleSettings, evaluate
from diffusion.training.extras_recipe import CONTROL_NAME, STYLE_NAME, ExtrasRecipe
from diffusion.training.model_sizes import NAME
from diffusion.training.recipe import Recipe
from diffusion.training.sample_sheet import draw_sheet
from diffusion.training.xl_recipe import XlRecipe
from diffusion.training.xl_sizes import BASE_NAME, REFINER_NAME

EMBEDDED = Path(__file__).parent.parent / "embedded"
EMBEDDED_FILE = EMBEDDED / f"{NAME}.safetensors"
FAMILIES = {
    "sd1": NAME,
    "sdxl-base": BASE_NAME,
    "sdxl-refiner": REFINER_NAME,
    "style": STYLE_NAME,
    "control": CONTROL_NAME,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    given = list(arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help")):
        given.insert(0, "train")
    options = _parser().parse_args(given)
    torch.set_num_threads(options.threads)
    return COMMANDS[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m diffusion.training", description="The embedded model.")
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", help="draw the pictures, train and export; goes on where it stopped")
    defaults = Recipe(out=Path())
    train.add_argument("--out", type=Path, required=True, help="folder for data, checkpoints, logs and the model file")
    train.add_argument(
        "--family", choices=FAMILIES, default="sd1", help="model to train; one that begins with another trains that too"
    )
    train.add_argument("--pictures", type=int, default=defaults.pictures, help="pictures to draw")
    train.add_argument("--seed", type=int, default=defaults.seed, help="of the pictures")
    train.add_argument("--steps", type=int, default=None, help="steps of the family's denoiser")
    train.add_argument("--batch", type=int, default=None, help="pictures a step of the family's denoiser")

    sampling = argparse.ArgumentParser(add_help=False)
    chosen = SampleSettings()
    sampling.add_argument("file", type=Path, nargs="?", default=EMBEDDED_FILE, help="model file")
    sampling.add_argument("--steps", type=int, default=chosen.steps)
    sampling.add_argument("--guidance-scale", type=float, default=chosen.guidance_scale)
    sampling.add_argument("--sampler", default=chosen.sampler)
    sampling.add_argument("--schedule", default=chosen.schedule)
    sampling.add_argument("--seed", type=int, default=chosen.seed)
    sampling.add_argument("--refiner", type=Path, help="model file that draws the last steps")
    sampling.add_argument(
        "--high-noise-fraction", type=float, default=chosen.high_noise_fraction, help="share of the steps before them"
    )
    commands.add_parser("evaluate", parents=[sampling], help="print the detector's scores over 200 prompts as JSON")
    sheet = commands.add_parser("sheet", parents=[sampling], help="draw a labelled sheet of samples")
    sheet.add_argument("--out", type=Path, required=True, help="PNG file to write")

    for command in commands.choices.values():
        command.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    return parser


def _train(options: argparse.Namespace) -> int:
    changes = {name: getattr(options, name) for name in ("steps", "batch") if getattr(options, name) is not None}
    recipe = Recipe(out=options.out, pictures=options.pictures, seed=options.seed)
    model_file = options.out / f"{FAMILIES[options.family]}.safetensors"
    try:
        _train_family(options.family, recipe, changes, model_file)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


def _train_family(family: str, first: Recipe, changes: dict[str, int], model_file: Path) -> None:
    large, extras = XlRecipe(first=first), ExtrasRecipe(first=first)
    match family:
        case "sdxl-base":
            replace(large, base=replace(large.base, **changes)).train_base(model_file, _say)
        case "sdxl-refiner":
            replace(large, refiner=replace(large.refiner, **changes)).train_refiner(model_file, _say)
        case "style":
            replace(extras, style=replace(extras.style, **changes)).train_style(model_file, _say)
        case "control":
            replace(extras, control=replace(extras.control, **changes)).train_control(model_file, _say)
        case _:
            replace(first, denoiser=replace(first.denoiser, **changes)).train(model_file, _say)


def _evaluate(options: argparse.Namespace) -> int:
    scores = evaluate(options.file, _settings(options), _report)
    print(json.dumps(scores, indent=1))
    return 0


def _sheet(options: argparse.Namespace) -> int:
    draw_sheet(options.file, _settings(options), report=_report).save(options.out, optimize=True)
    return 0


def _settings(options: argparse.Namespace) -> SampleSettings:
    return SampleSettings(
        steps=options.steps,
        guidance_scale=options.guidance_scale,
        sampler=options.sampler,
        schedule=options.schedule,
        seed=options.seed,
        refiner=options.refiner,
        high_noise_fraction=options.high_noise_fraction,
    )


def _say(line: str) -> None:
    print(line, flush=True)


def _report(done: int, total: int) -> None:
    print(f"{done} of {total} pictures", file=sys.stderr, flush=True)


COMMANDS = {"train": _train, "evaluate": _evaluate, "sheet": _sheet}
