"""The transformers of Stable Diffusion 3 and Flux: original layers and where they lie in diffusers' modules.

The originals fuse queries, keys and values into one layer; diffusers keeps them apart. Parts are cut out as views, so
that nothing is copied.

Source: Stability-AI/sd3.5 `mmditx.py`, black-forest-labs/flux `model.py`; huggingface/diffusers (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.layouts.renaming import rename, reverse

_SCALES = (".query_norm.weight", ".key_norm.weight")  # of Flux, which calls their weights scales


class Piece(NamedTuple):
    """Rows of an original layer: where they lie in a parameter's layer."""

    layer: str
    start: int
    rows: int
    target: int = 0


@dataclass(frozen=True, slots=True)
class TransformerLayout:
    """How original layers map to those of diffusers; a U-Net's has plain ones only, named by their beginnings.

    Attributes:
        plain: original layer → layer, unchanged.
        pieces: original layer → where its rows go.
    """

    plain: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, tuple[Piece, ...]] = field(default_factory=dict)

    def convert(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors under diffusers' names; unknown ones are left out."""
        result: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            layer, _, kind = name.rpartition(".")
            kind = "weight" if kind == "scale" else kind
            if name == "pos_embed":
                result["pos_embed.pos_embed"] = tensor
            elif layer in self.plain:
                result[f"{self.plain[layer]}.{kind}"] = tensor
            elif layer in self.pieces:
                result.update(_cut(tensor, self.pieces[layer], kind))
        return result

    def restore(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors under diffusers' names as the original layers again: what `convert` does, undone."""
        result: dict[str, Tensor] = {}
        back = reverse(self.plain)
        for name, tensor in tensors.items():
            old = "pos_embed" if name == "pos_embed.pos_embed" else rename(name, back)
            if old is not None:
                result[f"{old.removesuffix('.weight')}.scale" if old.endswith(_SCALES) else old] = tensor
        for original, pieces in self.pieces.items():
            for kind in ("weight", "bias"):
                if f"{pieces[0].layer}.{kind}" in tensors:
                    result[f"{original}.{kind}"] = _fused([tensors[f"{p.layer}.{kind}"] for p in pieces], pieces)
        return result


def _fused(parts: list[Tensor], pieces: tuple[Piece, ...]) -> Tensor:
    rows = sum(piece.rows for piece in pieces)
    result = parts[0].new_empty(rows, *parts[0].shape[1:])
    for part, piece in zip(parts, pieces, strict=True):
        result[piece.start : piece.start + piece.rows] = part[piece.target : piece.target + piece.rows]
    return result


def _cut(tensor: Tensor, pieces: tuple[Piece, ...], kind: str) -> dict[str, Tensor]:
    if len({piece.layer for piece in pieces}) == 1:  # halves that change places
        ordered = sorted(pieces, key=lambda piece: piece.target)
        return {f"{pieces[0].layer}.{kind}": torch.cat([tensor[p.start : p.start + p.rows] for p in ordered])}
    return {f"{p.layer}.{kind}": tensor[p.start : p.start + p.rows] for p in pieces}


def sd3_layout(shapes: Mapping[str, tuple[int, ...]]) -> TransformerLayout:
    """The layout of a Stable Diffusion 3 transformer, by the shapes of its tensors."""
    plain = {
        "x_embedder.proj": "pos_embed.proj", "context_embedder": "context_embedder", "final_layer.linear": "proj_out",
        "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
        "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
        "y_embedder.mlp.0": "time_text_embed.text_embedder.linear_1",
        "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
    }  # fmt: skip
    pieces = {"final_layer.adaLN_modulation.1": _swapped(shapes, "final_layer.adaLN_modulation.1", "norm_out.linear")}
    layers = blocks_of(shapes, "joint_blocks")
    for i in range(layers):
        old, new = f"joint_blocks.{i}", f"transformer_blocks.{i}"
        for side, norm, ff, out in (
            ("x_block", "norm1", "ff", "to_out.0"), ("context_block", "norm1_context", "ff_context", "to_add_out"),
        ):  # fmt: skip
            plain[f"{old}.{side}.attn.proj"] = f"{new}.attn.{out}"
            plain[f"{old}.{side}.mlp.fc1"] = f"{new}.{ff}.net.0.proj"
            plain[f"{old}.{side}.mlp.fc2"] = f"{new}.{ff}.net.2"
            plain[f"{old}.{side}.adaLN_modulation.1"] = f"{new}.{norm}.linear"
        for part in ("q", "k"):
            plain[f"{old}.x_block.attn.ln_{part}"] = f"{new}.attn.norm_{part}"
            plain[f"{old}.context_block.attn.ln_{part}"] = f"{new}.attn.norm_added_{part}"
            plain[f"{old}.x_block.attn2.ln_{part}"] = f"{new}.attn2.norm_{part}"
        plain[f"{old}.x_block.attn2.proj"] = f"{new}.attn2.to_out.0"
        fused = {
            f"{old}.x_block.attn.qkv": f"{new}.attn.to_{{}}", f"{old}.x_block.attn2.qkv": f"{new}.attn2.to_{{}}",
            f"{old}.context_block.attn.qkv": f"{new}.attn.add_{{}}_proj",
        }  # fmt: skip
        pieces.update({name: _thirds(shapes, name, target) for name, target in fused.items()})
    last = f"joint_blocks.{layers - 1}.context_block.adaLN_modulation.1"
    if layers and plain.pop(last, None):
        pieces[last] = _swapped(shapes, last, f"transformer_blocks.{layers - 1}.norm1_context.linear")
    return TransformerLayout(plain, pieces)


def flux_layout(shapes: Mapping[str, tuple[int, ...]]) -> TransformerLayout:
    """The layout of a Flux transformer, by the shapes of its tensors."""
    plain = {"txt_in": "context_embedder", "img_in": "x_embedder", "final_layer.linear": "proj_out"}
    for old, new in (("time_in", "timestep"), ("vector_in", "text"), ("guidance_in", "guidance")):
        plain[f"{old}.in_layer"] = f"time_text_embed.{new}_embedder.linear_1"
        plain[f"{old}.out_layer"] = f"time_text_embed.{new}_embedder.linear_2"
    pieces = {"final_layer.adaLN_modulation.1": _swapped(shapes, "final_layer.adaLN_modulation.1", "norm_out.linear")}
    for i in range(blocks_of(shapes, "double_blocks")):
        old, new = f"double_blocks.{i}", f"transformer_blocks.{i}"
        for side, norm, ff, out, added, target in (
            ("img", "norm1", "ff", "to_out.0", "norm_{}", "to_{}"),
            ("txt", "norm1_context", "ff_context", "to_add_out", "norm_added_{}", "add_{}_proj"),
        ):
            plain[f"{old}.{side}_mod.lin"] = f"{new}.{norm}.linear"
            plain[f"{old}.{side}_mlp.0"], plain[f"{old}.{side}_mlp.2"] = f"{new}.{ff}.net.0.proj", f"{new}.{ff}.net.2"
            plain[f"{old}.{side}_attn.proj"] = f"{new}.attn.{out}"
            plain[f"{old}.{side}_attn.norm.query_norm"] = f"{new}.attn.{added.format('q')}"
            plain[f"{old}.{side}_attn.norm.key_norm"] = f"{new}.attn.{added.format('k')}"
            fused = f"{old}.{side}_attn.qkv"
            pieces[fused] = _thirds(shapes, fused, f"{new}.attn.{target}")
    for i in range(blocks_of(shapes, "single_blocks")):
        old, new = f"single_blocks.{i}", f"single_transformer_blocks.{i}"
        plain[f"{old}.modulation.lin"], plain[f"{old}.linear2"] = f"{new}.norm.linear", f"{new}.proj_out"
        plain[f"{old}.norm.query_norm"], plain[f"{old}.norm.key_norm"] = f"{new}.attn.norm_q", f"{new}.attn.norm_k"
        rows, inner = _rows(shapes, f"{old}.linear1"), shapes.get(f"{old}.linear2.weight", (0,))[0]
        parts = [Piece(f"{new}.attn.to_{part}", n * inner, inner) for n, part in enumerate("qkv")]
        pieces[f"{old}.linear1"] = (*parts, Piece(f"{new}.proj_mlp", 3 * inner, rows - 3 * inner))
    return TransformerLayout(plain, pieces)


def original_shapes(weights: Mapping[str, Tensor], *, flux: bool) -> dict[str, tuple[int, ...]]:
    """Shapes of the original fused layers, of a network that came in diffusers' layout."""
    result: dict[str, tuple[int, ...]] = {}
    for name, tensor in weights.items():
        block = re.match(r"(single_)?transformer_blocks\.(\d+)\.(.*)\.weight$", name)
        if block is None:
            if name == "norm_out.linear.weight":
                result["final_layer.adaLN_modulation.1.weight"] = tuple(tensor.shape)
            continue
        single, number, layer = block.groups()
        rows, columns = tensor.shape[0], tuple(tensor.shape[1:])
        if single and layer == "attn.to_q":
            more = weights[f"single_transformer_blocks.{number}.proj_mlp.weight"].shape[0]
            result[f"single_blocks.{number}.linear1.weight"] = (3 * rows + more, *columns)
            result[f"single_blocks.{number}.linear2.weight"] = (rows,)
        sides = {"attn.to_q": "img_attn", "attn.add_q_proj": "txt_attn"}
        if not flux:
            sides = {
                "attn.to_q": "x_block.attn", "attn.add_q_proj": "context_block.attn", "attn2.to_q": "x_block.attn2",
            }  # fmt: skip
        if not single and layer in sides:
            name = f"{'double' if flux else 'joint'}_blocks.{number}.{sides[layer]}.qkv.weight"
            result[name] = (3 * rows, *columns)
        if not flux and layer == "norm1_context.linear":
            result[f"joint_blocks.{number}.context_block.adaLN_modulation.1.weight"] = tuple(tensor.shape)
    return result


def blocks_of(names: Mapping[str, object], kind: str) -> int:
    """How many blocks of a kind there are."""
    pattern = re.compile(rf"{kind}\.(\d+)\.")
    return max((int(match[1]) + 1 for name in names if (match := pattern.match(name))), default=0)


def _rows(shapes: Mapping[str, tuple[int, ...]], layer: str) -> int:
    return shapes.get(f"{layer}.weight", (0,))[0]


def _thirds(shapes: Mapping[str, tuple[int, ...]], layer: str, target: str) -> tuple[Piece, ...]:
    third = _rows(shapes, layer) // 3
    return tuple(Piece(target.format(part), n * third, third) for n, part in enumerate("qkv"))


def _swapped(shapes: Mapping[str, tuple[int, ...]], layer: str, target: str) -> tuple[Piece, ...]:
    """Shift and scale, which diffusers keeps the other way round."""
    half = _rows(shapes, layer) // 2
    return (Piece(target, 0, half, half), Piece(target, half, half, 0))


__all__ = ["Piece", "TransformerLayout", "blocks_of", "flux_layout", "original_shapes", "sd3_layout"]
