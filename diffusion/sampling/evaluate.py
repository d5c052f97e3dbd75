"""Evaluation of conditioning lists: batches of network calls, blended by weight."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.economy import is_economical
from diffusion.families.family import to_batch
from diffusion.model import Model
from diffusion.patching.record import ModelPatches, Patching, Step
from diffusion.sampling.conditioning import Entry, clipped
from diffusion.weight_hooks import HookedWeights

LARGEST_REPEAT = 4  # texts are repeated to a common length only up to this factor


_Key = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One entry of one list, with the part of the latent it sees."""

    entry: Entry
    role: int
    crop: tuple[slice, slice]
    weight: Tensor | None

    def compatible(self, other: _Job, x: Tensor, *, repeats: bool) -> bool:
        """Whether both can share a network call; texts of different length only where they may be repeated."""
        return (
            x[..., *self.crop].shape == x[..., *other.crop].shape
            and self.entry.control is other.entry.control
            and self.entry.hooks == other.entry.hooks
            and self.entry.grounding is other.entry.grounding
            and self.entry.inputs.keys() == other.entry.inputs.keys()
            and all(
                value.shape[1:] == other.entry.inputs[name].shape[1:]
                or (repeats and name == "context" and _repeatable(value, other.entry.inputs[name]))
                for name, value in self.entry.inputs.items()
            )
        )


def _repeatable(first: Tensor, second: Tensor) -> bool:
    if first.shape[2:] != second.shape[2:]:
        return False
    return math.lcm(first.shape[1], second.shape[1]) // min(first.shape[1], second.shape[1]) <= LARGEST_REPEAT


class Evaluator:
    """Estimates x0 for lists of entries, as few network calls as the shapes allow.

    Args:
        model: whose weights are in place in `module`.
        module: the network.
        sigmas: all noise levels of the run, for hooks.
        chance: what patches draw from that choose at random.

    Attributes:
        memory: what hooks and patches leave for later calls of the run, by an object of their own.
    """

    def __init__(self, model: Model, module: nn.Module, sigmas: Tensor, chance: torch.Generator | None = None) -> None:
        self.model, self.module, self.sigmas = model, module, sigmas
        self.chance = chance or torch.Generator()
        self.memory: dict[Any, Any] = {}
        self._weights = HookedWeights(model, float(sigmas.max()))
        self._joined: dict[_Key, dict[str, Tensor]] = {}
        self._kept: list[tuple[Entry, ...]] = []  # keeps entries alive whose ids are keys

    def __call__(self, lists: Sequence[Sequence[Entry] | None], x: Tensor, sigma: Tensor) -> list[Tensor]:
        """x0 for each list, blended from its active entries; a list of None or nothing active gives zeros."""
        level = float(sigma)
        jobs = [
            _job(entry, role, x) for role, entries in enumerate(lists) for entry in entries or () if entry.active(level)
        ]
        jobs = _with_defaults(jobs, x)
        plain = [job for job in jobs if job.weight is None and job.entry.area is None]
        if len(plain) == len(jobs) and len({job.role for job in jobs}) == len(jobs):
            results = {job.role: out for group in self._groups(jobs, x) for job, out in self._run(group, x, sigma)}
            return [results[role] if role in results else torch.zeros_like(x) for role in range(len(lists))]
        sums = [torch.zeros_like(x) for _ in lists]
        totals = [torch.full_like(x, 1e-37) for _ in lists]
        for group in self._groups(jobs, x):
            for job, out in self._run(group, x, sigma):
                weight = torch.ones_like(out) if job.weight is None else job.weight
                sums[job.role][..., *job.crop] += out * weight
                totals[job.role][..., *job.crop] += weight
        return [total / weight for total, weight in zip(sums, totals, strict=True)]

    def _groups(self, jobs: list[_Job], x: Tensor) -> list[list[_Job]]:
        if is_economical():
            return [[job] for job in jobs]
        repeats = self.model.family.repeats_context
        groups: list[list[_Job]] = []
        for job in jobs:
            for group in groups:
                if group[0].compatible(job, x, repeats=repeats):
                    group.append(job)
                    break
            else:
                groups.append([job])
        return groups

    def _run(self, group: list[_Job], x: Tensor, sigma: Tensor) -> list[tuple[_Job, Tensor]]:
        group = group[::-1]  # negative first
        self._weights.use(group[0].entry.hooks, float(sigma))
        batch = x.shape[0]
        key = _key(group, batch)
        noisy = torch.cat([x[..., *job.crop] for job in group]) if len(group) > 1 else x[..., *group[0].crop]
        inputs = self._inputs(group, key)
        roles = [job.role for job in group]
        hook = self.model.hooks.network
        control, grounding, given = group[0].entry.control, group[0].entry.grounding, sigma

        def apply(
            noisy: Tensor, levels: Tensor, inputs: Mapping[str, Any], inside: ModelPatches | None = None
        ) -> Tensor:
            level = sigma if levels is given else levels.flatten()[0].cpu()
            if grounding is not None:
                inside = (self.model.hooks.inside if inside is None else inside).with_patches(between=(grounding,))
            return self.network(noisy, level, inputs, control, tuple(roles), inside, key)

        if hook is None:
            out = apply(noisy, given, inputs)
        else:
            given = torch.full((noisy.shape[0],), float(sigma), device=x.device)  # copying would wait for the device
            out = hook(apply, noisy, given, inputs, roles)
        return list(zip(group, out.chunk(len(group)), strict=True))

    def with_model(self, model: Model) -> Evaluator:
        """The same evaluation under other hooks; what was joined for this one is used again.

        What was remembered is not, unless the network is patched as here: it belongs to other outputs.
        """
        other = Evaluator(model, self.module, self.sigmas, self.chance)
        if model.hooks.inside is self.model.hooks.inside:
            other.memory = self.memory
        other._joined, other._kept = self._joined, self._kept
        other._weights = self._weights
        return other

    def forgetful(self) -> Evaluator:
        """The same evaluation that keeps nothing it joins: for entries that live for one call."""
        other = self.with_model(self.model)
        other._joined, other._kept = {}, []
        return other

    def network(
        self, x: Tensor, sigma: Tensor, inputs: Mapping[str, Tensor], control: Any, roles: tuple[int, ...],
        inside: ModelPatches | None = None, group: Hashable = (),
    ) -> Tensor:  # fmt: skip
        """One call of the network: x0 for a noisy batch.

        Args:
            roles: of the chunks that were joined to this batch.
            inside: patches that take effect; by default the model's.
            group: what the calls of a run that evaluate the same have in common.
        """
        inside = self.model.hooks.inside if inside is None else inside
        rule, family, compute = self.model.prediction, self.model.family, self.model.network.compute
        scaled = rule.scale_input(x, sigma)
        timestep = torch.full((x.shape[0],), float(rule.timestep(sigma)), device=x.device)
        residuals = None
        if control is not None:
            residuals = control.residuals(scaled.to(compute), timestep, inputs, float(sigma), roles)

        def call(x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], patching: Patching | None = None) -> Tensor:
            return family.call(self.module, x, timestep, inputs, residuals, patching)

        if inside:
            step = Step(
                sigma, self.sigmas, roles, tuple(x.shape), group=group, memory=self.memory, chance=self.chance
            )  # fmt: skip
            patching = Patching(inside, step)
            output = patching.call(partial(call, patching=patching), scaled.to(compute), timestep, inputs)
        else:
            output = call(scaled.to(compute), timestep, inputs)
        return rule.denoised(x, output.to(x.dtype), sigma)

    def _inputs(self, group: list[_Job], key: _Key) -> dict[str, Tensor]:
        if key not in self._joined:
            batch, entries = key[0], tuple(job.entry for job in group)
            joined: dict[str, Tensor] = {}
            for name in entries[0].inputs:
                values = [_cropped(name, job, batch) for job in group]
                if name == "context":
                    length = math.lcm(*(value.shape[1] for value in values))
                    values = [value.repeat(1, length // value.shape[1], 1) for value in values]
                joined[name] = torch.cat(values)
            self._joined[key] = joined
            self._kept.append(entries)
        return self._joined[key]


def _key(group: list[_Job], batch: int) -> _Key:
    return (batch, *(id(job.entry) for job in group), *(s.start or 0 for job in group for s in job.crop))


def _cropped(name: str, job: _Job, batch: int) -> Tensor:
    value = to_batch(job.entry.inputs[name], batch)
    return value[..., *job.crop] if name == "concat" else value


def _job(entry: Entry, role: int, x: Tensor) -> _Job:
    if entry.area is None:
        return _Job(entry, role, (slice(None), slice(None)), entry.weight)
    h, w, top, left = clipped(entry.area, x.shape[-2], x.shape[-1])
    return _Job(entry, role, (slice(top, top + h), slice(left, left + w)), entry.weight)


def _with_defaults(jobs: list[_Job], x: Tensor) -> list[_Job]:
    """Let default entries fill what the others leave open."""
    if not any(job.entry.default for job in jobs):
        return jobs
    result = [job for job in jobs if not job.entry.default]
    for role in sorted({job.role for job in jobs if job.entry.default}):
        rest = torch.ones_like(x)
        for job in result:
            if job.role == role:
                rest[..., *job.crop] -= 1.0 if job.weight is None else job.weight
        rest = rest.relu()
        if rest.max() > 0:
            defaults = [job for job in jobs if job.entry.default and job.role == role]
            result += [_Job(job.entry, role, job.crop, rest[..., *job.crop]) for job in defaults]
    return result


__all__ = ["Evaluator"]
