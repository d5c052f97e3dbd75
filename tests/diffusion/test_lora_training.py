"""Training a LoRA: it learns, the model does not change, and what was trained is what is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.lora import LoraFile, apply_lora
from diffusion.lora_adapters import ALGORITHMS, new_parts
from diffusion.lora_training import Lesson, Trained, train_lora
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample

EMBEDDED = Path(__file__).resolve().parents[2] / "diffusion" / "embedded"
SHORT = Lesson(steps=3, rank=4, learning_rate=1e-3, training_dtype="fp32", lora_dtype="fp32", seed=5)


@pytest.fixture(scope="module")
def text() -> list[Any]:
    return [[torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(0)), {}]]


@pytest.fixture(scope="module")
def latents() -> Tensor:
    return torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))


def applied(trained: Trained, model: Model, strength: float = 1.0) -> Model:
    changed, _ = apply_lora(LoraFile("trained here", trained.tensors), model, None, strength, 0.0)
    assert changed is not None
    return changed


def drawn(model: Model, text: Any) -> Tensor:
    latent = torch.zeros(1, model.latent_format.channels, 8, 8)
    return sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=1.0,
        sampler="euler", schedule="karras", steps=3, seed=1,
    )  # fmt: skip


def error(model: Model, latents: Tensor, text: Any) -> float:
    """Mean loss at fixed noise: a training whose steps are too small to matter."""
    lesson = replace(SHORT, steps=6, batch_size=2, learning_rate=1e-12, rank=1, seed=99)
    return sum(train_lora(model, latents, text, lesson).losses) / 6


SLOWER = [("LoHa", 2e-3), ("LoKr", 1e-2), ("OFT", 2e-3)]


@pytest.mark.parametrize(
    ("algorithm", "rate"), [("LoRA", 2e-3), *(pytest.param(*one, marks=pytest.mark.nightly) for one in SLOWER)]
)
def test_the_loss_falls_on_the_embedded_model(algorithm: str, rate: float) -> None:
    checkpoint = load_checkpoint(EMBEDDED / "heddle-shapes-128.safetensors", device="cpu")
    assert checkpoint.clip is not None
    text = checkpoint.clip.encode("a red circle")
    channels = checkpoint.model.latent_format.channels
    latents = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8).expand(1, channels, 8, 8) * 6
    lesson = replace(SHORT, steps=16, algorithm=algorithm, learning_rate=rate, gradient_checkpointing=False)
    trained = train_lora(checkpoint.model, latents, text, lesson)

    assert len(trained.losses) == 16
    assert error(applied(trained, checkpoint.model), latents, text) < 0.75 * error(checkpoint.model, latents, text)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_new_adapter_changes_nothing_and_a_trained_one_does(
    tiny: Checkpoint, latents: Tensor, text: list[Any], algorithm: str
) -> None:
    lesson = replace(SHORT, algorithm=algorithm)
    untouched = applied(train_lora(tiny.model, latents, text, replace(lesson, learning_rate=1e-12)), tiny.model)
    plain = drawn(tiny.model, text)
    torch.testing.assert_close(drawn(untouched, text), plain, atol=1e-2, rtol=1e-3)
    assert not torch.allclose(drawn(applied(train_lora(tiny.model, latents, text, lesson), tiny.model), text), plain)
    assert torch.equal(drawn(tiny.model, text), plain), "the model itself is as it was"


def test_the_same_seed_gives_the_same_lora_and_another_does_not(
    tiny: Checkpoint, latents: Tensor, text: list[Any]
) -> None:
    first, again = (train_lora(tiny.model, latents, text, SHORT) for _ in range(2))
    other = train_lora(tiny.model, latents, text, replace(SHORT, seed=6))
    assert first.losses == again.losses != other.losses
    assert all(torch.equal(first.tensors[name], again.tensors[name]) for name in first.tensors)


def test_checkpointing_and_accumulation_are_the_same_sum_in_other_steps(
    tiny: Checkpoint, latents: Tensor, text: list[Any]
) -> None:
    plain = train_lora(tiny.model, latents, text, replace(SHORT, gradient_checkpointing=False))
    assert train_lora(tiny.model, latents, text, SHORT).losses == pytest.approx(plain.losses, rel=1e-4)
    assert len(train_lora(tiny.model, latents, text, replace(SHORT, grad_accumulation_steps=2)).losses) == 3


@pytest.mark.parametrize("word", ["Adam", "SGD", "RMSprop"])
def test_every_optimizer_moves_the_adapters(tiny: Checkpoint, latents: Tensor, text: list[Any], word: str) -> None:
    found = train_lora(tiny.model, latents, text, replace(SHORT, optimizer=word))
    assert any(tensor.any() for name, tensor in found.tensors.items() if name.endswith("lora_up.weight"))


@pytest.mark.parametrize("word", ["L1", "Huber", "SmoothL1"])
def test_every_loss_is_another(tiny: Checkpoint, latents: Tensor, text: list[Any], word: str) -> None:
    found = train_lora(tiny.model, latents, text, replace(SHORT, loss=word, steps=1))
    assert found.losses != train_lora(tiny.model, latents, text, replace(SHORT, steps=1)).losses


def test_training_goes_on_from_what_was_trained(tiny: Checkpoint, latents: Tensor, text: list[Any]) -> None:
    first = train_lora(tiny.model, latents, text, SHORT)
    still = replace(SHORT, learning_rate=1e-12)
    assert train_lora(tiny.model, latents, text, still, existing=first.tensors).losses == pytest.approx(
        [train_lora(applied(first, tiny.model), latents, text, still).losses[step] for step in range(3)], rel=1e-3
    )


def test_finished_tensors_are_in_the_format_asked_for(tiny: Checkpoint, latents: Tensor, text: list[Any]) -> None:
    found = train_lora(tiny.model, latents, text, replace(SHORT, lora_dtype="bf16", training_dtype="bf16"))
    kinds = {name.rpartition(".")[2]: tensor.dtype for name, tensor in found.tensors.items()}
    assert kinds == {"weight": torch.bfloat16, "alpha": torch.float32}


def test_models_read_in_inference_mode_can_be_trained(tiny_path: Path, latents: Tensor, text: list[Any]) -> None:
    with torch.inference_mode():
        checkpoint, here = load_checkpoint(tiny_path), [[text[0][0] * 1, {}]]
        assert train_lora(checkpoint.model, latents * 1, here, SHORT).losses


def test_whoever_watches_can_end_a_training(tiny: Checkpoint, latents: Tensor, text: list[Any]) -> None:
    seen: list[int] = []

    def watch(step: int, loss: float) -> None:
        seen.append(step)
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lora(tiny.model, latents, text, SHORT, on_step=watch)
    assert seen == [1, 2]


def test_what_does_not_fit_is_said(tiny: Checkpoint, latents: Tensor, text: list[Any]) -> None:
    def train(lesson: Lesson = SHORT, given: Any = text, **more: Any) -> Trained:
        return train_lora(tiny.model, latents, given, lesson, **more)

    with pytest.raises(SamplingError, match=r"2 latents and 3 conditionings\. Give one conditioning for all"):
        train(given=text * 3)
    with pytest.raises(SamplingError, match=r"'Lion' is unknown here\. Known: AdamW, Adam"):
        train(replace(SHORT, optimizer="Lion"))
    with pytest.raises(SamplingError, match=r"no algorithm 'BOFT'\. Known: LoRA, LoHa"):
        train(replace(SHORT, algorithm="BOFT"))
    with pytest.raises(SamplingError, match=r"OFT of rank 1 leaves nothing to train\. Choose a higher rank"):
        train(replace(SHORT, algorithm="OFT", rank=1))
    with pytest.raises(SamplingError, match="has no layer of this model"):
        train(existing={"diffusion_model.elsewhere.lora_up.weight": torch.zeros(1)})
    with pytest.raises(SamplingError, match=r"which is not LoHa\. Choose the algorithm"):
        train(replace(SHORT, algorithm="LoHa"), existing=train().tensors)
    with pytest.raises(SamplingError, match=r"The loss became \w+ in step \d. Lower the learning rate"):
        train(replace(SHORT, optimizer="SGD", learning_rate=1e30, steps=4))


def test_a_kronecker_factor_fits_any_size() -> None:
    parts = new_parts("LoKr", torch.Size([7, 9, 3, 3]), 4, torch.Generator())
    assert parts is not None
    assert {role: tuple(part.shape) for role, part in parts.items()} == {
        "lokr_w1": (1, 3), "lokr_w2_a": (7, 4), "lokr_w2_b": (4, 27), "alpha": (),
    }  # fmt: skip
