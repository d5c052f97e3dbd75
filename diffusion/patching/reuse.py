"""Steps that use again what an earlier step computed, as long as little has changed since.

Three places to do it: around the network (`easy_cache`), around the guided estimate (`lazy_cache`), and below the first
stage or block of the network (`first_block_cache`). All change the picture; benchmarks/sampling measures by how much.

What is remembered belongs to one run (`Step.memory`) and ends with it. Deciding reads one number from the device for
each evaluation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from diffusion.model import EstimateStep, Model
from diffusion.patching.record import BlockReplacement, CallBlock, CallNetwork, Site, Step
from diffusion.sampling.contract import Guided

log = logging.getLogger(__name__)

EVERY = 8  # rows and columns: changes are measured at one of so many


@dataclass(frozen=True, slots=True, eq=False)
class ReuseRule:
    """When a result may be used again.

    Attributes:
        name: for the log.
        threshold: largest change that is tolerated, relative to the size of the result.
        highest, lowest: noise levels between which results are used again; the lowest itself is computed.
        verbose: write a line to the log for every evaluation.
    """

    name: str
    threshold: float
    highest: float
    lowest: float
    verbose: bool = False

    def holds(self, sigma: float) -> bool:
        """Whether results may be used again at a noise level."""
        return self.lowest < sigma <= self.highest


def rule_for(
    model: Model, name: str, threshold: float, start: float, end: float, *, verbose: bool = False
) -> ReuseRule:
    """A rule for a part of the schedule.

    Args:
        start, end: shares of the schedule.
    """
    bounds = torch.tensor([model.prediction.percent_to_sigma(share) for share in (start, end)])  # float32, as levels
    return ReuseRule(name, threshold, *bounds.tolist(), verbose)


@dataclass(slots=True)
class Trail:
    """How the output of one place follows its input, from one computed call to the next.

    The output is expected to change by `rate` times the change of the input since the last computed call; what is
    expected at each call adds up, and outputs are used again until it exceeds the threshold.

    Source:
        Zhou et al. 2025, "EasyCache", arXiv:2507.02860, eq. 5 to 8, with mean absolute values as norms.
    """

    last_input: Tensor | None = None
    last_output: Tensor | None = None
    size: Tensor | None = None
    rate: Tensor | None = None
    expected: Tensor | float = 0.0
    moved: Tensor | None = None

    def is_stable(self, x: Tensor, threshold: float) -> bool:
        """Whether the next output is expected to be near enough to the last one."""
        self.moved = None if self.last_input is None else (x - self.last_input).abs().mean()
        if self.moved is None or self.rate is None:
            return False
        self.expected = self.expected + self.rate * self.moved / self.size
        if self.expected < threshold:
            return True
        self.expected = 0.0
        return False

    def computed(self, x: Tensor, output: Tensor, size: Tensor) -> None:
        """A real output is there: learn the rate from it.

        Args:
            x, output: at the places that are compared.
            size: mean absolute value of the whole output.
        """
        if self.last_output is not None and self.moved is not None:
            self.rate = (output - self.last_output).abs().mean() / self.moved
        self.last_input, self.last_output, self.size, self.moved = x.clone(), output.clone(), size, None


def _sparse(tensor: Tensor) -> Tensor:
    """Every eighth row and column, where changes are measured."""
    return tensor[..., ::EVERY, ::EVERY]


@dataclass(slots=True)
class Evaluations:
    """The calls of one run: all calls of one evaluation do the same, so that guidance compares like with like."""

    rule: ReuseRule
    kept: dict[Hashable, Any] = field(default_factory=dict)  # by what is evaluated
    reused: int = 0
    calls: int = 0
    _sigma: float | None = None
    _seen: set[Hashable] = field(default_factory=set)
    _reusing: bool = False

    def reuses(self, key: Hashable, sigma: float, stable: Callable[[], bool]) -> bool:
        """Whether this call uses again what is kept under the key; the first call of an evaluation decides.

        Args:
            stable: whether it may, asked only where the rule allows it.
        """
        if sigma != self._sigma or key in self._seen:
            self._sigma, self._seen = sigma, set()
            self._reusing = self.rule.holds(sigma) and key in self.kept and stable()
        self._seen.add(key)
        reuse = self._reusing and key in self.kept
        self.calls, self.reused = self.calls + 1, self.reused + reuse
        if self.rule.verbose:
            done = "used again" if reuse else "computed"
            log.info("%s: sigma %.4f %s; %d of %d calls saved", self.rule.name, sigma, done, self.reused, self.calls)
        return reuse


def evaluations(memory: dict[Any, Any], rule: ReuseRule) -> Evaluations:
    """The calls that a rule has seen in the run a memory belongs to."""
    found: Evaluations = memory.setdefault(rule, Evaluations(rule))
    return found


def easy_cache(model: Model, threshold: float, start: float, end: float, *, verbose: bool = False) -> Model:
    """Leave out calls of the network while its output is expected to stay near: input + (last output − last input).

    As established results have it, the first conditioning of a call decides, and nothing is learned before the chosen
    part of the schedule.

    Args:
        threshold: sum of expected relative changes up to which outputs are used again.
        start, end: shares of the schedule between which calls are left out.
    Source:
        Zhou et al. 2025, arXiv:2507.02860, algorithm 1.
    """
    rule = rule_for(model, "EasyCache", threshold, start, end, verbose=verbose)

    def around(network: CallNetwork, x: Tensor, timestep: Tensor, inputs: Mapping[str, Any], step: Step) -> Tensor:
        sigma = float(step.sigma)
        if not rule.holds(sigma):
            return network(x, timestep, inputs)
        calls, key = evaluations(step.memory, rule), step.group
        trail, offset = calls.kept.get(key, (Trail(), x))
        first = slice(x.shape[0] // len(step.roles))
        if calls.reuses(key, sigma, lambda: trail.is_stable(_sparse(x[first]), rule.threshold)):
            return x + offset
        output = network(x, timestep, inputs)
        trail.computed(_sparse(x[first]), _sparse(output[first]), output.abs().mean())
        calls.kept[key] = (trail, output - x)
        return output

    return model.with_network_patches(network=(around,))


def lazy_cache(model: Model, threshold: float, start: float, end: float, *, verbose: bool = False) -> Model:
    """Leave out whole guided estimates while they are expected to stay near: x + (last estimate − last x).

    Works with every guidance and every network, at the price of a coarser decision than `easy_cache`; the arguments
    are the same. What samplers take for unconditional stays the last that was computed.
    """
    rule = rule_for(model, "LazyCache", threshold, start, end, verbose=verbose)

    def around(estimate: Callable[[], Guided], step: EstimateStep) -> Guided:
        calls, key, x = evaluations(step.memory, rule), step.both, step.x
        trail, offset, unconditional = calls.kept.get(key, (Trail(), x, x))
        if calls.reuses(key, float(step.sigma), lambda: trail.is_stable(_sparse(x), rule.threshold)):
            return Guided(x + offset, unconditional)
        found = estimate()
        trail.computed(_sparse(x), _sparse(found.denoised), found.denoised.abs().mean())
        calls.kept[key] = (trail, found.denoised - x, found.unconditional)
        return found

    return model.with_hooks(estimate=(around,))


def first_block_cache(model: Model, threshold: float, start: float, end: float, *, verbose: bool = False) -> Model:
    """Compute the first part of the network always, and the rest only when the first part has changed.

    In a U-Net that part is the first stage on the way down; the last stage on the way up is computed always too. In a
    transformer it is the first block.

    Args:
        threshold: relative change of what the first part gives, up to which the rest is used again.
        start, end: shares of the schedule between which it is.
    Source:
        Cheng 2024, chengzeyi/ParaAttention ("first block cache"); for U-Nets with the cut of Ma et al. 2023,
        "DeepCache", arXiv:2312.00858.
    """
    rule = rule_for(model, "FirstBlockCache", threshold, start, end, verbose=verbose)
    blocks = _blocks_of(model.network.module)
    if blocks:
        return model.with_network_patches(blocks=_around_blocks(rule, blocks, model.hooks.inside.blocks))

    def around(below: Callable[[], Tensor], top: Tensor, step: Step) -> Tensor:
        calls, key = evaluations(step.memory, rule), step.group
        before, deep = calls.kept.get(key, (None, None))
        if calls.reuses(key, float(step.sigma), lambda: _near(top, before, rule.threshold)):
            return deep
        deep = below()
        calls.kept[key] = (top, deep)
        return deep

    return model.with_network_patches(deep=(around,))


def _near(value: Tensor, before: Tensor | None, threshold: float) -> bool:
    return before is not None and bool((value - before).abs().mean() < threshold * before.abs().mean())


def _blocks_of(module: Any) -> list[tuple[str, int]]:
    """The blocks of a transformer in the order in which they run; none for a U-Net."""
    double = getattr(module, "transformer_blocks", ())
    single = getattr(module, "single_transformer_blocks", ())
    return [*(("double_block", n) for n in range(len(double))), *(("single_block", n) for n in range(len(single)))]


def _around_blocks(
    rule: ReuseRule, places: list[tuple[str, int]], inner: Mapping[tuple[str, int], BlockReplacement]
) -> dict[tuple[str, int], BlockReplacement]:
    """Replacements for every block: the first decides, the others follow, the last adds or learns what they change."""
    first, last = places[0], places[-1]

    def replacement(image: Tensor, text: Tensor | None, call: CallBlock, site: Site) -> tuple[Tensor, Tensor | None]:
        place, step = (site.stage, site.number), site.step
        calls, key = evaluations(step.memory, rule), step.group
        if place == first or not step.notes.get(rule, False):
            own = inner.get(place)
            image_in = image
            image, text = call(image, text) if own is None else own(image, text, call, site)
        if place == first:
            change, (before, _) = image - image_in, calls.kept.get(key, (None, None))
            near = calls.reuses(key, float(step.sigma), lambda: _near(change, before, rule.threshold))
            step.notes[rule], step.notes[rule, "start"] = near, (image, change)
        if place == last and rule in step.notes:  # else another patch took the first block
            start, change = step.notes[rule, "start"]
            if step.notes[rule]:
                return start + calls.kept[key][1], text
            calls.kept[key] = (change, image - start)
        return image, text

    return dict.fromkeys(places, replacement)


__all__ = ["ReuseRule", "Trail", "easy_cache", "first_block_cache", "lazy_cache"]
