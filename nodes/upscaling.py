"""Enlarging pictures with a trained network."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Context, FileIn, Socket, node
from nodes.model_files import file_state, model_file
from nodes.sockets import Image

__all__ = ["image_upscale_with_model", "upscale_model_loader"]

UpscaleModel = Annotated[Any, Socket("UPSCALE_MODEL", "a network that enlarges pictures")]


def upscaler_state(model_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen network in cache keys."""
    return file_state(ctx, "upscale_models", model_name)


@node("UpscaleModelLoader", title="Load Upscale Model", category="loaders", fingerprint=upscaler_state)
def upscale_model_loader(
    *, model_name: Annotated[str, FileIn("upscale_models", form="new")], ctx: Context
) -> UpscaleModel:
    """Load a network that enlarges pictures.

    Args:
        model_name: the file, in one of the upscale model folders.
    """
    from diffusion.upscaling import load_upscaler

    return load_upscaler(model_file(ctx, "upscale_models", model_name))


@node("ImageUpscaleWithModel", title="Upscale Image (using Model)", category="image/upscaling")
def image_upscale_with_model(*, upscale_model: UpscaleModel, image: Image) -> Image:
    """Enlarge pictures by the factor the network was trained for.

    Args:
        upscale_model: the network.
        image: the pictures.
    """
    from diffusion.upscaling import enlarge

    return enlarge(upscale_model, image)
