"""Training in the graph: a LoRA learned from latents, used at once and saved."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from graph_runtime.api import Choice, Context, FileIn, Options, Output, Range, Socket, node
from nodes.model_files import file_state, model_file
from nodes.sockets import Conditioning, Latent, Model

__all__ = ["TrainedLora", "lora_model_loader", "save_lora", "train_lora"]

LoraModel = Annotated[Any, Socket("LORA_MODEL", "dict: tensors of a LoRA by their name in a file")]
LossMap = Annotated[Any, Socket("LOSS_MAP", "dict: loss, a list with the mean loss of every step")]
NOTHING = "[None]"
Dtype = Annotated[str, Choice("bf16", "fp32")]


class TrainedLora(NamedTuple):
    """The model with what it learned, that alone, its losses, and for how many steps it has learned in all."""

    model_with_lora: Model
    lora: Annotated[LoraModel, Output("lora")]
    loss: Annotated[LossMap, Output("loss")]
    steps: Annotated[int, Output("steps")]


def existing_state(existing_lora: str | None, ctx: Context) -> str | None:
    """Stands for the LoRA that training goes on from in cache keys."""
    return None if existing_lora in (None, NOTHING) else file_state(ctx, "loras", existing_lora)


@node("TrainLoraNode", title="Train LoRA", category="training", experimental=True, fingerprint=existing_state)
def train_lora(
    *,
    model: Model,
    latents: Latent,
    positive: Conditioning,
    batch_size: Annotated[int, Range(1, 10_000, step=1)] = 1,
    grad_accumulation_steps: Annotated[int, Range(1, 1024, step=1)] = 1,
    steps: Annotated[int, Range(1, 100_000)] = 16,
    learning_rate: Annotated[float, Range(1e-7, 1.0, step=1e-6)] = 5e-4,
    rank: Annotated[int, Range(1, 128)] = 8,
    optimizer: Annotated[str, Choice("AdamW", "Adam", "SGD", "RMSprop")] = "AdamW",
    loss_function: Annotated[str, Choice("MSE", "L1", "Huber", "SmoothL1")] = "MSE",
    seed: Annotated[int, Range(0, 0xFFFF_FFFF_FFFF_FFFF)] = 0,
    training_dtype: Dtype = "bf16",
    lora_dtype: Dtype = "bf16",
    algorithm: Annotated[str, Choice("LoRA", "LoHa", "LoKr", "OFT")] = "LoRA",
    gradient_checkpointing: bool = True,
    existing_lora: Annotated[str, FileIn("loras"), Choice(NOTHING)] = NOTHING,
    ctx: Context,
) -> TrainedLora:
    """Train a LoRA on latents; the model itself is not changed.

    Args:
        model: what learns; LoRAs on it take part but stay as they are.
        latents: what is to be learned, as a batch.
        positive: what the latents show; one conditioning for all, or one for each.
        batch_size: latents in a pass, drawn at random.
        grad_accumulation_steps: passes in a step.
        steps: how often the LoRA is changed.
        learning_rate: how much it is changed.
        rank: how large it is; for OFT the largest block.
        optimizer: the rule of change.
        loss_function: how the model's estimate is compared with the truth.
        seed: decides what the LoRA begins with, and the noise.
        training_dtype: format of the model's arithmetic.
        lora_dtype: format in which the LoRA is kept; while it is trained it is fp32.
        algorithm: what the change is made of.
        gradient_checkpointing: takes less memory and more time.
        existing_lora: go on with this one; it must be of the same algorithm.
    """
    from diffusion import lora_training
    from diffusion.lora import LoraFile, apply_lora, read_lora

    existing = None if existing_lora == NOTHING else read_lora(model_file(ctx, "loras", existing_lora))
    lesson = lora_training.Lesson(
        steps=steps, batch_size=batch_size, grad_accumulation_steps=grad_accumulation_steps,
        learning_rate=learning_rate, rank=rank, optimizer=optimizer, loss=loss_function, seed=seed,
        training_dtype=training_dtype, lora_dtype=lora_dtype, algorithm=algorithm,
        gradient_checkpointing=gradient_checkpointing,
    )  # fmt: skip

    def report(step: int, loss: float) -> None:
        ctx.progress(step, steps)
        ctx.text(f"step {step}: loss {loss:.4g}")

    ctx.progress(0, steps)
    trained = lora_training.train_lora(
        model, latents["samples"], positive, lesson,
        existing=None if existing is None else existing.tensors, on_step=report,
    )  # fmt: skip
    changed, _ = apply_lora(LoraFile("the trained LoRA", trained.tensors), model, None, 1.0, 0.0)
    return TrainedLora(changed, trained.tensors, {"loss": trained.losses}, steps + _steps_of(existing_lora))


@node("LoraModelLoader", title="Load LoRA Model", category="loaders", experimental=True)
def lora_model_loader(
    *, model: Model, lora: LoraModel, strength_model: Annotated[float, Range(-100.0, 100.0, step=0.01)] = 1.0
) -> Model:
    """Apply a LoRA that was trained in this graph.

    Args:
        model: the diffusion model.
        lora: what was trained.
        strength_model: how strongly the model changes; negative turns the change around, 0 leaves it.
    """
    if strength_model == 0:
        return model
    from diffusion.lora import LoraFile, apply_lora

    changed, _ = apply_lora(LoraFile("the trained LoRA", lora), model, None, strength_model, 0.0)
    return changed


@node("SaveLoRANode", title="Save LoRA Weights", category="loaders", terminal=True, experimental=True)
def save_lora(
    *,
    lora: LoraModel,
    prefix: str = "loras/ComfyUI_trained_lora",
    steps: Annotated[int | None, Options(forceInput=True)] = None,
    ctx: Context,
) -> None:
    """Write a trained LoRA into the output folder.

    Args:
        lora: what was trained.
        prefix: begins the name; may name a subfolder.
        steps: for how many steps it was trained; becomes part of the name.
    """
    from diffusion.saving import encoded

    name = prefix if steps is None else f"{prefix}_{steps}_steps"
    ctx.files.write(name, ".safetensors", encoded(lora, {}))


def _steps_of(name: str) -> int:
    """Steps a LoRA was trained for already, as its name says."""
    found = re.search(r"_(\d+)_steps", name)
    return int(found[1]) if found else 0
