"""Differences between models as LoRA files.

A difference is a model whose weights are another's subtracted from one's (`diffusion.merging.subtracted`). Each weight
becomes the product of two thin matrices that comes nearest to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from diffusion.layouts.renaming import rename, reverse
from diffusion.model import Model
from diffusion.network import Network, Patches
from diffusion.text.encoder import TextEncoder


def network_difference(model: Model, rank: int, *, whole: bool, biases: bool) -> dict[str, Tensor]:
    """The weights of a difference of denoising networks, as a LoRA.

    Args:
        rank: of the two factors.
        whole: write every weight as it is instead.
        biases: also write biases and norms.
    """
    network = model.network
    back = reverse(network.names) if network.names else {}
    names = {name: f"diffusion_model.{rename(name, back) or name}" for name in network.parameter_names()}
    return dict(_changes(network, model.patches, names, rank, whole=whole, biases=biases))


def text_difference(clip: TextEncoder, rank: int, *, whole: bool, biases: bool) -> dict[str, Tensor]:
    """The weights of a difference of text encoders, as a LoRA; arguments as for `network_difference`."""
    result: dict[str, Tensor] = {}
    for tower in clip.towers:
        own, patches = tower.network, clip.patches.get(tower.name, Patches())
        kind = tower.name if tower.name == "t5xxl" else f"clip_{tower.name}"
        inner = "" if tower.name == "t5xxl" else "text_model."
        names = {n: f"text_encoders.{kind}.transformer.{inner}{n}" for n in own.parameter_names()}
        result |= _changes(own, patches, names, rank, whole=whole, biases=biases)
    return result


def _changes(
    network: Network, patches: Patches, names: dict[str, str], rank: int, *, whole: bool, biases: bool
) -> Iterator[tuple[str, Tensor]]:
    for name, known in names.items():
        if name not in patches.by_name:
            continue
        difference = network.patched_weight(name, patches)
        layer, _, kind = known.rpartition(".")
        if kind == "bias" or difference.ndim < 2:
            if biases:
                yield f"{layer}.{'diff_b' if kind == 'bias' else 'diff'}", difference
        elif whole:
            yield f"{layer}.diff", difference
        else:
            up, down = factors(difference, rank)
            yield f"{layer}.lora_up.weight", up.to(difference.dtype)
            yield f"{layer}.lora_down.weight", down.to(difference.dtype)


def factors(difference: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The product of two matrices of a rank that comes nearest to a weight, in the shapes that LoRA files use.

    Source:
        Eckart & Young 1936: the singular value decomposition, cut off.
    """
    shape = difference.shape
    left, scale, right = torch.linalg.svd(difference.float().flatten(1), full_matrices=False)
    rank = min(rank, len(scale))
    up, down = left[:, :rank] * scale[:rank], right[:rank]
    if len(shape) > 2:
        up, down = up.reshape(shape[0], rank, *[1] * (len(shape) - 2)), down.reshape(rank, *shape[1:])
    return up.contiguous(), down.contiguous()


__all__ = ["factors", "network_difference", "text_difference"]
