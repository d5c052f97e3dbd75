"""The diffusion model as nodes hand it around: a network, its rules, and what has been asked of it.

A `Model` never changes. Every `with_…` method returns a clone that shares the network; weight patches take effect when
the clone is used and are undone when another is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from diffusion.families.family import Family
from diffusion.latents import LatentFormat
from diffusion.network import Network, Patches, WeightPatch
from diffusion.patching.record import ModelPatches
from diffusion.sampling.prediction import Prediction


@dataclass(frozen=True, slots=True)
class GuidanceStep:
    """What a guidance hook is told: one call of the guided denoiser.

    Attributes:
        x: the noisy latent.
        sigma: its noise level.
        estimates: x0 for each conditioning list: positive first, then negative; zeros where it was not evaluated.
        entries: the prepared conditioning lists, in the same order; None for one that is not evaluated.
        scale: guidance scale.
        evaluate: evaluates more lists: `evaluate([entries, …]) -> [x0, …]`, optionally with another `model` (the same
            network under other hooks) and `at` another noisy latent.
    """

    x: Tensor
    sigma: Tensor
    estimates: tuple[Tensor, ...]
    entries: tuple[Any, ...]
    scale: float
    model: Model
    evaluate: Callable[..., list[Tensor]]
    denoised: Tensor | None = None

    @property
    def positive(self) -> Tensor:
        """x0 for the positive side."""
        return self.estimates[0]

    @property
    def negative(self) -> Tensor:
        """x0 for the negative side; zeros where it was not evaluated."""
        return self.estimates[1]

    @property
    def one_sided(self) -> bool:
        """Whether the negative side is not evaluated, because the scale makes it irrelevant."""
        return self.entries[1] is None

    @property
    def guided(self) -> Tensor:
        """What guidance made so far; only hooks after guidance may ask."""
        assert self.denoised is not None
        return self.denoised


@dataclass(frozen=True, slots=True)
class EstimateStep:
    """What a hook around the guided estimate is told.

    Attributes:
        x: the noisy latent.
        sigma: its noise level.
        both: whether the unconditional estimate is needed, too.
        memory: what hooks leave for later calls of the same run; use an object of your own as the key.
    """

    x: Tensor
    sigma: Tensor
    both: bool
    memory: dict[Any, Any]


CfgHook = Callable[[GuidanceStep], Tensor]  # → guided x0
PreCfgHook = Callable[[GuidanceStep], "tuple[Tensor, ...]"]  # → new estimates
PostCfgHook = Callable[[GuidanceStep], Tensor]  # → new guided x0; `denoised` holds the one so far
BatchHook = Callable[[GuidanceStep], "list[Tensor]"]  # replaces the evaluation
ApplyNetwork = Callable[..., Tensor]  # (x, sigmas [batch], inputs, patches inside or None for the model's) → x0
EstimateHook = Callable[[Callable[[], Any], EstimateStep], Any]  # (the estimate, step) → sampling.contract.Guided
NetworkHook = Callable[[ApplyNetwork, Tensor, Tensor, Mapping[str, Any], "list[int]"], Tensor]
RunHook = Callable[[Any], Tensor]  # (diffusion.sampling.run.Run) → latent; takes over a whole run
MaskHook = Callable[[Tensor, Tensor, Tensor, "Model"], Tensor]  # (sigma, mask, all sigmas, model) → mask


@dataclass(frozen=True, slots=True)
class Hooks:
    """Changes to how a model is guided and called, in the order they were added.

    Attributes:
        cfg: replaces classifier-free guidance.
        pre_cfg, post_cfg: change the estimates before, and the guided estimate after.
        batch: replaces the evaluation of both sides.
        network: around each estimate of a batch; outside of the input's scaling.
        estimate: around the whole guided estimate, whatever the guidance; the last one added is outermost.
        mask: changes the inpainting mask at each step.
        always_evaluate_negative: also where the scale makes it irrelevant.
        inside: functions inside the network.
        run: takes over whole runs.
    """

    cfg: CfgHook | None = None
    pre_cfg: tuple[PreCfgHook, ...] = ()
    post_cfg: tuple[PostCfgHook, ...] = ()
    batch: BatchHook | None = None
    network: NetworkHook | None = None
    estimate: tuple[EstimateHook, ...] = ()
    mask: MaskHook | None = None
    always_evaluate_negative: bool = False
    inside: ModelPatches = field(default_factory=ModelPatches)
    run: RunHook | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A diffusion network with everything needed to sample from it.

    Attributes:
        network: the shared module and its weights.
        family: how the network is called and what it wants to know.
        prediction: what its output means, and its noise levels.
        patches: weight changes that take effect when this model is used.
        hooks: changes to guidance and calls.
        objects: replacements by name, for packs (`get_object`).
        attachments: anything packs keep with a model.
    """

    network: Network
    family: Family
    prediction: Prediction
    patches: Patches = field(default_factory=Patches)
    hooks: Hooks = field(default_factory=Hooks)
    objects: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def latent_format(self) -> LatentFormat:
        """The space the network works in."""
        return self.family.latent_format

    def clone(self) -> Model:
        """A copy that shares the network; changing it means making another with a `with_…` method."""
        return replace(self)

    def with_prediction(self, prediction: Prediction) -> Model:
        """The same model under another prediction or other noise levels."""
        return replace(self, prediction=prediction)

    def with_weights(self, patches: Mapping[str, WeightPatch]) -> Model:
        """The same model with weight patches added, by parameter name of the network."""
        return replace(self, patches=self.patches.with_patches(patches))

    def with_hooks(self, **changes: Any) -> Model:
        """The same model with hooks replaced; tuples given for pre_cfg, post_cfg and estimate are appended."""
        for name in ("pre_cfg", "post_cfg", "estimate"):
            if name in changes:
                changes[name] = (*getattr(self.hooks, name), *changes[name])
        return replace(self, hooks=replace(self.hooks, **changes))

    def with_network_patches(self, **added: Any) -> Model:
        """The same model with more patches inside the network; see `diffusion.patching.ModelPatches`."""
        return replace(self, hooks=replace(self.hooks, inside=self.hooks.inside.with_patches(**added)))

    def with_object(self, name: str, value: Any) -> Model:
        """The same model with a named object replaced."""
        return replace(self, objects={**self.objects, name: value})

    def with_attachment(self, name: str, value: Any) -> Model:
        """The same model with something attached."""
        return replace(self, attachments={**self.attachments, name: value})


__all__ = [
    "ApplyNetwork", "BatchHook", "CfgHook", "EstimateHook", "EstimateStep", "GuidanceStep", "Hooks", "MaskHook",
    "Model", "NetworkHook", "PostCfgHook", "PreCfgHook", "RunHook",
]  # fmt: skip
