"""The handles of encoders of pictures and of style models: what packs call CLIP_VISION and STYLE_MODEL.

Source: protocol §5.7; pack_surface, tier 2 (`comfy.clip_vision`).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from diffusion.vision.encoder import CLIP_COLOURS, PictureEncoder, PictureEncoding, picture_encoder, prepared_pixels
from diffusion.vision.style import StyleModel
from interop.errors import ClosedAttribute, NotSupported
from interop.models.closed import ClosedPart

__all__ = ["Output", "StyleHandle", "VisionHandle", "clip_preprocess", "load_from_tensors"]


class Output:
    """What an encoder says of pictures, read and written by attribute or by key."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)


class VisionHandle:
    """An encoder of pictures for packs."""

    def __init__(self, encoder: PictureEncoder) -> None:
        self._encoder = encoder
        mean, deviation = encoder.colours
        self.image_size, self.image_mean, self.image_std = encoder.size, list(mean), list(deviation)
        self.load_device = encoder.network.device
        self.dtype = encoder.network.compute
        self.patcher = ClosedPart(
            "CLIP_VISION.patcher", load_device=encoder.network.device, model_size=encoder.network.size
        )

    @property
    def heddle_object(self) -> PictureEncoder:
        """The encoder of `diffusion`."""
        return self._encoder

    def encode_image(self, image: Tensor, crop: bool = True) -> PictureEncoding:
        """Encode pictures [batch, height, width, 3] in 0..1."""
        return self._encoder.encode_image(image, crop)

    def model(
        self, pixel_values: Tensor, intermediate_output: int | None = None, **kwargs: Any
    ) -> tuple[Tensor, Tensor | None, Tensor, None]:
        """Encode prepared pixels [batch, 3, size, size].

        Args:
            intermediate_output: which hidden states to give as well; −2 are those before the last block.
        Returns:
            Last hidden states, the intermediate ones or None, projected vectors, None.
        Raises:
            NotSupported: for other intermediate states.
        """
        if intermediate_output not in (None, -2):
            raise NotSupported(f"CLIP_VISION.model(intermediate_output={intermediate_output})", "called", "Use -2.")
        encoding = self._encoder.encode_pixels(pixel_values)
        between = None if intermediate_output is None else encoding.penultimate_hidden_states
        return encoding.last_hidden_state, between, encoding.image_embeds, None

    def get_sd(self) -> dict[str, Any]:
        """The weights by the names that transformers gives them."""
        return {name: self._encoder.network.weights[name] for name in self._encoder.network.parameter_names()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ClosedAttribute(f"CLIP_VISION.{name}")


class StyleHandle:
    """A style model for packs."""

    def __init__(self, model: StyleModel) -> None:
        self._model = model

    @property
    def heddle_object(self) -> StyleModel:
        """The style model of `diffusion`."""
        return self._model

    def get_cond(self, input: Any) -> Tensor:
        """The tokens of encoded pictures, [1, tokens, text width]."""
        return self._model.tokens(input)


def clip_preprocess(
    image: Tensor, size: int = 224, mean: Any = CLIP_COLOURS[0], std: Any = CLIP_COLOURS[1], crop: bool = True
) -> Tensor:
    """Pictures [batch, height, width, 3] in 0..1 as an encoder reads them, [batch, 3, size, size]."""
    return prepared_pixels(image, size, (tuple(mean), tuple(std)), crop=crop)


def load_from_tensors(tensors: Any, prefix: str = "") -> VisionHandle:
    """An encoder of pictures out of tensors.

    Raises:
        ModelFileError: if it is incomplete or unknown.
    """
    from diffusion.placement import default_device

    return VisionHandle(picture_encoder(tensors, "tensors of a pack", default_device(), prefix))
