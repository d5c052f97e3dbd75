"""Hypernetworks: what attention reads is changed."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Context, FileIn, Range, node
from nodes.model_files import file_state, model_file
from nodes.sockets import Model

__all__ = ["hypernetwork_loader"]


def hypernetwork_state(hypernetwork_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen hypernetwork in cache keys."""
    return file_state(ctx, "hypernetworks", hypernetwork_name)


@node("HypernetworkLoader", title="Load Hypernetwork", category="loaders", fingerprint=hypernetwork_state)
def hypernetwork_loader(
    *,
    model: Model,
    hypernetwork_name: Annotated[str, FileIn("hypernetworks")],
    strength: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0,
    ctx: Context,
) -> Model:
    """Let a hypernetwork change what a model's attention reads.

    Args:
        model: a diffusion model with a U-Net.
        hypernetwork_name: the file, in one of the hypernetwork folders; it is a pickle file, which has to be permitted.
        strength: factor of what it adds.
    """
    from diffusion.hypernetwork import load_hypernetwork, with_hypernetwork

    return with_hypernetwork(model, load_hypernetwork(model_file(ctx, "hypernetworks", hypernetwork_name), strength))
