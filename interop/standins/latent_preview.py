"""Host module `latent_preview`: pictures of unfinished latents.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop import models as _models
from interop.placeholders import placeholder as _placeholder

MAX_PREVIEW_RESOLUTION = 512
TAESD = _placeholder("latent_preview.TAESD")
TAESDPreviewerImpl = _placeholder("latent_preview.TAESDPreviewerImpl")
Latent2RGBPreviewer = _placeholder("latent_preview.Latent2RGBPreviewer")

__all__ = ["LatentPreviewer", "get_previewer", "prepare_callback"]


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


def get_previewer(device: Any, latent_format: Any) -> Any:
    """How this engine pictures latents of a format; None where it has no way."""
    model = getattr(latent_format, "heddle_model", None)
    return None if model is None else _Ours(model)


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
