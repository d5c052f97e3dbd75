"""PhotoMaker: a person from a photograph in a prompt."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Context, FileIn, Text, node
from nodes.model_files import file_state, model_file
from nodes.sockets import Clip, Conditioning, Image, PhotoMaker

__all__ = ["photomaker_encode", "photomaker_loader"]


def photomaker_state(photomaker_model_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen file in cache keys."""
    return file_state(ctx, "photomaker", photomaker_model_name)


@node(
    "PhotoMakerLoader", title="Load PhotoMaker", category="_for_testing/photomaker", experimental=True,
    convention="v3", fingerprint=photomaker_state,
)  # fmt: skip
def photomaker_loader(
    *, photomaker_model_name: Annotated[str, FileIn("photomaker", form="new")], ctx: Context
) -> PhotoMaker:
    """Load PhotoMaker (version 1, for Stable Diffusion XL).

    Args:
        photomaker_model_name: the file, in one of the photomaker folders.
    """
    from diffusion.vision.photomaker import load_photomaker

    return load_photomaker(model_file(ctx, "photomaker", photomaker_model_name))


@node(
    "PhotoMakerEncode", title="PhotoMaker Encode", category="_for_testing/photomaker", experimental=True,
    convention="v3",
)  # fmt: skip
def photomaker_encode(
    *,
    photomaker: PhotoMaker,
    image: Image,
    clip: Clip,
    text: Annotated[str, Text(multiline=True, dynamic_prompts=True)] = "photograph of photomaker",
) -> Conditioning:
    """Read a prompt in which the word before "photomaker" means the person in a photograph.

    Args:
        photomaker: what merges the person into the word.
        image: the photograph; of several, the first.
        clip: the text encoders of Stable Diffusion XL.
        text: the prompt; without the word "photomaker" it is read as usual.
    """
    return photomaker.encode(clip, text, image)
