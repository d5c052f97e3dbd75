"""Lotus: depth and normals of a picture in one step."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Context, Output, node
from nodes.sockets import Conditioning

__all__ = ["lotus_conditioning"]


@node("LotusConditioning", title="Lotus Conditioning", category="conditioning/lotus", convention="v3")
def lotus_conditioning(*, ctx: Context) -> Annotated[Conditioning, Output("conditioning")]:
    """Give Lotus the empty prompt it was trained with, from any text encoder or checkpoint of Stable Diffusion 2."""
    from diffusion.assembly.empty_text import empty_sd2_text

    found = [
        ctx.folders.find(folder, name)
        for folder in ("text_encoders", "checkpoints")
        for name in ctx.folders.names(folder)
    ]
    return [[empty_sd2_text([path for path in found if path is not None]), {}]]
