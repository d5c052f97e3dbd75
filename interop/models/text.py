"""The handle of a text encoder: what packs call CLIP.

Source: protocol §5.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffusion.text.chunks import Token
from diffusion.text.encoder import TextEncoder
from interop.errors import NotSupported
from interop.models.lora import add_to_clip
from interop.placeholders import placeholder

__all__ = ["ClipHandle"]


class ClipHandle:
    """A text encoder for packs. Clone it before changing it."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.tokenizer_options: dict[str, Any] = {}
        self.cond_stage_model = placeholder("CLIP.cond_stage_model")
        self.tokenizer = placeholder("CLIP.tokenizer")
        self.patcher = placeholder("CLIP.patcher")
        self.use_clip_schedule = False

    @property
    def heddle_object(self) -> TextEncoder:
        """The text encoder of `diffusion`."""
        return self._encoder

    @property
    def layer_idx(self) -> int | None:
        """The layer that is read, counted from the end."""
        return self._encoder.layer

    def clone(self) -> ClipHandle:
        """A copy that shares the networks."""
        other = ClipHandle(self._encoder.clone())
        other.tokenizer_options = dict(self.tokenizer_options)
        return other

    def clip_layer(self, layer_idx: int) -> None:
        """Read another layer, in place."""
        self._encoder = self._encoder.clip_layer(layer_idx)

    def set_tokenizer_option(self, option_name: str, value: Any) -> None:
        """Keep an option; this engine's tokenisers have none."""
        self.tokenizer_options[option_name] = value

    def tokenize(self, text: str, return_word_ids: bool = False, **kwargs: Any) -> dict[str, list[list[Any]]]:
        """A text as each encoder reads it: chunks of (token, weight), with a number for each word if asked for.

        Raises:
            NotSupported: if word numbers are asked for.
        """
        if return_word_ids:
            raise NotSupported("CLIP.tokenize(return_word_ids=True)", "called")
        return {
            name: [[(token.token, token.weight) for token in chunk] for chunk in chunks]
            for name, chunks in self._encoder.tokenize(text).items()
        }

    def encode_from_tokens(
        self, tokens: Mapping[str, Any], return_pooled: bool | str = False, return_dict: bool = False
    ) -> Any:
        """Tokens as an embedding; with its pooled vector if asked for."""
        features, pooled = self._encoder.encode_tokens(
            {name: [[Token(*pair[:2]) for pair in chunk] for chunk in chunks] for name, chunks in tokens.items()}
        )
        if return_dict:
            return {"cond": features, "pooled_output": pooled}
        if return_pooled == "unprojected":
            raise NotSupported("CLIP.encode_from_tokens(return_pooled='unprojected')", "called")
        return (features, pooled) if return_pooled else features

    def encode_from_tokens_scheduled(
        self,
        tokens: Mapping[str, Any],
        unprojected: bool = False,
        add_dict: Mapping[str, Any] | None = None,
        show_pbar: bool = True,
    ) -> list[list[Any]]:
        """Tokens as conditioning."""
        features, pooled = self.encode_from_tokens(tokens, return_pooled="unprojected" if unprojected else True)
        return [[features, {"pooled_output": pooled, **(add_dict or {})}]]

    def encode(self, text: str) -> Any:
        """A text as an embedding."""
        return self.encode_from_tokens(self.tokenize(text))

    def load_model(self) -> ClipHandle:
        """Nothing: the encoder is brought to the device when it is used."""
        return self

    def add_patches(self, patches: Any, strength_patch: float = 1.0, strength_model: float = 1.0) -> list[str]:
        """Add what `comfy.lora.load_lora` returned; returns the names of all changed weights."""
        if strength_model != 1.0:
            raise NotSupported("CLIP.add_patches(strength_model=…)", "called")
        self._encoder, names = add_to_clip(self._encoder, patches, strength_patch)
        return names

    def get_sd(self) -> dict[str, Any]:
        """Refused: weights are not open to packs."""
        raise NotSupported("CLIP.get_sd", "called")

    load_sd = get_key_patches = get_sd
