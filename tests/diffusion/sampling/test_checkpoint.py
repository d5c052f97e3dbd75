"""An interrupted run goes on from where it was, and gives the same picture to the last bit, with every sampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from diffusion.loading import Checkpoint as LoadedModel
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.checkpoint import Evaluation
from diffusion.sampling.guidance import GuidedDenoiser
from diffusion.sampling.names import SAMPLERS

STEPS = 7


class Kept:
    """A checkpoint in memory."""

    def __init__(self, every: int = 2) -> None:
        self.every = every
        self.evaluations: list[Evaluation] = []
        self.refused = ""

    def read(self) -> Sequence[Evaluation]:
        return tuple(self.evaluations)

    def append(self, evaluations: Sequence[Evaluation]) -> None:
        self.evaluations += evaluations

    def refuse(self, reason: str) -> None:
        self.refused = reason

    def discard(self) -> None:
        self.evaluations.clear()


class Interrupted(Exception):
    pass


def run(tiny: LoadedModel, sampler: str, checkpoint: Kept | None = None, stop: int = 99, **changes: Any) -> Any:
    def on_step(step: int, total: int, x0: torch.Tensor, x: torch.Tensor) -> None:
        if step == stop:
            raise Interrupted

    assert tiny.clip is not None
    latent = torch.zeros(1, 4, 8, 8)
    options: dict[str, Any] = {
        "noise": prepare_noise(latent, 3), "latent": latent, "positive": tiny.clip.encode("a red circle"),
        "negative": tiny.clip.encode(""), "guidance_scale": 3.0, "sampler": sampler, "schedule": "karras",
        "steps": STEPS, "seed": 3, "on_step": on_step, "checkpoint": checkpoint, **changes,
    }  # fmt: skip
    return sample(options.pop("model", tiny.model), **options)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes every evaluation of the network."""
    noted: list[str] = []
    for name in ("__call__", "guided"):
        original = getattr(GuidedDenoiser, name)

        def counted(self: Any, *arguments: Any, original: Any = original, name: str = name) -> Any:
            noted.append(name)
            return original(self, *arguments)

        monkeypatch.setattr(GuidedDenoiser, name, counted)
    return noted


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_resumed_run_is_the_same_to_the_last_bit(tiny: LoadedModel, calls: list[str], sampler: str) -> None:
    whole = run(tiny, sampler)
    needed = len(calls)
    kept = Kept(every=1)
    with pytest.raises(Interrupted):
        run(tiny, sampler, kept, stop=1 if sampler == "dpm_fast" else 3)
    saved = len(kept.evaluations)
    calls.clear()
    resumed = run(tiny, sampler, kept)

    assert torch.equal(resumed, whole)
    assert saved > 0 and len(calls) == needed - saved, "what was saved must not be computed again"


def test_a_masked_run_resumes_too(tiny: LoadedModel) -> None:
    options: dict[str, Any] = {"latent": torch.randn(1, 4, 8, 8), "noise_mask": torch.ones(1, 1, 64, 64).tril()}
    kept = Kept()
    whole = run(tiny, "ddim", **options)
    with pytest.raises(Interrupted):
        run(tiny, "ddim", kept, stop=5, **options)

    assert torch.equal(run(tiny, "ddim", kept, **options), whole)


def test_it_is_saved_after_every_k_steps_and_can_be_interrupted_again(tiny: LoadedModel, calls: list[str]) -> None:
    whole = run(tiny, "dpmpp_2m_sde")
    kept = Kept(every=3)
    for stop, saved in ((2, 3), (4, 3), (6, 6)):
        with pytest.raises(Interrupted):
            run(tiny, "dpmpp_2m_sde", kept, stop=stop)
        assert len(kept.evaluations) == saved
    calls.clear()

    assert torch.equal(run(tiny, "dpmpp_2m_sde", kept), whole)
    assert len(calls) == STEPS - 6


def test_what_belongs_to_another_run_is_not_used(tiny: LoadedModel) -> None:
    kept = Kept()
    with pytest.raises(Interrupted):
        run(tiny, "euler", kept, stop=4)

    assert torch.equal(run(tiny, "euler", kept, seed=4, noise=torch.ones(1, 4, 8, 8)), run(
        tiny, "euler", seed=4, noise=torch.ones(1, 4, 8, 8)
    ))  # fmt: skip


def test_a_model_with_functions_of_unknown_memory_is_not_saved_and_that_is_said(tiny: LoadedModel) -> None:
    kept = Kept(every=1)
    model = tiny.model.with_hooks(post_cfg=(lambda step: step.denoised,))
    run(tiny, "euler", kept, model=model)

    assert not kept.evaluations and "step to step" in kept.refused
