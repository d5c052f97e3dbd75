"""How control networks are called, one way for each kind of denoising network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.families.family import even_sided
from diffusion.families.flux import GUIDANCE, patches
from diffusion.picture_kinds import PICTURE_KINDS
from diffusion.residuals import Added, BlockResiduals, Residuals


class Steering(Protocol):
    """Calls a control network."""

    def __call__(self, module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], hint: Tensor) -> Added:
        """What the network adds.

        Args:
            module: diffusers' control network.
            x: the denoising network's scaled input.
            inputs: what the denoising network is given besides.
            hint: the picture, or its latent, as large a batch as `x`.
        """
        ...


def _text(inputs: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The prompt of the control network: its own, or that of the denoising one."""
    return inputs.get("control_context", inputs["context"]).to(x)


@dataclass(frozen=True, slots=True)
class UNetSteering:
    """Beside a U-Net.

    Attributes:
        averaged: what the network adds is the same everywhere, its mean over the picture, so that the picture says
            what is to be seen and not where.
    """

    averaged: bool = False

    def __call__(
        self, module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], hint: Tensor
    ) -> Residuals:
        found = _beside_unet(module, x, timestep, inputs, hint)
        return _averaged(found) if self.averaged else found


@dataclass(frozen=True, slots=True)
class UnionSteering:
    """Beside a U-Net, by pictures of several kinds.

    Attributes:
        count: kinds that the network knows.
        types: which of them the picture is; none leaves it open.
    """

    count: int
    types: tuple[int, ...] = ()

    def __call__(
        self, module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], hint: Tensor
    ) -> Residuals:
        _check_types(self.types, self.count)
        return _beside_unet(module, x, timestep, inputs, hint, control_types=self.types)


@dataclass(frozen=True, slots=True)
class Sd3Steering:
    """Beside Stable Diffusion 3."""

    def __call__(
        self, module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], hint: Tensor
    ) -> BlockResiduals:
        text = None if module.context_embedder is None else _text(inputs, x)
        (blocks,) = module(
            hidden_states=even_sided(x), controlnet_cond=even_sided(hint), encoder_hidden_states=text,
            pooled_projections=inputs["vector"].to(x), timestep=timestep, return_dict=False,
        )  # fmt: skip
        return BlockResiduals(((tuple(blocks), ()),))


@dataclass(frozen=True, slots=True)
class FluxSteering:
    """Beside Flux.

    Attributes:
        guided: whether the network is told a guidance number.
        pixels: whether it reads pictures; otherwise latents.
        count: kinds of pictures that a union network knows; 0 for others.
        types: which of them the picture is; none leaves it open.
    """

    guided: bool
    pixels: bool = False
    count: int = 0
    types: tuple[int, ...] = ()

    def __call__(
        self, module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], hint: Tensor
    ) -> BlockResiduals:
        _check_types(self.types, self.count)
        tokens, positions = patches(x)
        if self.pixels:  # as many as the latent has with even sides
            odd = (8 * (x.shape[-1] % 2), 8 * (x.shape[-2] % 2))
            hint = F.pad(2 * hint - 1, (0, odd[0], 0, odd[1]), mode="replicate")
        text = _text(inputs, x)
        guidance = inputs.get("guidance", torch.full((x.shape[0],), GUIDANCE)).to(x) if self.guided else None
        arguments: dict[str, Any] = {}
        module.union = bool(self.types)  # without a kind, a union network is called like any other
        if self.types:
            arguments["controlnet_mode"] = torch.tensor([self.types[:1]], device=x.device).expand(x.shape[0], 1)
        double, single = module(
            hidden_states=tokens, controlnet_cond=hint if self.pixels else patches(hint)[0],
            encoder_hidden_states=text, pooled_projections=inputs["vector"].to(x), timestep=timestep.to(x.dtype),
            img_ids=positions, txt_ids=torch.zeros(text.shape[1], 3, device=x.device),
            guidance=guidance, return_dict=False, **arguments,
        )  # fmt: skip
        return BlockResiduals(((tuple(double or ()), tuple(single or ())),))


def _beside_unet(
    module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], hint: Tensor, **arguments: Any
) -> Residuals:
    if "vector" in inputs and module.class_embedding is not None:
        arguments["class_labels"] = inputs["vector"].to(x)
    down, middle = module(
        x, timestep, encoder_hidden_states=_text(inputs, x), controlnet_cond=hint, return_dict=False, **arguments
    )
    return Residuals(tuple(down), middle)


def _averaged(added: Residuals) -> Residuals:
    down = tuple(one.mean(dim=(2, 3), keepdim=True).expand_as(one) for one in added.down)
    middle = added.middle
    return Residuals(down, None if middle is None else middle.mean(dim=(2, 3), keepdim=True).expand_as(middle))


def _check_types(types: tuple[int, ...], count: int) -> None:
    unknown = [PICTURE_KINDS[kind] for kind in types if kind >= count]
    if unknown:
        raise SamplingError(
            f"This control network knows {count} kinds of pictures; '{unknown[0]}' is not among them. "
            f"Choose one of {', '.join(PICTURE_KINDS[:count])}."
        )


__all__ = ["FluxSteering", "Sd3Steering", "Steering", "UNetSteering", "UnionSteering"]
