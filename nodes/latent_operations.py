"""Arithmetic and geometry of latents."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Choice, HeddleError, Range, Socket, node
from nodes.image_transforms import CROPS, FLIPS, ROTATIONS
from nodes.sockets import MAX_RESOLUTION, Latent, Mask

__all__ = [
    "latent_add",
    "latent_apply_operation",
    "latent_blend",
    "latent_composite",
    "latent_composite_masked",
    "latent_concat",
    "latent_crop",
    "latent_cut",
    "latent_flip",
    "latent_interpolate",
    "latent_multiply",
    "latent_operation_sharpen",
    "latent_operation_tonemap_reinhard",
    "latent_rotate",
    "latent_subtract",
    "latent_upscale",
    "latent_upscale_by",
    "set_latent_noise_mask",
]

METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "bislerp")
LATENT_OPERATION = Annotated[Any, Socket("LATENT_OPERATION", "callable: operation(latent=samples) -> samples")]
Share = Annotated[float, Range(0, 1, step=0.01)]
CellPixels = Annotated[int, Range(0, MAX_RESOLUTION, step=8)]
Side = Annotated[int, Range(64, MAX_RESOLUTION, step=8)]
_AXES = {"x": -1, "y": -2, "t": -3}
_ADVANCED = "latent/advanced"
OPERATIONS = "latent/advanced/operations"


@node("LatentAdd", title="LatentAdd", category=_ADVANCED)
def latent_add(*, samples1: Latent, samples2: Latent) -> Latent:
    """Add two latents.

    Args:
        samples1: the first; it sets size and batch.
        samples2: the second.
    """
    from diffusion.pixels import latents

    return latents.combined(samples1, samples2, lambda a, b: a + b)


@node("LatentSubtract", title="LatentSubtract", category=_ADVANCED)
def latent_subtract(*, samples1: Latent, samples2: Latent) -> Latent:
    """Subtract one latent from another.

    Args:
        samples1: the first; it sets size and batch.
        samples2: what is subtracted.
    """
    from diffusion.pixels import latents

    return latents.combined(samples1, samples2, lambda a, b: a - b)


@node("LatentMultiply", title="LatentMultiply", category=_ADVANCED)
def latent_multiply(*, samples: Latent, multiplier: Annotated[float, Range(-10, 10, step=0.01)] = 1.0) -> Latent:
    """Multiply latents by a number.

    Args:
        samples: the latents.
        multiplier: the number.
    """
    from diffusion.pixels import latents

    return latents.changed(samples, lambda x: x * multiplier)


@node("LatentInterpolate", title="LatentInterpolate", category=_ADVANCED)
def latent_interpolate(*, samples1: Latent, samples2: Latent, ratio: Share = 1.0) -> Latent:
    """Go from one latent to another, direction and length of each vector apart.

    Args:
        samples1: the first; it sets size and batch.
        samples2: the second.
        ratio: 1 gives the first, 0 the second.
    """
    from diffusion.pixels import latents

    return latents.combined(samples1, samples2, lambda a, b: latents.interpolated(a, b, ratio))


@node("LatentBlend", title="Latent Blend", category="_for_testing")
def latent_blend(
    *,
    samples1: Latent,
    samples2: Latent,
    blend_factor: Share = 0.5,
) -> Latent:
    """Mix two latents.

    Args:
        samples1: the first; it sets the size.
        samples2: the second, brought to that size and trimmed around the middle.
        blend_factor: 1 gives the first, 0 the second.
    """
    from diffusion.pixels.planes import resize_latent

    first, second = samples1["samples"], samples2["samples"]
    if first.shape != second.shape and first.shape[-2:] != second.shape[-2:]:
        second = resize_latent(second, first.shape[-1], first.shape[-2], "bicubic", "center")
    return {**samples1, "samples": first * blend_factor + second * (1 - blend_factor)}


@node("LatentUpscale", title="Upscale Latent", category="latent")
def latent_upscale(
    *,
    samples: Latent,
    upscale_method: Annotated[str, Choice(METHODS)],
    width: CellPixels = 512,
    height: CellPixels = 512,
    crop: Annotated[str, Choice(CROPS)],
) -> Latent:
    """Resize latents to a width and a height.

    Args:
        samples: the latents.
        upscale_method: how values are made from others.
        width: of the picture, in pixels; 0 keeps the proportions.
        height: of the picture, in pixels; 0 keeps the proportions; both 0 change nothing.
        crop: trim the longer side around the middle rather than distort.
    """
    if width == 0 and height == 0:
        return samples
    from diffusion.pixels.planes import resize_latent

    latent = samples["samples"]
    if width == 0:
        height = max(64, height)
        width = max(64, round(latent.shape[-1] * height / latent.shape[-2]))
    elif height == 0:
        width = max(64, width)
        height = max(64, round(latent.shape[-2] * width / latent.shape[-1]))
    else:
        width, height = max(64, width), max(64, height)
    return {**samples, "samples": resize_latent(latent, width // 8, height // 8, upscale_method, crop)}


@node("LatentUpscaleBy", title="Upscale Latent By", category="latent")
def latent_upscale_by(
    *,
    samples: Latent,
    upscale_method: Annotated[str, Choice(METHODS)],
    scale_by: Annotated[float, Range(0.01, 8.0, step=0.01)] = 1.5,
) -> Latent:
    """Resize latents by a factor.

    Args:
        samples: the latents.
        upscale_method: how values are made from others.
        scale_by: 2 doubles width and height.
    """
    from diffusion.pixels.planes import resize_latent

    latent = samples["samples"]
    width, height = round(latent.shape[-1] * scale_by), round(latent.shape[-2] * scale_by)
    return {**samples, "samples": resize_latent(latent, max(1, width), max(1, height), upscale_method)}


@node("LatentComposite", title="Latent Composite", category="latent")
def latent_composite(
    *,
    samples_to: Latent,
    samples_from: Latent,
    x: CellPixels = 0,
    y: CellPixels = 0,
    feather: CellPixels = 0,
) -> Latent:
    """Paste latents into others.

    Args:
        samples_to: the lower latents; they set the size.
        samples_from: the latents that are pasted.
        x: where their left side goes, in pixels of the picture.
        y: where their upper side goes, in pixels of the picture.
        feather: how far their inner borders fade, in pixels of the picture.
    """
    from diffusion.pixels import latents

    pasted = latents.pasted(samples_to["samples"], samples_from["samples"], x // 8, y // 8, feather // 8)
    return {**samples_to, "samples": pasted}


@node("LatentCompositeMasked", title="LatentCompositeMasked", category="latent")
def latent_composite_masked(
    *,
    destination: Latent,
    source: Latent,
    x: CellPixels = 0,
    y: CellPixels = 0,
    resize_source: bool = False,
    mask: Mask | None = None,
) -> Latent:
    """Paste latents into others through a mask.

    Args:
        destination: the lower latents; they set the size.
        source: the latents that are pasted.
        x: where their left side goes, in pixels of the picture.
        y: where their upper side goes, in pixels of the picture.
        resize_source: stretch them over the whole destination first.
        mask: what of them is shown; stretched to their size.
    """
    from diffusion.pixels.compositing import paste

    pasted = paste(destination["samples"], source["samples"], x, y, mask, unit=8, stretch=resize_source)
    return {**destination, "samples": pasted}


@node("LatentConcat", title="LatentConcat", category=_ADVANCED)
def latent_concat(
    *,
    samples1: Latent,
    samples2: Latent,
    dim: Annotated[str, Choice("x", "-x", "y", "-y", "t", "-t", form="new")],
) -> Latent:
    """Put latents side by side.

    Args:
        samples1: the first; it sets the batch.
        samples2: the second; its other sides are as long as the first's.
        dim: along width, height or time; with a minus, the second goes first.
    """
    import torch

    from diffusion.pixels.planes import repeated

    first, axis = samples1["samples"], _AXES[dim[-1]]
    second = repeated(samples2["samples"], first.shape[0])
    shared = [[side for at, side in enumerate(one.shape) if at != one.ndim + axis] for one in (first, second)]
    if shared[0] != shared[1]:
        raise HeddleError(
            f"Latents of {tuple(first.shape)} and {tuple(second.shape)} do not fit together along {dim[-1]}.",
            fix="Choose another direction, or bring one to the other's size first.",
        )
    parts = [second, first] if dim.startswith("-") else [first, second]
    return {**samples1, "samples": torch.cat(parts, dim=axis)}


@node("LatentCut", title="LatentCut", category=_ADVANCED)
def latent_cut(
    *,
    samples: Latent,
    dim: Annotated[str, Choice("x", "y", "t", form="new")],
    index: Annotated[int, Range(-MAX_RESOLUTION, MAX_RESOLUTION, step=1)] = 0,
    amount: Annotated[int, Range(1, MAX_RESOLUTION, step=1)] = 1,
) -> Latent:
    """Cut a strip out of latents.

    Args:
        samples: the latents.
        dim: along width, height or time.
        index: where it begins, in elements of the latent; negative numbers count from the end.
        amount: how many elements; no more than there are.
    """
    latent = samples["samples"]
    axis = _AXES[dim]
    size = latent.shape[axis]
    start = min(index, size - 1) if index >= 0 else size + max(index, -size)
    return {**samples, "samples": latent.narrow(axis, start, min(amount, size - start))}


@node("LatentCrop", title="Crop Latent", category="latent/transform")
def latent_crop(
    *, samples: Latent, width: Side = 512, height: Side = 512, x: CellPixels = 0, y: CellPixels = 0
) -> Latent:
    """Cut a rectangle out of latents.

    Args:
        samples: the latents.
        width: of the rectangle, in pixels of the picture.
        height: of the rectangle, in pixels of the picture.
        x: its left side; at least 64 pixels of the picture stay.
        y: its upper side; at least 64 pixels of the picture stay.
    """
    latent = samples["samples"]
    left, top = (max(0, min(at // 8, latent.shape[axis] - 8)) for at, axis in ((x, -1), (y, -2)))
    return {**samples, "samples": latent[..., top : top + height // 8, left : left + width // 8]}


@node("LatentFlip", title="Flip Latent", category="latent/transform")
def latent_flip(*, samples: Latent, flip_method: Annotated[str, Choice(FLIPS)]) -> Latent:
    """Mirror latents.

    Args:
        samples: the latents.
        flip_method: upside down, or left and right.
    """
    from diffusion.pixels import latents

    return latents.changed(samples, lambda x: x.flip(-2 if flip_method.startswith("x") else -1))


@node("LatentRotate", title="Rotate Latent", category="latent/transform")
def latent_rotate(*, samples: Latent, rotation: Annotated[str, Choice(ROTATIONS)]) -> Latent:
    """Turn latents clockwise.

    Args:
        samples: the latents.
        rotation: by how much.
    """
    from diffusion.pixels import latents

    return latents.changed(samples, lambda x: x.rot90(ROTATIONS.index(rotation), dims=(-1, -2)))


@node("SetLatentNoiseMask", title="Set Latent Noise Mask", category="latent/inpaint")
def set_latent_noise_mask(*, samples: Latent, mask: Mask) -> Latent:
    """Mark where latents are sampled anew; the rest stays as it is.

    Args:
        samples: the latents.
        mask: 1 where to sample.
    """
    from diffusion.pixels.planes import mask_planes

    return {**samples, "noise_mask": mask_planes(mask)}


@node("LatentApplyOperation", title="LatentApplyOperation", category=OPERATIONS, experimental=True)
def latent_apply_operation(*, samples: Latent, operation: LATENT_OPERATION) -> Latent:
    """Apply an operation to latents.

    Args:
        samples: the latents.
        operation: what is done to them.
    """
    from diffusion.pixels import latents

    return latents.changed(samples, lambda x: operation(latent=x))


@node("LatentOperationTonemapReinhard", title="LatentOperationTonemapReinhard", category=OPERATIONS, experimental=True)
def latent_operation_tonemap_reinhard(
    *, multiplier: Annotated[float, Range(0, 100, step=0.01)] = 1.0
) -> LATENT_OPERATION:
    """Make an operation that tames extreme values, as a tone curve tames light.

    Args:
        multiplier: of the value that everything stays below.
    """
    from diffusion.pixels.latents import reinhard

    return reinhard(multiplier)


@node("LatentOperationSharpen", title="LatentOperationSharpen", category=OPERATIONS, experimental=True)
def latent_operation_sharpen(
    *,
    sharpen_radius: Annotated[int, Range(1, 31, step=1)] = 9,
    sigma: Annotated[float, Range(0.1, 10, step=0.1)] = 1.0,
    alpha: Annotated[float, Range(0, 5, step=0.01)] = 0.1,
) -> LATENT_OPERATION:
    """Make an operation that sharpens.

    Args:
        sharpen_radius: size of the details, in elements of the latent.
        sigma: how flat the bell is that details are measured with.
        alpha: how strongly they are raised.
    """
    from diffusion.pixels.latents import sharpening

    return sharpening(sharpen_radius, sigma, alpha)
