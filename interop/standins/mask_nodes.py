"""Host module `comfy_extras.nodes_mask`: nodes of masks, and the function that they composite with.

Source: pack_surface, tier 2.
"""

from typing import Any


def composite(
    destination: Any, source: Any, x: Any, y: Any, mask: Any = None, multiplier: Any = 8, resize_source: Any = False
) -> Any:
    """Lay planes [batch, channels, height, width] over others at a place, through a mask.

    Args:
        x, y: place of the upper left corner, in pixels; `multiplier` of them make one element.
        resize_source: stretch the source over the whole destination.
    """
    from diffusion.pixels.compositing import paste

    return paste(destination, source, x, y, mask, unit=multiplier, stretch=resize_source)
