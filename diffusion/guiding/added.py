"""Guidance away from what a weakened network says: a third estimate is added to the two.

Every function here makes a new model; see `diffusion.guiding.changed` for the shapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.model import GuidanceStep, Model
from diffusion.patching import attend
from diffusion.patching.record import CallBlock, Site

_BLUR = 9
"""Side of the blurring kernel, in latent cells."""


def perturbed_attention(model: Model, scale: float) -> Model:
    """Away from what the network says when each place of its middle sees only itself.

    Source:
        Ahn et al. 2024, arXiv:2403.17377 (PAG).
    """

    def only_itself(queries: Tensor, keys: Tensor, values: Tensor, site: Site) -> Tensor:
        return values

    def change(step: GuidanceStep) -> Tensor:
        positive, guided = step.positive, step.guided
        if scale == 0.0:
            return guided
        weaker = step.model.with_network_patches(self_attention={("middle", 0): only_itself})
        (weak,) = step.evaluate([step.entries[0]], weaker)
        return guided + (positive - weak) * scale

    return model.with_hooks(post_cfg=(change,))


@dataclass(slots=True)
class _Scores:
    """Attention of the negative side in the latest call of a network, [batch × heads, tokens, tokens]."""

    latest: Tensor | None = None


def self_attention(model: Model, scale: float, blur: float) -> Model:
    """Away from what the network says where the parts that it attends to are blurred.

    Args:
        blur: standard deviation of the blur, in latent cells.
    Source:
        Hong et al. 2022, arXiv:2210.00939 (SAG).
    """
    scores = _Scores()

    def record(queries: Tensor, keys: Tensor, values: Tensor, site: Site) -> Tensor:
        roles = site.step.roles
        if 1 not in roles:
            return attend(queries, keys, values, site.heads)
        out, weights = _attend_with_scores(queries, keys, values, site.heads)
        scores.latest = weights.chunk(len(roles))[roles.index(1)]
        return out

    def change(step: GuidanceStep) -> Tensor:
        guided, negative = step.guided, step.negative
        attention = scores.latest
        if attention is None or min(guided.shape[2:]) <= 4:
            return guided
        blurred = _blurred_where_attended(negative, attention, blur)
        (weak,) = step.evaluate([step.entries[1]], at=blurred + step.x - negative)
        return guided + (blurred - weak) * scale

    watched = model.with_network_patches(self_attention={("middle", 0, 0): record})
    return watched.with_hooks(post_cfg=(change,), always_evaluate_negative=True)


def skipped_layers(
    model: Model, double: tuple[int, ...], single: tuple[int, ...], scale: float, start: float, end: float,
    rescaling: float = 0.0,
) -> Model:  # fmt: skip
    """Away from what a transformer says without some of its blocks.

    Args:
        double, single: numbers of the blocks that are left out.
        start, end: shares of the schedule between which it takes effect.
        rescaling: share of the positive estimate's standard deviation that the result is brought to.
    Source:
        Stability AI, sd3.5 reference code (skip layer guidance); Hyung et al. 2024, arXiv:2411.18664.
    """
    if not double and not single:
        return model
    first, last = (model.prediction.percent_to_sigma(share) for share in (start, end))
    left_out = _left_out(double, single)

    def change(step: GuidanceStep) -> Tensor:
        positive, guided = step.positive, step.guided
        if scale <= 0.0 or not last <= float(step.sigma) <= first:
            return guided
        (weak,) = step.evaluate([step.entries[0]], step.model.with_network_patches(blocks=left_out))
        guided = guided + (positive - weak) * scale
        if rescaling != 0.0:
            guided = guided * (rescaling * (positive.std() / guided.std()) + (1.0 - rescaling))
        return guided

    return model.with_hooks(post_cfg=(change,))


def unguided_skipping(
    model: Model, double: tuple[int, ...], single: tuple[int, ...], start: float, end: float
) -> Model:
    """The negative estimate from a transformer without some of its blocks; arguments as for `skipped_layers`."""
    if not double and not single:
        return model
    first, last = (model.prediction.percent_to_sigma(share) for share in (start, end))
    left_out = _left_out(double, single)

    def evaluate(step: GuidanceStep) -> list[Tensor]:
        positive, negative = step.entries[:2]
        if negative is None or not last <= float(step.sigma) <= first:
            return step.evaluate([positive, negative])
        weaker = step.model.with_network_patches(blocks=left_out)
        return [*step.evaluate([positive]), step.evaluate([None, negative], weaker)[1]]

    return model.with_hooks(batch=evaluate)


def _left_out(double: tuple[int, ...], single: tuple[int, ...]) -> dict[tuple[str, int], object]:
    def skip(image: Tensor, text: Tensor | None, block: CallBlock, site: Site) -> tuple[Tensor, Tensor | None]:
        return image, text

    numbers = [("double_block", number) for number in double] + [("single_block", number) for number in single]
    return dict.fromkeys(numbers, skip)


def _attend_with_scores(queries: Tensor, keys: Tensor, values: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Attention, and the weights that fused kernels do not give back, [batch × heads, tokens, tokens]."""
    batch, tokens, width = queries.shape
    q, k, v = (
        one.reshape(batch, -1, heads, width // heads).transpose(1, 2).flatten(0, 1) for one in (queries, keys, values)
    )
    weights = ((q.float() @ k.float().transpose(1, 2)) * (width // heads) ** -0.5).softmax(dim=-1)
    out = weights.to(v.dtype) @ v
    return out.reshape(batch, heads, tokens, -1).transpose(1, 2).reshape(batch, tokens, width), weights


def _blurred_where_attended(latent: Tensor, attention: Tensor, sigma: float) -> Tensor:
    """A latent that is blurred where its places together receive more attention than one place gives."""
    batch, _, height, width = latent.shape
    tokens = attention.shape[-1]
    received = attention.reshape(batch, -1, tokens, tokens).mean(1).sum(1)
    rows = _rows(tokens, height / width)
    mask = (received > 1.0).reshape(batch, 1, rows, tokens // rows).to(latent.dtype)
    mask = F.interpolate(mask, (height, width))
    return _blur(latent, sigma) * mask + latent * (1.0 - mask)


def _rows(tokens: int, aspect: float) -> int:
    """The divisor of the number of tokens nearest to the rows of a picture of this aspect; of two, the smaller."""
    wanted = round(math.sqrt(aspect * tokens))
    for distance in range(tokens):
        for rows in (max(1, wanted - distance), wanted + distance):
            if tokens % rows == 0:
                return rows
    return 1


def _blur(latent: Tensor, sigma: float) -> Tensor:
    if sigma <= 0.0:
        return latent
    places = torch.linspace(-(_BLUR - 1) / 2, (_BLUR - 1) / 2, _BLUR)
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    line = (weights / weights.sum()).to(latent)
    channels = latent.shape[1]
    kernel = torch.outer(line, line).expand(channels, 1, _BLUR, _BLUR)
    half = _BLUR // 2
    return F.conv2d(F.pad(latent, [half] * 4, mode="reflect"), kernel, groups=channels)


__all__ = ["perturbed_attention", "self_attention", "skipped_layers", "unguided_skipping"]
