"""Models of one family blended part by part, with a slider for each part of the family's network.

The inputs are named as the parts are in the files (`input_blocks.0.`), which no parameter of a function can be: these
nodes put their specs together themselves, from those of a node that declares the same kinds of inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from graph_runtime.api import NodeSpec, Result, spec_of
from graph_runtime.behaviour import Behaviour, Invocation
from nodes.merging import CATEGORY, model_merge_blocks

__all__ = [
    "PartsBehaviour",
    "model_merge_flux1",
    "model_merge_sd1",
    "model_merge_sd2",
    "model_merge_sd3_2b",
    "model_merge_sd35_large",
    "model_merge_sdxl",
]


class PartsBehaviour(Behaviour):
    """Blends two models; every further input is the share of the first in the part it is named after."""

    def call(self, invocation: Invocation) -> Result:
        """Call `merged_parts`."""
        return Result((merged_parts(**invocation.inputs),))


def merged_parts(*, model1: Any, model2: Any, **shares: float) -> Any:
    """Blend two models of one architecture, each part of the network by itself.

    Args:
        shares: of the first model, by beginning of the weights' names; what has no place among them takes the first.
    """
    from diffusion import merging

    return merging.merged_by_part(model1, model2, shares, next(iter(shares.values()), 1.0))


def _node(id: str, family: str, parts: Iterable[str]) -> Callable[..., Any]:
    """A node with a slider for each part."""
    like = spec_of(model_merge_blocks)
    slider = like.by_name["input"]

    def merge(**inputs: Any) -> Any:
        return merged_parts(**inputs)

    tip = "share of the first model in the weights whose names begin with '{}'"
    merge.__name__ = merge.__qualname__ = f"merge_{family.replace(' ', '_')}"
    merge.__node_spec__ = NodeSpec(  # type: ignore[attr-defined]
        id=id,
        inputs=(
            like.by_name["model1"],
            like.by_name["model2"],
            *(replace(slider, name=part, options={**slider.options, "tooltip": tip.format(part)}) for part in parts),
        ),
        outputs=like.outputs,
        display_name=id,
        description=f"Blend two {family} models, each part of the network by itself.",
        category=f"{CATEGORY}/model_specific",
        behaviour=PartsBehaviour(),
    )
    return merge


def _counted(name: str, count: int, end: str = ".") -> list[str]:
    return [f"{name}.{number}{end}" for number in range(count)]


def _unet(blocks: int, end: str) -> list[str]:
    """The parts of a U-Net with as many blocks on the way down as on the way up."""
    inner = [*_counted("input_blocks", blocks, end), *_counted("middle_block", 3, end)]
    return ["time_embed.", "label_emb.", *inner, *_counted("output_blocks", blocks, end), "out."]


def _sd3(blocks: int) -> list[str]:
    before = ["pos_embed.", "x_embedder.", "context_embedder.", "y_embedder.", "t_embedder."]
    return [*before, *_counted("joint_blocks", blocks), "final_layer."]


FLUX = [
    "img_in.", "time_in.", "guidance_in", "vector_in.", "txt_in.", *_counted("double_blocks", 19),
    *_counted("single_blocks", 38), "final_layer.",
]  # fmt: skip

model_merge_sd1 = _node("ModelMergeSD1", "Stable Diffusion 1", _unet(12, "."))
model_merge_sd2 = _node("ModelMergeSD2", "Stable Diffusion 2", _unet(12, "."))
model_merge_sdxl = _node("ModelMergeSDXL", "Stable Diffusion XL", _unet(9, ""))
model_merge_sd3_2b = _node("ModelMergeSD3_2B", "Stable Diffusion 3", _sd3(24))
model_merge_sd35_large = _node("ModelMergeSD35_Large", "Stable Diffusion 3.5 Large", _sd3(38))
model_merge_flux1 = _node("ModelMergeFlux1", "Flux", FLUX)
