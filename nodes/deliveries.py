"""Images that a client takes from its websocket instead of from a file."""

from __future__ import annotations

from graph_runtime.api import Context, node
from nodes.pictures import to_bytes
from nodes.sockets import Image

__all__ = ["save_image_websocket"]


@node("SaveImageWebsocket", title="SaveImageWebsocket", category="api/image", terminal=True, cache=False, device=False)
def save_image_websocket(*, images: Image, ctx: Context) -> None:
    """Send images as PNG pictures to the client that submitted the job, over its websocket, and write no files.

    The established server ships this node as a pack; its clients take each binary preview that comes while the node
    runs.

    Args:
        images: what to send.
    """
    from PIL import Image as Pillow

    for index, image in enumerate(images):
        ctx.progress(index + 1, len(images))
        ctx.preview(("PNG", Pillow.fromarray(to_bytes(image)), None))
