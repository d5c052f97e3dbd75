"""Sketchbook: a small node pack that shows every way a node can be declared.

A pack is a folder in `custom_nodes/` (or `DATA/custom_nodes/`). Its nodes are plain functions: the signature is the
declaration, the docstring is the help page. They are published under the folder's name, so `glow` below becomes
`sketchbook.glow`. Declaring imports no torch; the functions import what they need when they run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeVar

from graph_runtime.api import Choice, Context, Lazy, Many, Range, Socket, node
from nodes.sockets import Image, Mask

WEB_DIRECTORY = "web"
"""Served at `/extensions/sketchbook/`; its `heddle.js` adds a control and a panel to the editor."""

T = TypeVar("T")
Curve = Annotated[Sequence[Sequence[float]], Socket("CURVE", "points [x, y] in 0..1")]
Colours = Annotated[str, Socket("SKETCHBOOK_COLOURS", "colours as #rrggbb, separated by blanks")]


@node("glow", title="Glow", category="sketchbook")
def glow(
    image: Image,
    amount: Annotated[float, Range(0, 2, step=0.05)] = 0.5,
    radius: Annotated[int, Range(1, 64)] = 6,
) -> Image:
    """Let bright areas shine into their surroundings.

    Args:
        amount: how much light is added; 0 leaves the picture as it is.
        radius: how far the light reaches, in pixels.
    """
    from torch.nn import functional

    light = (image - 0.5).clamp(min=0).movedim(-1, 1)
    window = 2 * radius + 1
    for _ in range(2):  # two boxes make a triangle, close enough to a soft lens
        light = functional.avg_pool2d(light, window, stride=1, padding=radius, count_include_pad=False)
    return (image + amount * light.movedim(1, -1)).clamp(0, 1)


class Split(NamedTuple):
    """Several outputs are a NamedTuple: the field names are the socket names."""

    light: Mask
    average: float


@node("brightness", title="Brightness", category="sketchbook")
def brightness(image: Image, weighting: Annotated[str, Choice(("perceived", "plain"))] = "perceived") -> Split:
    """Measure how bright a picture is, pixel by pixel and on average.

    Args:
        weighting: `perceived` weighs red, green and blue as the eye does (Rec. 709); `plain` weighs them alike.
    """
    import torch

    weights = torch.tensor([0.2126, 0.7152, 0.0722] if weighting == "perceived" else [1 / 3] * 3)
    light = (image[..., :3] * weights).sum(-1)
    return Split(light, float(light.mean()))


@node("contact_sheet", title="Contact sheet", category="sketchbook")
def contact_sheet(images: Many[Image], ctx: Context, columns: Annotated[int, Range(1, 16)] = 3) -> Image:
    """Tile all connected pictures into one sheet; smaller ones are centred on black.

    `Many` receives every link and every item of a list at once, instead of one call for each.
    """
    import torch

    pictures = [picture[..., :3] for batch in images for picture in batch]
    height, width = max(p.shape[0] for p in pictures), max(p.shape[1] for p in pictures)
    rows = -(-len(pictures) // columns)
    sheet = torch.zeros(rows * height, min(columns, len(pictures)) * width, 3)
    for index, picture in enumerate(pictures):
        ctx.progress(index, len(pictures))
        top = index // columns * height + (height - picture.shape[0]) // 2
        left = index % columns * width + (width - picture.shape[1]) // 2
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet[None]


@node("stripes", title="Stripes", category="sketchbook")
def stripes(
    colours: Colours = "#d02020 #2030d0",
    width: Annotated[int, Range(1, 4096)] = 256,
    height: Annotated[int, Range(1, 4096)] = 128,
) -> Image:
    """Paint upright stripes of equal width.

    The colours have a socket type of the pack's own, and `web/heddle.js` brings the control that edits them.

    Args:
        colours: at least one colour, `#rrggbb`.
    """
    import torch

    rows = [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours.split()]
    stripe = torch.arange(width) * len(rows) // width
    return torch.tensor(rows)[stripe].expand(1, height, width, 3).clone()


@node("tones", title="Tone curve", category="sketchbook")
def tones(image: Image, curve: Curve = ((0.0, 0.0), (1.0, 1.0))) -> Image:
    """Make tones lighter or darker along a curve.

    `CURVE` is a socket type that the editor knows: an input with a curve as its default is drawn on the node.

    Args:
        curve: points [before, after] in 0..1, joined smoothly (PCHIP) and level beyond the outermost.
    """
    import torch
    from scipy.interpolate import PchipInterpolator

    before, after = zip(*sorted(curve), strict=True)
    levels = torch.linspace(before[0], before[-1], 1024)
    table = torch.from_numpy(PchipInterpolator(before, after)(levels.numpy())).to(image.dtype)
    place = (image - before[0]) / (before[-1] - before[0]) * (len(table) - 1)
    return table[place.round().clamp(0, len(table) - 1).long()]


@node("choose", title="Choose", category="sketchbook")
async def choose(when: bool, if_true: Lazy[T], if_false: Lazy[T]) -> T:
    """Pass on one of two values; only the chosen branch is run.

    A `Lazy` input is awaited on demand, so the node is async and holds no thread while it waits.
    """
    return await (if_true if when else if_false)
