"""Host module `latent_preview`: pictures of unfinished latents.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop import models as _models
from interop.placeholders import placeholder as _placeholder

MAX_PREVIEW_RESOLUTION = 512
TAESD = _placeholder("latent_preview.TAESD")

__all__ = ["Latent2RGBPreviewer", "LatentPreviewer", "TAESDPreviewerImpl", "get_previewer", "prepare_callback"]


def __getattr__(name: Any) -> Any:
    if name == "LatentPreviewMethod":
        from comfy.cli_args import LatentPreviewMethod

        return LatentPreviewMethod
    raise AttributeError(name)


class LatentPreviewer:
    """Turns an unfinished latent into a picture; subclasses say how."""

    def decode_latent_to_preview(self, x0: Any) -> Any:
        """A picture of a latent."""
        raise NotImplementedError(f"{type(self).__name__}.decode_latent_to_preview is missing: return a Pillow image.")

    def decode_latent_to_preview_image(self, preview_format: Any, x0: Any) -> Any:
        """What a progress bar takes: (format, picture, largest side)."""
        return preview_format, self.decode_latent_to_preview(x0), MAX_PREVIEW_RESOLUTION


class _Ours(LatentPreviewer):
    def __init__(self, model: Any) -> None:
        self._model = model

    def decode_latent_to_preview(self, x0: Any) -> Any:
        return _models.preview(x0, self._model)


def preview_to_image(latent_image: Any, do_scale: Any = True) -> Any:
    """A picture [height, width, 3] in −1..1 (or 0..1 without scaling) as a Pillow image."""
    import torch
    from PIL import Image

    values = (latent_image + 1.0) / 2.0 if do_scale else latent_image
    return Image.fromarray(values.clamp(0, 1).mul(255).to(device="cpu", dtype=torch.uint8).numpy())


class Latent2RGBPreviewer(LatentPreviewer):
    """Pictures a latent by a linear map of its channels.

    Args:
        latent_rgb_factors: one row of red, green and blue a channel.
        latent_rgb_factors_bias: added to that.
        latent_rgb_factors_reshape: a function that is given the latent first.
    """

    def __init__(
        self, latent_rgb_factors: Any, latent_rgb_factors_bias: Any = None, latent_rgb_factors_reshape: Any = None
    ) -> None:
        self.latent_rgb_factors = latent_rgb_factors
        self.latent_rgb_factors_bias = latent_rgb_factors_bias
        self.latent_rgb_factors_reshape = latent_rgb_factors_reshape

    def decode_latent_to_preview(self, x0: Any) -> Any:
        """A picture with one pixel for each latent cell."""
        import torch

        if self.latent_rgb_factors_reshape is not None:
            x0 = self.latent_rgb_factors_reshape(x0)
        first = x0[0] if x0.ndim == 4 else x0[0, :, 0]
        factors = torch.tensor(self.latent_rgb_factors, dtype=first.dtype, device=first.device)
        bias = torch.tensor(self.latent_rgb_factors_bias or [0.0] * 3, dtype=first.dtype, device=first.device)
        return preview_to_image(first.movedim(0, -1) @ factors + bias)


class TAESDPreviewerImpl(LatentPreviewer):
    """Pictures a latent with a tiny autoencoder: anything with a `decode` to pictures [batch, 3, height, width]."""

    def __init__(self, taesd: Any) -> None:
        self.taesd = taesd

    def decode_latent_to_preview(self, x0: Any) -> Any:
        """The decoded picture."""
        return preview_to_image(self.taesd.decode(x0[:1])[0].movedim(0, 2))


def get_previewer(device: Any, latent_format: Any) -> Any:
    """How latents of a format are pictured; None where there is no way."""
    model = getattr(latent_format, "heddle_model", None)
    if model is not None:
        return _Ours(model)
    factors = getattr(latent_format, "latent_rgb_factors", None)
    return None if factors is None else Latent2RGBPreviewer(factors, latent_format.latent_rgb_factors_bias)


def prepare_callback(model: Any, steps: Any, x0_output_dict: Any = None) -> Any:
    """A function for samplers, (step, x0, x, total steps), that reports progress with previews."""
    from comfy.utils import ProgressBar

    bar = ProgressBar(steps)
    previewer = get_previewer(None, getattr(getattr(model, "model", None), "latent_format", None))

    def callback(step: Any, x0: Any, x: Any, total_steps: Any) -> None:
        if x0_output_dict is not None:
            x0_output_dict["x0"] = x0
        preview = previewer.decode_latent_to_preview_image("JPEG", x0) if previewer is not None else None
        bar.update_absolute(step + 1, total_steps, preview)

    return callback
