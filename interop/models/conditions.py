"""Conditioning in the two forms that packs handle: pairs on wires, dictionaries inside of a run.

Source: protocol §5.7; pack_surface, tier 2 (`comfy.sampler_helpers`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from diffusion.sampling.conditioning import prepare
from interop.models import take_back
from interop.models.inner import BaseModel
from interop.models.live_conditions import lend_for_run

__all__ = ["as_dictionaries", "as_pairs", "prepared"]


def as_dictionaries(conditioning: Iterable[Any]) -> list[dict[str, Any]]:
    """[embedding, options] pairs as dictionaries, the form that guiders of packs keep."""
    result = []
    for embedding, options in conditioning:
        entry = dict(options)
        entry.setdefault("model_conds", {})
        if embedding is not None:
            entry["cross_attn"] = embedding
        entry["uuid"] = uuid.uuid4()
        result.append(entry)
    return result


def as_pairs(conditioning: Iterable[Any]) -> list[list[Any]]:
    """The form that `diffusion` reads, from either."""
    pairs = []
    for item in conditioning:
        if isinstance(item, Mapping):
            options = {key: value for key, value in item.items() if key not in ("cross_attn", "model_conds", "uuid")}
            embedding = item.get("cross_attn")
        else:
            embedding, options = item[0], dict(item[1])
        pairs += take_back([[embedding, options]])
    return pairs


def prepared(
    inner: BaseModel,
    noise: Any,
    conditions: Mapping[str, Sequence[Any]],
    latent: Any,
    mask: Any,
    seed: int | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Conditioning by role, ready to be evaluated; what is ready already stays as it is.

    Args:
        latent: network-space latent that the run starts from, or None.
        mask: [batch, channels, height, width], or None.
        seed: of the run.
    """
    model = inner.heddle_model
    ready = {role: list(items or ()) for role, items in conditions.items() if _is_ready(items)}
    raw = {role: as_pairs(items or ()) for role, items in conditions.items() if role not in ready}
    entries = prepare(raw, model.family, model.prediction, noise, latent, mask, seed or 0, model.network)
    return {role: ready[role] if role in ready else lend_for_run(inner, entries[role]) for role in conditions}


def _is_ready(items: Sequence[Any] | None) -> bool:
    return bool(items) and all(isinstance(item, Mapping) and item.get("model_conds") for item in items or ())
