"""How often the model draws what its caption says, read from the pixels by the detector."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.sampling import prepare_noise, sample
from diffusion.training.combinations import HELD_OUT, TRAINED, Combination
from diffusion.training.detector import read_objects, read_picture
from diffusion.training.flat_pictures import FlatPicture, random_pair, with_article
from diffusion.training.model_sizes import NATIVE_SIZE, RECOMMENDED
from diffusion.training.sharpness import Sharpness, measure

PROMPTS = 200
PAIRS = 60  # prompts of two objects
HIGH_NOISE_FRACTION = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """How pictures are sampled; the defaults are what the model file recommends.

    Attributes:
        refiner: model file that draws the last steps, or None.
        high_noise_fraction: share of the steps before those.
    """

    steps: int = RECOMMENDED["steps"]
    guidance_scale: float = RECOMMENDED["guidance_scale"]
    sampler: str = RECOMMENDED["sampler"]
    schedule: str = RECOMMENDED["schedule"]
    seed: int = 0
    batch: int = 20
    refiner: Path | None = None
    high_noise_fraction: float = HIGH_NOISE_FRACTION


@dataclass(frozen=True, slots=True)
class Judged:
    """One prompt, which parts of its picture were right, and how sharp it is (None where nothing is seen)."""

    combination: Combination
    background: bool
    colour: bool
    shape: bool
    sharpness: Sharpness | None

    @property
    def right(self) -> bool:
        """Whether all three are right."""
        return self.background and self.colour and self.shape


def prompt_of(combination: Combination) -> str:
    """Return the plain caption of a combination."""
    subject = f"{combination.colour} {combination.shape}"
    return f"{with_article(subject)} on {with_article(combination.background)} background"


def chosen_combinations(seed: int = 0) -> tuple[tuple[Combination, ...], tuple[Combination, ...]]:
    """Return all held-out combinations, and trained ones by chance to make 200 prompts."""
    trained = Random(seed).sample(TRAINED, PROMPTS - len(HELD_OUT))
    return tuple(trained), HELD_OUT


def pair_prompt(picture: FlatPicture) -> str:
    """Return the plain caption of two objects and their relation."""
    first, second = (with_article(f"{o.colour} {o.shape}") for o in picture.objects)
    return f"{first} {picture.relation} {second} on {with_article(picture.background)} background"


def judge_pair(asked: FlatPicture, picture: Image.Image) -> bool:
    """Say whether both objects, the background and the relation are right."""
    background, seen = read_objects(picture, 2)
    axis, sign = {"left of": (0, 1), "right of": (0, -1), "above": (1, 1), "below": (1, -1)}[asked.relation]
    in_order = sorted(seen, key=lambda one: sign * one.middle[axis])
    named = [(one.colour, one.shape) for one in in_order]
    return background == asked.background and named == [(o.colour, o.shape) for o in asked.objects]


def pictures(
    checkpoint: Checkpoint, prompts: Sequence[str], settings: SampleSettings, report: Callable[[int, int], None]
) -> Iterator[Image.Image]:
    """Sample one picture a prompt, in batches; the seed of a batch is the first seed plus its number."""
    if checkpoint.vae is None:
        raise ValueError("the checkpoint has no autoencoder: nothing can be sampled from it alone")
    refiner = None if settings.refiner is None else load_checkpoint(settings.refiner)
    handoff = int(settings.steps * settings.high_noise_fraction + 0.5)
    for number, start in enumerate(range(0, len(prompts), settings.batch)):
        part = prompts[start : start + settings.batch]
        latent = torch.zeros(len(part), 4, NATIVE_SIZE // 8, NATIVE_SIZE // 8)
        seed = settings.seed + number
        if refiner is None:
            latent = _sampled(checkpoint, part, settings, latent, seed)
        else:
            latent = _sampled(checkpoint, part, settings, latent, seed, last_step=handoff)
            latent = _sampled(refiner, part, settings, latent, seed, start_step=handoff, disable_noise=True)
        for image in checkpoint.vae.decode(latent):
            yield Image.fromarray(image.mul(255).round().clamp(0, 255).byte().cpu().numpy())
        report(min(start + settings.batch, len(prompts)), len(prompts))


def _sampled(
    checkpoint: Checkpoint, prompts: Sequence[str], settings: SampleSettings, latent: Tensor, seed: int, **part: Any
) -> Tensor:
    """Run all or a part of the schedule for a batch of prompts."""
    if checkpoint.clip is None:
        raise ValueError("the checkpoint has no text encoder: nothing can be sampled from it alone")
    return sample(
        checkpoint.model,
        noise=prepare_noise(latent, seed),
        latent=latent,
        positive=_together([checkpoint.clip.encode(prompt) for prompt in prompts]),
        negative=_together([checkpoint.clip.encode("")] * len(prompts)),
        guidance_scale=settings.guidance_scale,
        sampler=settings.sampler,
        schedule=settings.schedule,
        steps=settings.steps,
        seed=seed,
        **part,
    )


def _together(conditionings: Sequence[Any]) -> list[Any]:
    embeddings = torch.cat([conditioning[0][0] for conditioning in conditionings])
    pooled = [conditioning[0][1].get("pooled_output") for conditioning in conditionings]
    extras = {} if pooled[0] is None else {"pooled_output": torch.cat(pooled)}
    return [[embeddings, extras]]


def judge(combination: Combination, picture: Image.Image) -> Judged:
    """Compare what the detector reads with what was asked for."""
    reading = read_picture(picture)
    return Judged(
        combination,
        reading.background == combination.background,
        reading.colour == combination.colour,
        reading.shape == combination.shape,
        measure(picture, combination.colour, combination.background),
    )


def evaluate(
    model_file: Path, settings: SampleSettings, report: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Sample 200 prompts of one object and 60 of two; return the shares that are right and list every failure."""
    checkpoint = load_checkpoint(model_file)
    trained, held_out = chosen_combinations()
    asked = (*trained, *held_out)
    random = Random(settings.seed)
    pairs = [random_pair(random) for _ in range(PAIRS)]
    drawn = pictures(checkpoint, [prompt_of(combination) for combination in asked], settings, report)
    judged = [judge(combination, picture) for combination, picture in zip(asked, drawn, strict=True)]
    drawn_pairs = pictures(checkpoint, [pair_prompt(pair) for pair in pairs], settings, report)
    wrong_pairs = [pair_prompt(p) for p, picture in zip(pairs, drawn_pairs, strict=True) if not judge_pair(p, picture)]
    return {
        "file": model_file.name,
        "settings": {**asdict(settings), "refiner": settings.refiner and settings.refiner.name},
        "trained": _shares(judged[: len(trained)]),
        "never_trained": _shares(judged[len(trained) :]),
        "sharpness": _means([j.sharpness for j in judged if j.right and j.sharpness is not None]),
        "pairs": {"prompts": PAIRS, "right": round(1 - len(wrong_pairs) / PAIRS, 4)},
        "wrong_pairs": wrong_pairs,
        "wrong": [
            {
                "prompt": prompt_of(j.combination),
                "parts": [part for part in ("background", "colour", "shape") if not getattr(j, part)],
            }
            for j in judged
            if not j.right
        ],
    }


def _shares(judged: Sequence[Judged]) -> dict[str, float | int]:
    count = len(judged)
    parts = ("right", "background", "colour", "shape")
    shares = {part: sum(getattr(j, part) for j in judged) / count for part in parts}
    return {"prompts": count, **{part: round(share, 4) for part, share in shares.items()}}


def _means(measures: Sequence[Sharpness]) -> dict[str, float | int]:
    """Mean measures of the pictures that are right."""
    count = len(measures)
    return {
        "pictures": count,
        "edge_width": round(sum(m.edge_width for m in measures) / max(count, 1), 4),
        "unevenness": round(sum(m.unevenness for m in measures) / max(count, 1), 4),
    }
