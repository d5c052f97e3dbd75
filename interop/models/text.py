"""The handle of a text encoder: what packs call CLIP.

Source: protocol §5.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diffusion.text.encoder import TextEncoder
from interop.errors import ClosedAttribute, NotSupported
from interop.models.lora import LoraPart, add_to_clip
from interop.models.names import tower_names
from interop.models.text_stage import TextStage, Vocabularies, as_tokens, stage_of
from interop.models.text_stage import unprojected as without_projection

__all__ = ["ClipHandle"]

_PADDINGS = ("_min_padding", "_min_length")
"""What a tokenizer option is called, behind the name of its encoder."""


class ClipHandle:
    """A text encoder for packs. Clone it before changing it."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.tokenizer_options: dict[str, Any] = {}
        self.projected_pooled = True
        self.patcher = ClipPatcher(self)
        self.use_clip_schedule = False
        self.apply_hooks_to_conds = None

    @property
    def heddle_object(self) -> TextEncoder:
        """The text encoder of `diffusion`."""
        return self._encoder

    @property
    def asked(self) -> TextEncoder:
        """The text encoder as it is read now."""
        return self._encoder if self.projected_pooled else without_projection(self._encoder)

    @property
    def cond_stage_model(self) -> TextStage:
        """What is inside, as far as packs may see."""
        return stage_of(self)

    @property
    def tokenizer(self) -> Vocabularies:
        """The vocabularies."""
        return Vocabularies(self._encoder)

    @property
    def layer_idx(self) -> int | None:
        """The layer that is read, counted from the end."""
        return self._encoder.layer

    def clone(self) -> ClipHandle:
        """A copy that shares the networks."""
        other = ClipHandle(self._encoder.clone())
        other.tokenizer_options = dict(self.tokenizer_options)
        other.projected_pooled = self.projected_pooled
        return other

    def clip_layer(self, layer_idx: int) -> None:
        """Read another layer, in place."""
        self._encoder = self._encoder.clip_layer(layer_idx)

    def set_clip_options(self, options: Mapping[str, Any]) -> None:
        """Change how the encoders are read, in place; where they run is not the pack's to say.

        Raises:
            NotSupported: for options other than "layer", "projected_pooled" and "execution_device".
        """
        unknown = sorted(options.keys() - {"layer", "projected_pooled", "execution_device"})
        if unknown:
            raise NotSupported(f"CLIP.cond_stage_model.set_clip_options({unknown[0]}=…)", "called")
        self._encoder = replace(self._encoder, layer=options.get("layer", self._encoder.layer))
        self.projected_pooled = bool(options.get("projected_pooled", self.projected_pooled))

    def set_tokenizer_option(self, option_name: str, value: Any) -> None:
        """Change how T5 pads prompts, in place: `t5xxl_min_padding`, `t5xxl_min_length` and the like.

        Raises:
            NotSupported: for other options.
        """
        if not option_name.endswith(_PADDINGS):
            raise NotSupported(f"CLIP.set_tokenizer_option({option_name!r}, …)", "called")
        self.tokenizer_options[option_name] = value
        padding, shortest = (
            max((int(n) for name, n in self.tokenizer_options.items() if name.endswith(ending)), default=0)
            for ending in _PADDINGS
        )
        self._encoder = self._encoder.with_padding(padding, shortest)

    def tokenize(self, text: str, return_word_ids: bool = False, **kwargs: Any) -> dict[str, list[list[Any]]]:
        """A text as each encoder reads it: chunks of (token, weight), with a number for each word if asked for."""
        return self.tokenizer.tokenize_with_weights(text, return_word_ids)

    def encode_from_tokens(
        self, tokens: Mapping[str, Any], return_pooled: bool | str = False, return_dict: bool = False
    ) -> Any:
        """Tokens as an embedding; with its pooled vector if asked for, which "unprojected" leaves as it comes out."""
        encoder = without_projection(self._encoder) if return_pooled == "unprojected" else self.asked
        features, pooled = encoder.encode_tokens({name: as_tokens(chunks) for name, chunks in tokens.items()})
        if return_dict:
            return {"cond": features, "pooled_output": pooled}
        return (features, pooled) if return_pooled else features

    def encode_from_tokens_scheduled(
        self,
        tokens: Mapping[str, Any],
        unprojected: bool = False,
        add_dict: Mapping[str, Any] | None = None,
        show_pbar: bool = True,
    ) -> list[list[Any]]:
        """Tokens as conditioning, once for each version of the weights that hooks ask for."""
        encoder = without_projection(self._encoder) if unprojected else self.asked
        found = encoder.conditioning({name: as_tokens(chunks) for name, chunks in tokens.items()})
        return [[features, {**options, **(add_dict or {})}] for features, options in found]

    def encode(self, text: str) -> Any:
        """A text as an embedding."""
        return self.encode_from_tokens(self.tokenize(text))

    def load_model(self) -> ClipHandle:
        """Nothing: the encoder is brought to the device when it is used."""
        return self

    def add_patches(self, patches: Any, strength_patch: float = 1.0, strength_model: float = 1.0) -> list[str]:
        """Add what `comfy.lora.load_lora` returned; returns the names of all changed weights.

        Raises:
            NotSupported: for patches made by hand, or if the weights themselves are to be scaled.
        """
        if strength_model != 1.0:
            raise NotSupported("CLIP.add_patches(strength_model=…)", "called")
        if not all(isinstance(part, LoraPart) for part in patches.values()):
            raise NotSupported("CLIP.add_patches", "called with patches made by hand", "Use comfy.lora.load_lora.")
        self._encoder, names = add_to_clip(self._encoder, patches, strength_patch)
        return names

    def get_sd(self) -> dict[str, Any]:
        """The weights by their published names, patches not applied."""
        return {
            name: tower.network.weights[own]
            for tower in self._encoder.towers
            for own, name in tower_names(tower.name, tower.network).items()
        }

    def load_sd(self, sd: Any, full_model: bool = False) -> Any:
        """Refused: weights come from files, through the loaders."""
        raise NotSupported("CLIP.load_sd", "called", "Use comfy.sd.load_text_encoder_state_dicts.")

    get_key_patches = load_sd

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ClosedAttribute(f"CLIP.{name}", advice="docs/node-packs.md lists what text encoders offer here.")


class ClipPatcher:
    """What packs call `CLIP.patcher`: where a text encoder is, and how big."""

    def __init__(self, clip: ClipHandle) -> None:
        self._clip = clip
        self.model_options: dict[str, Any] = {}
        self.load_device = clip.heddle_object.towers[0].network.device

    @property
    def offload_device(self) -> Any:
        """Where it waits."""
        import torch

        return torch.device("cpu")

    def model_size(self) -> int:
        """Bytes of the weights."""
        return sum(tower.network.size() for tower in self._clip.heddle_object.towers)

    def model_dtype(self) -> Any:
        """In which format it computes."""
        return _dtype(self._clip.heddle_object)

    def add_patches(self, patches: Any, strength_patch: float = 1.0, strength_model: float = 1.0) -> list[str]:
        """Add patches to the text encoder."""
        return self._clip.add_patches(patches, strength_patch, strength_model)

    def clone(self) -> ClipPatcher:
        """The same for a copy of the text encoder."""
        return ClipPatcher(self._clip.clone())


def _dtype(encoder: TextEncoder) -> Any:
    return encoder.towers[0].network.compute
