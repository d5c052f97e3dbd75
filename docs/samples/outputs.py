"""Several outputs, a file, a fingerprint, and a check before anything runs."""

from typing import Annotated, NamedTuple

from graph_runtime.api import Context, FileIn, Refused, node


class Counted(NamedTuple):
    text: str
    lines: int


def content(file: str, ctx: Context) -> str:
    """Stand for the file's name in the cache key: only a changed content makes the node run again."""
    return ctx.folders.annotated(file).read_text()


def exists(file: str, ctx: Context) -> Refused | None:
    """Refuse a missing file before the first node runs."""
    if ctx.folders.annotated(file).is_file():
        return None
    return Refused(f"'{file}' does not exist.", "Choose a file in the input folder, or upload it again.")


@node("read_text", category="text", fingerprint=content, validate=exists, device=False)
def read_text(file: Annotated[str, FileIn("input")], ctx: Context) -> Counted:
    """Read a text file and count its lines."""
    text = ctx.folders.annotated(file).read_text()
    return Counted(text, len(text.splitlines()))
