"""The arguments of ``python -m diffusion.training`` and what they start."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from diffusion.training.evaluation import SampleSettings, evaluate
from diffusion.training.model_sizes import NAME
from diffusion.training.recipe import Recipe
from diffusion.training.sample_sheet import draw_sheet

EMBEDDED_FILE = Path(__file__).parent.parent / "embedded" / f"{NAME}.safetensors"


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
    train.add_argument("--pictures", type=int, default=defaults.pictures, help="pictures to draw")
    train.add_argument("--seed", type=int, default=defaults.seed, help="of the pictures")
    train.add_argument("--steps", type=int, default=defaults.denoiser.steps, help="steps of the denoiser")
    train.add_argument("--batch", type=int, default=defaults.denoiser.batch, help="pictures a step of the denoiser")

    sampling = argparse.ArgumentParser(add_help=False)
    chosen = SampleSettings()
    sampling.add_argument("file", type=Path, nargs="?", default=EMBEDDED_FILE, help="model file")
    sampling.add_argument("--steps", type=int, default=chosen.steps)
    sampling.add_argument("--guidance-scale", type=float, default=chosen.guidance_scale)
    sampling.add_argument("--sampler", default=chosen.sampler)
    sampling.add_argument("--schedule", default=chosen.schedule)
    sampling.add_argument("--seed", type=int, default=chosen.seed)
    commands.add_parser("evaluate", parents=[sampling], help="print the detector's scores over 200 prompts as JSON")
    sheet = commands.add_parser("sheet", parents=[sampling], help="draw a labelled sheet of samples")
    sheet.add_argument("--out", type=Path, required=True, help="PNG file to write")

    for command in commands.choices.values():
        command.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor threads")
    return parser


def _train(options: argparse.Namespace) -> int:
    recipe = Recipe(out=options.out, pictures=options.pictures, seed=options.seed)
    denoiser = replace(recipe.denoiser, steps=options.steps, batch=options.batch)
    try:
        replace(recipe, denoiser=denoiser).train(options.out / EMBEDDED_FILE.name, _say)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


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
    )


def _say(line: str) -> None:
    print(line, flush=True)


def _report(done: int, total: int) -> None:
    print(f"{done} of {total} pictures", file=sys.stderr, flush=True)


COMMANDS = {"train": _train, "evaluate": _evaluate, "sheet": _sheet}
