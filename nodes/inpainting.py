"""Repainting a part of a picture."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Range, node
from nodes.sockets import Conditioning, Image, Latent, Mask, Vae

__all__ = [
    "Prepared",
    "inpaint_model_conditioning",
    "instruct_pix_to_pix_conditioning",
    "vae_encode_for_inpaint",
]


class Prepared(NamedTuple):
    """Both conditionings with the masked picture attached, and the latent to start from."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


@node("VAEEncodeForInpaint", title="VAE Encode (for Inpainting)", category="latent/inpaint")
def vae_encode_for_inpaint(
    *, pixels: Image, vae: Vae, mask: Mask, grow_mask_by: Annotated[int, Range(0, 64, step=1)] = 6
) -> Latent:
    """Encode a picture with its masked part greyed out, for repainting that part from nothing.

    Args:
        pixels: the picture.
        vae: the autoencoder that belongs to the model.
        mask: 1 where the picture is repainted.
        grow_mask_by: pixels that the mask grows, to hide the seam.
    """
    from diffusion.inpainting import encode_for_inpainting

    return encode_for_inpainting(vae, pixels[..., :3], mask, grow_mask_by)


@node("InpaintModelConditioning", title="Inpaint Model Conditioning", category="conditioning/inpaint")
def inpaint_model_conditioning(
    *,
    positive: Conditioning,
    negative: Conditioning,
    vae: Vae,
    pixels: Image,
    mask: Mask,
    noise_mask: bool = True,
) -> Prepared:
    """Prepare a picture for models that were trained to repaint and see mask and picture beside the noise.

    Args:
        positive: what to paint.
        negative: what to avoid.
        vae: the autoencoder that belongs to the model.
        pixels: the picture.
        mask: 1 where the picture is repainted.
        noise_mask: also keep everything else exactly as it is.
    """
    from diffusion.inpainting import condition_on_masked

    return Prepared(*condition_on_masked(vae, pixels[..., :3], mask, positive, negative, noise_mask=noise_mask))


@node("InstructPixToPixConditioning", title="InstructPix2Pix Conditioning", category="conditioning/instructpix2pix")
def instruct_pix_to_pix_conditioning(
    *, positive: Conditioning, negative: Conditioning, vae: Vae, pixels: Image
) -> Prepared:
    """Prepare a picture for models that follow instructions how to change it.

    Args:
        positive: the instruction.
        negative: what to avoid.
        vae: the autoencoder that belongs to the model.
        pixels: the picture to change.
    """
    from diffusion.inpainting import condition_on_picture

    return Prepared(*condition_on_picture(vae, pixels[..., :3], positive, negative))
