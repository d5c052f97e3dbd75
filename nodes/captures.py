"""Pictures that the editor takes with a camera, and drawings."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Context, HeddleError, Range, Socket, node
from graph_runtime.json_text import json_text
from nodes.image_io import PROVENANCE, load_image, picture_digest, picture_exists
from nodes.pictures import embedded_texts
from nodes.sockets import MAX_RESOLUTION, Image

__all__ = ["save_svg", "webcam_capture"]

Side = Annotated[int, Range(0, MAX_RESOLUTION, step=1)]
SVG = Annotated[Any, Socket("SVG", "object whose `data` is a list of files with SVG text")]


@node(
    "WebcamCapture",
    title="Webcam Capture",
    category="image",
    device=False,
    fingerprint=picture_digest,
    validate=picture_exists,
)
def webcam_capture(
    *,
    image: Annotated[str, Socket("WEBCAM", "name of the uploaded picture")],
    width: Side = 0,
    height: Side = 0,
    capture_on_queue: bool = True,
    ctx: Context,
) -> Image:
    """Read the picture that the editor took with a camera.

    Args:
        image: the name under which the editor uploaded it.
        width: that the editor takes it with, in pixels; 0 is the camera's own.
        height: that the editor takes it with, in pixels; 0 is the camera's own.
        capture_on_queue: take a new picture whenever the workflow is queued.
    """
    return load_image(image=image, ctx=ctx).IMAGE


@node("SaveSVGNode", title="SaveSVGNode", category="image/save", terminal=True, device=False, hidden=PROVENANCE)
def save_svg(*, svg: SVG, filename_prefix: str = "svg/ComfyUI", ctx: Context) -> None:
    """Save drawings as SVG files in the output folder; each carries its workflow.

    Args:
        svg: the drawings.
        filename_prefix: begins the names; may name a subfolder.
    """
    texts = embedded_texts(ctx.prompt, ctx.extra_pnginfo)
    for number, file in enumerate(svg.data):
        text = file.getvalue().decode("utf-8")
        saved = ctx.files.write(filename_prefix, ".svg", with_metadata(text, texts).encode(), batch=number)
        ctx.show(saved)


def with_metadata(text: str, texts: dict[str, str]) -> str:
    """An SVG text with a metadata element right after its opening tag; unchanged where there is nothing to add."""
    if not texts:
        return text
    start = text.find("<svg")
    end = text.find(">", start)
    if start < 0 or end < 0:
        raise HeddleError("The drawing has no <svg> element.", fix="Connect a node that makes SVG.")
    escaped = json_text(texts, spaced=True).replace("]]>", "]]]]><![CDATA[>")
    element = f"\n<metadata>\n<![CDATA[{escaped}]]>\n</metadata>\n"
    if text[end - 1] == "/":
        return f"{text[: end - 1].rstrip()}>{element}</svg>{text[end + 1 :]}"
    return text[: end + 1] + element + text[end + 1 :]
