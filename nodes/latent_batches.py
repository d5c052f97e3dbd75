"""Latents as batches, and as files."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Context, FileIn, HeddleError, Many, Range, node
from graph_runtime.folders import UnsafePath
from nodes.image_io import PROVENANCE
from nodes.pictures import embedded_texts, file_digest
from nodes.sockets import Latent

__all__ = [
    "latent_batch",
    "latent_batch_seed_behavior",
    "latent_from_batch",
    "load_latent",
    "rebatch_latents",
    "repeat_latent_batch",
    "save_latent",
    "trim_video_latent",
]

_UNSCALED = "latent_format_version_0"
_OLD_SCALE = 1 / 0.18215


@node("LatentBatch", title="LatentBatch", category="latent/batch")
def latent_batch(*, samples1: Latent, samples2: Latent) -> Latent:
    """Put two batches of latents into one.

    Args:
        samples1: the first latents; they set the size.
        samples2: the latents after them.
    """
    from diffusion.pixels.latents import joined

    return joined(samples1, samples2)


@node("LatentFromBatch", title="Latent From Batch", category="latent/batch")
def latent_from_batch(
    *,
    samples: Latent,
    batch_index: Annotated[int, Range(0, 63)] = 0,
    length: Annotated[int, Range(1, 64)] = 1,
) -> Latent:
    """Take some latents out of a batch; each keeps the noise that it would have had there.

    Args:
        samples: the batch.
        batch_index: the first to take, counted from 0; beyond the end means the last.
        length: how many; no more than there are.
    """
    from diffusion.pixels.latents import taken

    return taken(samples, batch_index, length)


@node("RepeatLatentBatch", title="Repeat Latent Batch", category="latent/batch")
def repeat_latent_batch(*, samples: Latent, amount: Annotated[int, Range(1, 64)] = 1) -> Latent:
    """Repeat a whole batch of latents; every copy gets noise of its own.

    Args:
        samples: the batch.
        amount: how often it stands in the result.
    """
    from diffusion.pixels.latents import repeated_batch

    return repeated_batch(samples, amount)


@node("RebatchLatents", title="Rebatch Latents", category="latent/batch")
def rebatch_latents(*, latents: Many[Latent], batch_size: Annotated[int, Range(1, 4096)] = 1) -> list[Latent]:
    """Deal latents out into batches of another size; a batch holds latents of one size only.

    Args:
        latents: all latents of all lists.
        batch_size: how many a batch holds; the last may hold fewer.
    """
    from diffusion.pixels.latents import rebatched

    return rebatched(latents, batch_size)


@node("LatentBatchSeedBehavior", title="LatentBatchSeedBehavior", category="latent/advanced")
def latent_batch_seed_behavior(
    *, samples: Latent, seed_behavior: Annotated[str, Choice("random", "fixed", form="new")] = "fixed"
) -> Latent:
    """Choose whether the members of a batch start from the same noise.

    Args:
        samples: the batch.
        seed_behavior: fixed gives all of them the noise of the first, random each its own.
    """
    result = {**samples}
    if seed_behavior == "random":
        result.pop("batch_index", None)
    else:
        result["batch_index"] = [samples.get("batch_index", [0])[0]] * samples["samples"].shape[0]
    return result


@node("TrimVideoLatent", title="TrimVideoLatent", category="latent/video")
def trim_video_latent(*, samples: Latent, trim_amount: Annotated[int, Range(0, 99999)] = 0) -> Latent:
    """Cut frames off the beginning of video latents.

    Args:
        samples: the latents.
        trim_amount: how many frames of the latent.
    """
    return {**samples, "samples": samples["samples"][:, :, trim_amount:]}


@node("SaveLatent", title="SaveLatent", category="_for_testing", terminal=True, device=False, hidden=PROVENANCE)
def save_latent(*, samples: Latent, filename_prefix: str = "latents/ComfyUI", ctx: Context) -> None:
    """Save latents as a file in the output folder, with their workflow.

    Args:
        samples: the latents.
        filename_prefix: begins the name; may name a subfolder.
    """
    import torch
    from safetensors.torch import save

    tensors = {"latent_tensor": samples["samples"].detach().cpu().contiguous(), _UNSCALED: torch.tensor([])}
    data = save(tensors, embedded_texts(ctx.prompt, ctx.extra_pnginfo) or None)
    saved = ctx.files.write(filename_prefix, ".latent", data)
    ctx.show({"latents": [saved.to_data()]})


def latent_digest(latent: str | None, ctx: Context) -> str | None:
    """Stands for the chosen file in cache keys: its content, not its name."""
    return None if latent is None else file_digest(ctx.folders.annotated(latent))


def latent_exists(latent: str | None, ctx: Context) -> str | None:
    """Check the chosen file before anything runs."""
    if latent is None:
        return None
    try:
        found = ctx.folders.annotated(latent).is_file()
    except UnsafePath as error:
        return str(error)
    return (
        None if found else f"There is no latent file '{latent}' in the input folder. Choose another, or copy it there."
    )


@node(
    "LoadLatent",
    title="LoadLatent",
    category="_for_testing",
    device=False,
    fingerprint=latent_digest,
    validate=latent_exists,
)
def load_latent(*, latent: Annotated[str, FileIn("input/latent")], ctx: Context) -> Latent:
    """Read latents from a file that SaveLatent wrote.

    Args:
        latent: the file, in the input folder.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = ctx.folders.annotated(latent)
    try:
        tensors = load(path.read_bytes())
        samples = tensors["latent_tensor"].float()
    except (SafetensorError, KeyError) as error:
        raise HeddleError(
            f"'{latent}' holds no latent: {error}.", fix="Choose a .latent file that SaveLatent wrote."
        ) from error
    return {"samples": samples if _UNSCALED in tensors else samples * _OLD_SCALE}
