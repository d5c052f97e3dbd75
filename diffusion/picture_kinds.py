"""What the pictures for union control networks may show. Needs no torch, so that nodes can be declared by it."""

PICTURE_KINDS = (
    "openpose", "depth", "hed/pidi/scribble/ted", "canny/lineart/anime_lineart/mlsd", "normal", "segment", "tile",
    "repaint",
)  # fmt: skip
"""By the number that the networks know them by."""

__all__ = ["PICTURE_KINDS"]
