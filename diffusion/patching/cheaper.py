"""Less work inside a U-Net: attention in tiles, merged tokens, and a smaller picture in the early steps.

All of these change the picture; what they cost and gain is measured by benchmarks/sampling.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffusion.model import Model
from diffusion.patching.record import Site
from diffusion.resize import resize


def tiled_attention(model: Model, tile: int, choices: int, deepest: int, *, scale_with_depth: bool) -> Model:
    """Self-attention inside tiles of the picture instead of over all of it.

    Args:
        tile: smallest side of a tile, in pixels.
        choices: how many tile sizes are changed between, so that seams do not stay in one place.
        deepest: halvings of the resolution down to which it takes effect.
        scale_with_depth: tiles grow with each halving.
    Source:
        tfernd/HyperTile (README). As established results have it, only the queries are cut into tiles; keys and
        values are cut into as many strips of rows. Sides are taken width first, whatever the picture's proportions.
    """
    smallest = max(32, tile) // 8

    def split(x: Tensor, keys: Tensor, values: Tensor, site: Site) -> tuple[Tensor, Tensor, Tensor]:
        depth = _depth(site, deepest)
        if depth is None:
            return x, keys, values
        least = smallest * (2**depth if scale_with_depth else 1)
        grid = tuple(_division(size, least, choices, site.step.chance) for size in _sides(site))
        if grid == (1, 1):
            return x, keys, values
        site.step.notes[_place(site, "tiles")] = grid
        count = x.shape[0] * grid[0] * grid[1]
        return _tiles(x, site, *grid), *(one.reshape(count, -1, one.shape[-1]) for one in (keys, values))

    def join(out: Tensor, site: Site) -> Tensor:
        grid = site.step.notes.pop(_place(site, "tiles"), None)
        return out if grid is None else _joined(out, site, *grid)

    return model.with_network_patches(self_attention_input=(split,), self_attention_output=(join,))


def merged_tokens(model: Model, ratio: float) -> Model:
    """Self-attention asked by fewer tokens: those most like a neighbour share its answer.

    Args:
        ratio: share of the tokens that is merged, at most three quarters.
    Source:
        Bolya & Hoffman 2023, arXiv:2303.17604 (ToMe for Stable Diffusion); only at the full resolution.
    """

    def merge(x: Tensor, keys: Tensor, values: Tensor, site: Site) -> tuple[Tensor, Tensor, Tensor]:
        if site.shape[-1] != site.step.shape[-1] or int(x.shape[1] * ratio) == 0 or min(site.shape[-2:]) == 1:
            return x, keys, values
        matching = _match(x, site, ratio)
        site.step.notes[_place(site, "merged")] = matching
        return _merged(x, matching), keys, values

    def unmerge(out: Tensor, site: Site) -> Tensor:
        matching = site.step.notes.pop(_place(site, "merged"), None)
        return out if matching is None else _unmerged(out, matching)

    return model.with_network_patches(self_attention_input=(merge,), self_attention_output=(unmerge,))


def shrunk_early(
    model: Model, block: int, factor: float, start: float, end: float, *, after_skip: bool, down: str, up: str
) -> Model:
    """A smaller picture from one block of a U-Net on, in a part of the schedule, so that composition stays whole.

    Args:
        block: input block after which the picture shrinks.
        factor: by how much.
        start, end: shares of the schedule.
        after_skip: the skip connection of that block keeps its size.
        down, up: ways of scaling (`diffusion.resize`).
    Source:
        Kohya's Deep Shrink, as described by its author.
    """
    first, last = (model.prediction.percent_to_sigma(share) for share in (start, end))

    def shrink(h: Tensor, site: Site) -> Tensor:
        if site.number != block or not last <= float(site.step.sigma) <= first:
            return h
        return resize(h, round(h.shape[-1] * (1 / factor)), round(h.shape[-2] * (1 / factor)), down)

    def grow(h: Tensor, skip: Tensor, site: Site) -> tuple[Tensor, Tensor]:
        if h.shape[-2:] != skip.shape[-2:]:
            h = resize(h, skip.shape[-1], skip.shape[-2], up)
        return h, skip

    place = "input_block_after_skip" if after_skip else "input_block"
    return model.with_network_patches(**{place: (shrink,), "output_block": (grow,)})


def _depth(site: Site, deepest: int) -> int | None:
    """How often the picture was halved at this place; None where that is too often, or not even."""
    height, width = site.step.shape[-2:]
    tokens = site.shape[-2] * site.shape[-1]
    halvings = (depth for depth in range(deepest + 1) if tokens * 4**depth == height * width)
    return next(halvings, None)


def _sides(site: Site) -> tuple[int, int]:
    return site.shape[-1], site.shape[-2]


def _division(size: int, least: int, choices: int, chance: torch.Generator) -> int:
    """Into how many equal tiles a side is cut, none smaller than `least`: one of the first few ways but the last."""
    fitting = [part for part in range(min(least, size), size + 1) if size % part == 0][:choices]
    if len(fitting) == 1:
        return size // fitting[0]
    return size // fitting[int(torch.randint(len(fitting) - 1, (1,), generator=chance))]


def _tiles(tokens: Tensor, site: Site, rows: int, columns: int) -> Tensor:
    batch, _, width = tokens.shape
    height, breadth = _sides(site)
    h, w = height // rows, breadth // columns
    split = tokens.reshape(batch, rows, h, columns, w, width).transpose(2, 3)
    return split.reshape(batch * rows * columns, h * w, width)


def _joined(tiles: Tensor, site: Site, rows: int, columns: int) -> Tensor:
    height, breadth = _sides(site)
    h, w, width = height // rows, breadth // columns, tiles.shape[-1]
    batch = tiles.shape[0] // (rows * columns)
    return tiles.reshape(batch, rows, columns, h, w, width).transpose(2, 3).reshape(batch, -1, width)


_Matching = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Places of source and of destination tokens, then which sources are kept, which are merged, and into what."""


def _place(site: Site, what: str) -> str:
    return f"{what} {site.stage} {site.number} {site.index}"


def _match(x: Tensor, site: Site, ratio: float) -> _Matching:
    """In each square of two by two one token is a destination; the sources most like one are merged into it."""
    height, width = site.shape[-2:]
    rows, columns = height // 2, width // 2
    chosen = torch.randint(4, (rows, columns), generator=site.step.chance)
    grid = torch.zeros(height, width, dtype=torch.bool)
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    grid[row * 2 + chosen // 2, column * 2 + chosen % 2] = True
    flat = grid.flatten()
    destinations, sources = (places.nonzero().flatten().to(x.device, non_blocking=True) for places in (flat, ~flat))
    unit = x / x.norm(dim=-1, keepdim=True)
    best, target = (unit[:, sources] @ unit[:, destinations].transpose(1, 2)).max(dim=-1)
    count = min(len(sources), int(x.shape[1] * ratio))
    order = best.argsort(dim=-1, descending=True)
    merged, kept = order[:, :count], order[:, count:]
    return sources, destinations, kept, merged, target.gather(1, merged)


def _merged(x: Tensor, matching: _Matching) -> Tensor:
    sources, destinations, kept, merged, target = matching
    width = x.shape[-1]
    given, taking = x[:, sources], x[:, destinations]
    moved = given.gather(1, merged.unsqueeze(-1).expand(-1, -1, width))
    taking = taking.scatter_reduce(1, target.unsqueeze(-1).expand(-1, -1, width), moved, reduce="mean")
    return torch.cat([given.gather(1, kept.unsqueeze(-1).expand(-1, -1, width)), taking], dim=1)


def _unmerged(out: Tensor, matching: _Matching) -> Tensor:
    sources, destinations, kept, merged, target = matching
    batch, width = out.shape[0], out.shape[-1]
    own, shared = out[:, : kept.shape[1]], out[:, kept.shape[1] :]
    result = out.new_empty(batch, len(sources) + len(destinations), width)
    result[:, destinations] = shared

    def put(which: Tensor, values: Tensor) -> None:
        result.scatter_(1, sources[which].unsqueeze(-1).expand(-1, -1, width), values)

    put(kept, own)
    put(merged, shared.gather(1, target.unsqueeze(-1).expand(-1, -1, width)))
    return result


__all__ = ["merged_tokens", "shrunk_early", "tiled_attention"]
