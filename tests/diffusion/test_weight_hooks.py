"""Weights that change for one conditioning only: with effect, on a course, and back to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.lora import apply_lora, read_lora
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import flow
from diffusion.testing import tiny_checkpoint
from diffusion.weight_hooks import (
    Course,
    Keyframe,
    Keyframes,
    LoraChange,
    ModelChange,
    WeightHook,
    WeightHooks,
    with_clip_hooks,
)

DIFFUSION = Path(__file__).resolve().parents[2] / "diffusion"


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(DIFFUSION / "embedded" / "heddle-shapes-128.safetensors", device="cpu")


@pytest.fixture(scope="module")
def pastel() -> LoraChange:
    return LoraChange(read_lora(DIFFUSION / "embedded_parts" / "loras" / "heddle-pastel-lora.safetensors"))


def hooks(change: Any, strength: float = 1.0, *frames: tuple[float, float]) -> WeightHooks:
    return WeightHooks((WeightHook(change, strength, strength, Keyframes(tuple(Keyframe(*one) for one in frames))),))


def run(model: Model, positive: Any, negative: Any, steps: int = 4) -> Tensor:
    latent = torch.zeros(1, model.latent_format.channels, 8, 8)
    return sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=positive, negative=negative,
        guidance_scale=4.0, sampler="euler", schedule="karras", steps=steps, seed=1,
    )  # fmt: skip


def given(conditioning: list[Any], found: WeightHooks) -> list[Any]:
    return [[embedding, {**options, "hooks": found}] for embedding, options in conditioning]


@pytest.fixture(scope="module")
def texts(checkpoint: Checkpoint) -> tuple[Any, Any]:
    assert checkpoint.clip is not None
    return checkpoint.clip.encode("a red circle"), checkpoint.clip.encode("")


def test_a_hook_on_both_sides_is_the_lora_on_the_model(
    checkpoint: Checkpoint, texts: tuple[Any, Any], pastel: LoraChange
) -> None:
    changed, _ = apply_lora(pastel.lora, checkpoint.model, None, 0.8, 0.0)
    assert changed is not None
    group = hooks(pastel, 0.8)
    found = run(checkpoint.model, *(given(side, group) for side in texts))

    assert torch.equal(found, run(changed, *texts))
    assert not torch.allclose(found, run(checkpoint.model, *texts), atol=1e-2)


def test_two_conditionings_of_one_run_have_different_weights(
    checkpoint: Checkpoint, texts: tuple[Any, Any], pastel: LoraChange
) -> None:
    positive, negative = texts
    plain, both = run(checkpoint.model, *texts), given(positive, hooks(pastel))
    one_side = run(checkpoint.model, both, negative)
    mixed = run(checkpoint.model, [*positive, *both], negative)

    everywhere = run(checkpoint.model, both, given(negative, hooks(pastel)))
    assert len({round(float(one.sum()), 3) for one in (plain, one_side, mixed, everywhere)}) == 4


def test_weights_come_back_to_the_last_bit(checkpoint: Checkpoint, texts: tuple[Any, Any], pastel: LoraChange) -> None:
    network = checkpoint.model.network
    before = run(checkpoint.model, *texts)
    weights = {name: network.module.get_parameter(name).clone() for name in list(network.parameter_names())[:200]}
    run(checkpoint.model, given(texts[0], hooks(pastel)), texts[1])

    assert torch.equal(run(checkpoint.model, *texts), before)
    assert all(torch.equal(network.module.get_parameter(name), weight) for name, weight in weights.items())


def test_a_course_of_zeros_changes_nothing_and_a_late_start_only_late_steps(
    checkpoint: Checkpoint, texts: tuple[Any, Any], pastel: LoraChange
) -> None:
    positive, negative = texts
    plain = run(checkpoint.model, *texts)
    off = run(checkpoint.model, given(positive, hooks(pastel, 1.0, (0.0, 0.0))), negative)
    late = run(checkpoint.model, given(positive, hooks(pastel, 1.0, (0.0, 0.0), (1.0, 0.6))), negative)
    on = run(checkpoint.model, given(positive, hooks(pastel)), negative)

    torch.testing.assert_close(off, plain, atol=1e-4, rtol=1e-4)
    assert 0 < float((late - plain).norm()) < float((on - plain).norm())


def test_keyframes_within_a_run_count_for_one_level_each_and_those_before_it_for_none() -> None:
    keyframes = Keyframes(tuple(Keyframe(float(number), number / 10) for number in range(10)))
    levels, rule = (1.0, 0.75, 0.1, 0.05, 0.04, 0.03), flow(1.0)

    whole, late = Course(keyframes, rule, 1.0), Course(keyframes, rule, 0.65)

    assert [whole.strength(level) for level in levels] == [0, 1, 2, 3, 4, 5]
    assert [late.strength(level) for level in (0.65, 0.65, 0.1, 0.1, 0.05)] == [3, 3, 4, 4, 5]
    assert Course(Keyframes(), rule, 1.0).strength(0.5) == 1.0


def test_the_first_keyframe_counts_from_the_beginning() -> None:
    course = Keyframes().with_frames([Keyframe(0.5, 0.6), Keyframe(0.2, 0.3)])
    assert [course.at_share(share) for share in (0.0, 0.3, 0.59, 0.6, 1.0)] == [0.2, 0.2, 0.2, 0.5, 0.5]
    assert Keyframes().at_share(0.5) == 1.0


def test_hooks_join_once_each(pastel: LoraChange) -> None:
    first, second = hooks(pastel), hooks(pastel)
    assert first.joined(second).joined(first).hooks == (*first.hooks, *second.hooks)


def test_another_model_at_strength_one_is_that_model(tmp_path: Path, tiny: Checkpoint) -> None:
    other = load_checkpoint(tiny_checkpoint(tmp_path / "other.safetensors", seed=7))
    text = [[torch.ones(1, 5, 32), {}]]
    found = given(text, hooks(ModelChange(other.model, None)))

    torch.testing.assert_close(run(tiny.model, found, found), run(other.model, text, text), atol=1e-2, rtol=1e-4)


def test_a_model_of_another_architecture_is_refused(checkpoint: Checkpoint, tiny: Checkpoint) -> None:
    text = given([[torch.ones(1, 5, 32), {}]], hooks(ModelChange(checkpoint.model, None)))
    with pytest.raises(ModelFileError, match="not of one architecture"):
        run(tiny.model, text, text)


def test_text_encoders_read_with_hooks_and_pass_them_on(checkpoint: Checkpoint, tmp_path: Path) -> None:
    small, other = (load_checkpoint(tiny_checkpoint(tmp_path / f"{n}.safetensors", seed=n)) for n in (1, 2))
    assert small.clip is not None and other.clip is not None
    group = hooks(ModelChange(None, other.clip))
    ((features, options),) = with_clip_hooks(small.clip, group, attach=True, scheduled=False).encode("red")

    torch.testing.assert_close(features, other.clip.encode("red")[0][0], atol=1e-2, rtol=1e-2)
    assert options["hooks"] == group
    assert "hooks" not in with_clip_hooks(small.clip, group, attach=False, scheduled=False).encode("red")[0][1]


def test_scheduled_text_encoders_read_a_prompt_for_each_part_of_the_schedule(tmp_path: Path) -> None:
    small, other = (load_checkpoint(tiny_checkpoint(tmp_path / f"{n}.safetensors", seed=n)) for n in (1, 2))
    assert small.clip is not None
    group = hooks(ModelChange(None, other.clip), 1.0, (0.0, 0.0), (1.0, 0.5))
    early, late = with_clip_hooks(small.clip, group, attach=False, scheduled=True).encode("red")

    assert torch.equal(early[0], small.clip.encode("red")[0][0]) and not torch.allclose(late[0], early[0])
    spans = [(one["clip_start_percent"], one["clip_end_percent"]) for _, one in (early, late)]
    assert spans == [(0.0, 0.5), (0.5, 1.0)]


def test_weights_are_made_once_for_each_strength(
    checkpoint: Checkpoint, texts: tuple[Any, Any], pastel: LoraChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusion.economy import economy
    from diffusion.network import Network

    positive, negative = texts
    run(checkpoint.model, *texts)
    made: list[str] = []
    real = Network._weight
    monkeypatch.setattr(Network, "_weight", lambda self, name, *more: made.append(name) or real(self, name, *more))
    kept = run(checkpoint.model, given(positive, hooks(pastel)), negative)
    once = len(made)
    assert once == len(set(made)) > 0

    run(checkpoint.model, *texts)
    made.clear()
    two = run(checkpoint.model, given(positive, hooks(pastel, 1.0, (1.0, 0.0), (0.5, 0.5))), negative)
    assert len(made) == 2 * once and not torch.equal(two, kept)

    made.clear()
    with economy():
        run(checkpoint.model, *texts)
        torch.testing.assert_close(run(checkpoint.model, given(positive, hooks(pastel)), negative), kept)
    assert len(made) > 2 * once
