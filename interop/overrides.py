"""What packs change about built-in nodes: titles, the samplers and schedules that can be chosen, how they sample.

Source: protocol §5.1, §5.6.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from diffusion.sampling import added
from diffusion.sampling.names import SAMPLERS, SCHEDULES
from graph_runtime.catalogue import InputSpec, NodeSpec
from interop.through_host import through_host

__all__ = ["changed", "forget"]


def changed(catalogue: Mapping[str, NodeSpec], titles: Mapping[str, str]) -> list[NodeSpec]:
    """The built-in nodes as packs want them.

    Args:
        titles: by node id.
    """
    samplers, schedules = _names()
    catalogue = {**catalogue, **through_host(catalogue)}
    longer = {tuple(SAMPLERS): (*SAMPLERS, *samplers), tuple(SCHEDULES): (*SCHEDULES, *schedules)}
    return [_changed(spec, titles.get(spec.id), longer) for spec in catalogue.values()]


def _names() -> tuple[list[str], list[str]]:
    """Samplers and schedules that packs added; none while no pack has asked for the lists."""
    if "comfy.samplers" not in sys.modules:
        return [], []
    from interop.additions import adopt

    return adopt()


def _changed(spec: NodeSpec, title: str | None, longer: Mapping[tuple[str, ...], tuple[str, ...]]) -> NodeSpec:
    inputs = tuple(_input(one, longer) for one in spec.inputs)
    if inputs == spec.inputs and title is None:
        return spec
    return replace(spec, inputs=inputs, display_name=title or spec.display_name)


def _input(input: InputSpec, longer: Mapping[tuple[str, ...], tuple[str, ...]]) -> InputSpec:
    choices = None if input.choices is None else longer.get(tuple(input.choices))
    return input if choices is None or choices == input.choices else replace(input, choices=choices)


def forget() -> None:
    """Drop the samplers and schedules that packs added."""
    added.forget()
