"""Curves of a training's loss as a picture."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

from graph_runtime.api import Context, HeddleError, Options, Socket, node
from nodes.image_io import PROVENANCE
from nodes.pictures import embedded_texts, encode_png

if TYPE_CHECKING:
    import numpy as np

__all__ = ["loss_graph"]

SIZE = (800, 480)
MARGIN = 48
PAPER, INK, CURVE = "white", "#333333", "#1f6feb"


@node(
    "LossGraphNode", title="Plot Loss Graph", category="training", terminal=True, device=False, hidden=PROVENANCE,
    experimental=True,
)  # fmt: skip
def loss_graph(
    *,
    loss: Annotated[
        dict[str, Any], Socket("LOSS_MAP", "dict: loss, a list of floats, one a step"), Options(default={})
    ],
    filename_prefix: str = "loss_graph",
    ctx: Context,
) -> None:
    """Draw the loss of each step of a training, and show the picture without keeping it.

    Args:
        loss: what the training node measured.
        filename_prefix: begins the name of the picture.
    """
    values = [float(value) for value in loss.get("loss", ())]
    if not values:
        raise HeddleError("There is no loss to draw.", fix="Connect the loss of a training that made a step.")
    data = encode_png(_drawn(values), embedded_texts(ctx.prompt, ctx.extra_pnginfo), compress_level=1)
    ctx.show(ctx.files.write(f"{filename_prefix}_{secrets.token_hex(3)}", ".png", data, folder="temp"))


def _drawn(values: list[float]) -> np.ndarray:
    """A picture [height, width, 3] of the values in their order, with the ends of both axes written beside them."""
    import numpy as np
    from PIL import Image, ImageDraw

    finite = [value for value in values if value - value == 0] or [0.0]
    low, high = min(finite), max(finite)
    picture = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = MARGIN, MARGIN // 2, SIZE[0] - MARGIN // 2, SIZE[1] - MARGIN
    draw.line([(left, top), (left, bottom), (right, bottom)], fill=INK)
    points = [
        (
            left + (right - left) * index / max(1, len(values) - 1),
            bottom - (bottom - top) * ((value - low) / (high - low) if high > low else 0.5),
        )
        for index, value in enumerate(values)
        if value - value == 0
    ]
    if len(points) > 1:
        draw.line(points, fill=CURVE, width=2, joint="curve")
    for x, y in points[:1] + points[-1:]:
        draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=CURVE)
    for place, text in (
        ((4, top), f"{high:.4g}"), ((4, bottom - 10), f"{low:.4g}"),
        ((left, bottom + 8), "1"), ((right - 6 * len(str(len(values))), bottom + 8), str(len(values))),
    ):  # fmt: skip
        draw.text(place, text, fill=INK)
    return np.asarray(picture)
