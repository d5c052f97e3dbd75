"""The denoising network as packs see it (`MODEL.model.diffusion_model`): callable, readable, replaceable as a whole.

Its layers are those of this engine's network in the order of the original layout: they can be counted and read. What
packs change inside goes through the patches of MODEL.
Source: protocol §5.8; pack_surface, tier 3 (`UNetModel`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from diffusion.model import Model
from diffusion.network import Network
from diffusion.patching.record import Patching, Step
from interop.errors import ClosedAttribute
from interop.models.names import NETWORK
from interop.models.residuals import as_residuals
from interop.models.weights import state_dict

if TYPE_CHECKING:
    from interop.models.inner import BaseModel

__all__ = ["PARTS", "DenoisingNetwork", "UNetModel", "network_of", "replacement"]

_FORWARDS: WeakKeyDictionary[Network, Callable[..., Tensor]] = WeakKeyDictionary()
"""What packs have assigned to `forward`, by network: every MODEL of a network has the same one."""
PARTS = ("diffusion_model", "diffusion_model.forward")
"""Names under which packs replace the whole network as an object of a model."""


class DenoisingNetwork:
    """A denoising network for packs.

    Args:
        model: of `diffusion`.
        config: sizes by the names of the original layout.
    """

    def __init__(self, model: Model, config: Mapping[str, Any]) -> None:
        self.__dict__.update(config)
        self._model = model
        self._within: list[Callable[..., Tensor]] = []
        self.dtype = model.network.compute
        self.device = model.network.device
        self.training = False

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return self.forward(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "forward":
            _FORWARDS[self._model.network] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name == "forward":
            _FORWARDS.pop(self._model.network, None)
        else:
            object.__delattr__(self, name)

    @property
    def assigned(self) -> Callable[..., Tensor] | None:
        """What a pack has assigned to `forward`."""
        return _FORWARDS.get(self._model.network)

    def forward(
        self, x: Any, timesteps: Any = None, context: Any = None, y: Any = None, control: Any = None,
        transformer_options: Any = None, **kwargs: Any,
    ) -> Tensor:  # fmt: skip
        """The network's output for a scaled latent.

        Args:
            x: [batch, channels, height, width], further channels joined already.
            timesteps: [batch].
            control: what control networks add, in the lists that packs know.
        """
        if self._within:
            return self._within[-1](x, timesteps, context, y, control, transformer_options, **kwargs)
        model = self._model
        module = model.network.prepare(model.patches)
        frames = kwargs.pop("num_video_frames", None)
        told = None if frames is None else x.new_zeros(1, int(frames))  # the network asks for its shape alone
        given = {"context": context, "vector": y, "frames": told, **kwargs}
        inputs = {name: value for name, value in given.items() if value is not None}
        residuals = None if control is None else as_residuals(control, "MODEL.model.diffusion_model")
        patching = self._patching(x, transformer_options or {})
        result: Tensor = model.family.call(module, x.to(self.dtype), timesteps, inputs, residuals, patching)
        return result

    def _patching(self, x: Tensor, options: Mapping[str, Any]) -> Patching | None:
        from interop.models.inside import patches_inside

        asked = patches_inside(options, None)
        if not asked:
            return None
        sigmas = options.get("sigmas")
        sigma = x.new_zeros(()).cpu() if sigmas is None else sigmas.flatten()[0].cpu()
        roles = tuple(options.get("cond_or_uncond", (0,)))
        return Patching(asked, Step(sigma, options.get("sample_sigmas", sigma.reshape(1)), roles, tuple(x.shape)))

    def replaced_by(self, part: Any, executor: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Call what a pack put in its place; where that calls the network again, it is the one of the run."""
        self._within.append(executor)
        try:
            result: Tensor = part(*args, **kwargs)
        finally:
            self._within.pop()
        return result

    # -- what can be read

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The weights by their published names, patches not applied."""
        return {name.removeprefix(NETWORK): weight for name, weight in state_dict(self._model).items()}

    def named_parameters(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Tensor]]:
        """The weights with their published names."""
        yield from self.state_dict().items()

    def parameters(self, *args: Any, **kwargs: Any) -> Iterator[Tensor]:
        """The weights."""
        yield from self.state_dict().values()

    def modules(self) -> Iterator[nn.Module]:
        """The layers."""
        yield from self._model.network.module.modules()

    def named_modules(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, nn.Module]]:
        """The layers by the names that they have here."""
        yield from self._model.network.module.named_modules()

    def _itself(self, *args: Any, **kwargs: Any) -> DenoisingNetwork:
        """Nothing to do: the engine decides where a network is and how it computes."""
        return self

    to = eval = train = half = float = requires_grad_ = cpu = cuda = _itself

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ClosedAttribute(
            f"MODEL.model.diffusion_model.{name}",
            advice="Networks have other layers here; use the patches of MODEL (set_model_attn1_patch and its kin).",
        )


class UNetModel(DenoisingNetwork):
    """A U-Net for packs."""

    @property
    def input_blocks(self) -> list[nn.ModuleList]:
        """The way down: the first convolution, then each residual block with its transformer, each narrowing."""
        module: Any = self._model.network.module
        found = [nn.ModuleList([module.conv_in])]
        for block in module.down_blocks:
            found += self._pairs(block)
            found += [nn.ModuleList([sampler]) for sampler in block.downsamplers or ()]
        return found

    @property
    def middle_block(self) -> nn.ModuleList:
        """The middle: residual blocks around transformers."""
        module: Any = self._model.network.module
        block = module.mid_block
        attentions = list(getattr(block, "attentions", None) or ())
        return nn.ModuleList([block.resnets[0], *attentions, *block.resnets[1:]])

    @property
    def output_blocks(self) -> list[nn.ModuleList]:
        """The way up: each residual block with its transformer, and with the widening after the last of a stage."""
        module: Any = self._model.network.module
        found: list[nn.ModuleList] = []
        for block in module.up_blocks:
            found += self._pairs(block)
            found[-1].extend(block.upsamplers or ())
        return found

    @property
    def out(self) -> nn.ModuleList:
        """What makes the output of the last hidden states."""
        module: Any = self._model.network.module
        return nn.ModuleList([module.conv_norm_out, module.conv_act, module.conv_out])

    @property
    def time_embed(self) -> nn.Module:
        """What makes the embedding of time."""
        module: Any = self._model.network.module
        found: nn.Module = module.time_embedding
        return found

    @staticmethod
    def _pairs(block: Any) -> list[nn.ModuleList]:
        attentions = list(getattr(block, "attentions", None) or ())
        return [nn.ModuleList([resnet, *attentions[index : index + 1]]) for index, resnet in enumerate(block.resnets)]


def network_of(model: Model, config: Mapping[str, Any]) -> DenoisingNetwork:
    """The network of a model, as packs see it."""
    kind = UNetModel if hasattr(model.network.module, "down_blocks") else DenoisingNetwork
    return kind(model, config)


def replacement(inner: BaseModel) -> Callable[..., Tensor] | None:
    """A wrapper around the network that calls what a pack put in its place; None if nothing was."""
    network, objects = inner.diffusion_model, inner.heddle_model.objects
    part = next((objects[name] for name in PARTS if name in objects), network.assigned)
    if part is None:
        return None

    def innermost(executor: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        return network.replaced_by(part, executor, *args, **kwargs)

    return innermost
