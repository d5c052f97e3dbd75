"""A LoRA trained on a few latents: the network stays as it is, adapters of its layers learn.

In each step a latent gets noise of a random level, and the network, with its adapters, estimates what is behind it. The
loss is taken on the direction (x − x0) / σ, which is the network's own output for epsilon and flow models, and weighs
all noise levels alike.

Source: Hu et al. 2021, arXiv:2106.09685; Ho et al. 2020, arXiv:2006.11239, eq. 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import SamplingError
from diffusion.families.family import to_batch
from diffusion.lora_adapters import Parts, adapted, as_file, layer_names, new_parts, parts_of_file
from diffusion.model import Model
from diffusion.sampling.conditioning import Conditioning, Entry, prepare
from diffusion.sampling.noise import SEED_BITS
from diffusion.variants import with_compute_dtype

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "AdamW": torch.optim.AdamW, "Adam": torch.optim.Adam, "SGD": torch.optim.SGD, "RMSprop": torch.optim.RMSprop,
}  # fmt: skip
LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "MSE": F.mse_loss, "L1": F.l1_loss, "Huber": F.huber_loss, "SmoothL1": F.smooth_l1_loss,
}  # fmt: skip
DTYPES: Mapping[str, torch.dtype] = {"bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How a LoRA is trained.

    Attributes:
        batch_size: latents a pass; grad_accumulation_steps passes make a step.
        optimizer, loss: keys of `OPTIMIZERS` and `LOSSES`.
        training_dtype, lora_dtype: keys of `DTYPES`: of the network's arithmetic, and of the finished tensors; while
            they are trained they are float32.
        algorithm: a key of `diffusion.lora_adapters.ALGORITHMS`.
        gradient_checkpointing: compute again in the backward pass what would take memory to keep.
    """

    steps: int = 16
    batch_size: int = 1
    grad_accumulation_steps: int = 1
    learning_rate: float = 5e-4
    rank: int = 8
    optimizer: str = "AdamW"
    loss: str = "MSE"
    seed: int = 0
    training_dtype: str = "bf16"
    lora_dtype: str = "bf16"
    algorithm: str = "LoRA"
    gradient_checkpointing: bool = True


@dataclass(frozen=True, slots=True)
class Trained:
    """Tensors as LoRA files have them, and the mean loss of every step."""

    tensors: dict[str, Tensor]
    losses: list[float]


def train_lora(
    model: Model,
    latents: Tensor,
    positive: Conditioning,
    lesson: Lesson,
    *,
    existing: Mapping[str, Tensor] | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> Trained:
    """Train a LoRA of a model; the same seed gives the same LoRA on the same machine.

    Args:
        latents: autoencoder-space latents to learn, [count, channels, h, w].
        positive: what each of them shows; one for all, or one for each.
        existing: tensors of a LoRA of the same algorithm to go on from.
        on_step: told the number of finished steps and the last loss; may raise to end the training.
    Raises:
        SamplingError: if the numbers of latents and conditionings do not fit, an option is unknown, the existing LoRA
            has no layer of this model, or the loss becomes infinite.
    """
    _check(lesson, len(latents), len(positive))
    with torch.inference_mode(False), torch.enable_grad():
        generator = torch.Generator().manual_seed(lesson.seed & SEED_BITS)
        with _student(model, lesson) as student:
            names = layer_names(student.network)
            layers = {file: student.network.module.get_submodule(own) for own, file in names.items()}
            parts = _parts(layers, lesson, existing, student.network.device, generator)
            data = _Data(student, latents.clone().float(), positive)
            with adapted(layers, parts):
                losses = _fit(data, parts, lesson, generator, on_step)
        return Trained(as_file(parts, DTYPES[lesson.lora_dtype]), losses)


def _check(lesson: Lesson, latents: int, conditionings: int) -> None:
    if conditionings not in (1, latents):
        raise SamplingError(
            f"There are {latents} latents and {conditionings} conditionings. Give one conditioning for all latents, "
            "or one for each, in the same order."
        )
    known = ((lesson.optimizer, OPTIMIZERS), (lesson.loss, LOSSES), (lesson.training_dtype, DTYPES))
    for word, words in (*known, (lesson.lora_dtype, DTYPES)):
        if word not in words:
            raise SamplingError(f"'{word}' is unknown here. Known: {', '.join(words)}.")


@contextmanager
def _student(model: Model, lesson: Lesson) -> Iterator[Model]:
    """The model over a network of its own, whose weights can take part in gradients; released at the end."""
    student = with_compute_dtype(replace(model), lesson.training_dtype, apart=True)
    network = student.network
    module: Any = network.prepare(model.patches)
    for name, parameter in list(module.named_parameters()):
        if parameter.is_inference():
            path, _, leaf = name.rpartition(".")
            module.get_submodule(path)._parameters[leaf] = nn.Parameter(parameter.clone(), requires_grad=False)
    if lesson.gradient_checkpointing:
        module.enable_gradient_checkpointing()
    try:
        yield student
    finally:
        network.release()


def _parts(
    layers: Mapping[str, nn.Module], lesson: Lesson, existing: Mapping[str, Tensor] | None, device: torch.device,
    generator: torch.Generator,
) -> dict[str, Parts]:  # fmt: skip
    parts: dict[str, Parts] = {}
    found = 0
    for name, layer in layers.items():
        weight: Any = layer.weight
        own = new_parts(lesson.algorithm, weight.shape, lesson.rank, generator)
        old = parts_of_file(existing or {}, name)
        if own is None:
            continue
        if old and old.keys() != own.keys():
            raise SamplingError(
                f"The existing LoRA keeps '{name}' as {', '.join(old)}, which is not {lesson.algorithm}. "
                "Choose the algorithm it was trained with."
            )
        found += bool(old)
        parts[name] = {role: tensor.clone().to(device) for role, tensor in (old or own).items()}
    if existing and not found:
        raise SamplingError("The existing LoRA has no layer of this model: it was trained for another family.")
    if not parts:
        raise SamplingError(f"{lesson.algorithm} of rank {lesson.rank} leaves nothing to train. Choose a higher rank.")
    for own in parts.values():
        for role, tensor in own.items():
            tensor.requires_grad_(role != "alpha")
    return parts


class _Data:
    """Latents with their conditionings, and what the network makes of them under noise."""

    def __init__(self, model: Model, latents: Tensor, positive: Conditioning) -> None:
        self.model, self.device = model, model.network.device
        self.latents = model.latent_format.to_network(latents).to(self.device)
        given = [[embedding.clone(), options] for embedding, options in positive]
        entries = prepare({"positive": given}, model.family, model.prediction, self.latents, self.latents, None)
        self.entries: Sequence[Entry] = entries["positive"]

    def loss(self, chosen: Tensor, generator: torch.Generator, compare: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Of one pass over the chosen latents, each under noise of its own level."""
        rule, x0 = self.model.prediction, self.latents[chosen.to(self.device)]
        levels = [float(rule.sigmas[int(torch.randint(len(rule.sigmas), (), generator=generator))]) for _ in chosen]
        noise = torch.randn(x0.shape, generator=generator).to(self.device)
        sigma = torch.tensor(levels, device=self.device).view(-1, 1, 1, 1)
        times = torch.tensor([float(rule.timestep(torch.tensor(level))) for level in levels], device=self.device)
        x = rule.add_noise(x0, noise, sigma)
        compute = self.model.network.compute
        output = self.model.family.call(
            self.model.network.module, rule.scale_input(x, sigma).to(compute), times, self._inputs(chosen)
        )
        found = rule.denoised(x, output.float(), sigma)
        return compare((x - found) / sigma, (x - x0) / sigma)

    def _inputs(self, chosen: Tensor) -> dict[str, Tensor]:
        entries = [self.entries[int(index) % len(self.entries)] for index in chosen]
        joined: dict[str, Tensor] = {}
        for name in entries[0].inputs:
            values = [to_batch(entry.inputs[name], 1) for entry in entries]
            if name == "context":
                length = math.lcm(*(value.shape[1] for value in values))
                values = [value.repeat(1, length // value.shape[1], 1) for value in values]
            joined[name] = torch.cat(values).clone()
        return joined


def _fit(
    data: _Data, parts: Mapping[str, Parts], lesson: Lesson, generator: torch.Generator,
    on_step: Callable[[int, float], None] | None,
) -> list[float]:  # fmt: skip
    trained = [tensor for own in parts.values() for tensor in own.values() if tensor.requires_grad]
    kind: Any = OPTIMIZERS[lesson.optimizer]
    optimizer = kind(trained, lr=lesson.learning_rate)
    losses: list[float] = []
    for step in range(lesson.steps):
        total = 0.0
        for _ in range(lesson.grad_accumulation_steps):
            chosen = torch.randint(len(data.latents), (lesson.batch_size,), generator=generator)
            loss = data.loss(chosen, generator, LOSSES[lesson.loss]) / lesson.grad_accumulation_steps
            loss.backward()
            total += float(loss.detach())
        if not math.isfinite(total):
            raise SamplingError(
                f"The loss became {total} in step {step + 1}. Lower the learning rate ({lesson.learning_rate:g})."
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(total)
        if on_step is not None:
            on_step(step + 1, total)
    return losses


__all__ = ["DTYPES", "LOSSES", "OPTIMIZERS", "Lesson", "Trained", "train_lora"]
