"""What packs see inside of a MODEL (`comfy.model_base`): what it predicts, its latents, what kind it is.

Source: protocol §5.8.
"""

from __future__ import annotations

import copy
import enum
import uuid
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from diffusion.model import Model
from diffusion.sampling.evaluate import Evaluator
from diffusion.sampling.prediction import Kind, LogPrediction
from interop.errors import NotSupported
from interop.models.denoiser import network_of
from interop.models.latent_spaces import latent_space
from interop.models.predicting import levels_of
from interop.models.weights import state_dict

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "KINDS", "BaseModel", "ModelType", "inner_of", "input_name", "named_inputs", "own_input_name", "plain_inputs",
    "told_roles",
]  # fmt: skip

_INPUTS = {"context": "c_crossattn", "concat": "c_concat", "vector": "y", "frames": "num_video_frames"}
"""Name of a network's input here → name that packs give it."""
_OWN_INPUTS = {theirs: ours for ours, theirs in _INPUTS.items()}


class ModelType(enum.Enum):
    """What a network predicts."""

    EPS = 1
    V_PREDICTION = 2
    V_PREDICTION_EDM = 3
    STABLE_CASCADE = 4
    EDM = 5
    FLOW = 6
    V_PREDICTION_CONTINUOUS = 7
    FLUX = 8
    IMG_TO_IMG = 9
    FLOW_COSMOS = 10


_TYPES = {
    Kind.EPSILON: ModelType.EPS, Kind.V: ModelType.V_PREDICTION, Kind.EDM: ModelType.EDM, Kind.X0: ModelType.EPS,
    Kind.FLOW: ModelType.FLOW, Kind.IMG_TO_IMG: ModelType.IMG_TO_IMG,
    Kind.RATIO: ModelType.FLOW_COSMOS,
}  # fmt: skip


def _type(model: Model) -> ModelType:
    if model.prediction.kind is Kind.V and isinstance(model.prediction, LogPrediction):
        return ModelType.V_PREDICTION_CONTINUOUS if model.prediction.angle else ModelType.V_PREDICTION_EDM
    return _TYPES[model.prediction.kind]


class BaseModel:
    """The inside of a model.

    Args:
        model: of `diffusion`.
    Attributes:
        live: what estimates in the run that this object belongs to.
        lent: the run's conditioning as packs see it, by the id of what it was made of.
    """

    def __init__(self, model: Model) -> None:
        self.heddle_model = model
        self.live: Evaluator | None = None
        self.lent: dict[int, dict[str, Any]] = {}
        self.model_sampling = levels_of(model.prediction)
        self.latent_format = latent_space(model.latent_format, model)
        self.model_config = _config(model)
        self.model_type = _type(model)
        self.diffusion_model = network_of(model, self.model_config.unet_config)
        self.device = model.network.device
        self.manual_cast_dtype = None
        self.current_patcher: Any = None
        self.memory_usage_factor = 1.0

    @property
    def adm_channels(self) -> int:
        """Width of the vector that the network is told besides the text; 0 without."""
        return int(self.model_config.unet_config.get("adm_in_channels") or 0)

    def is_adm(self) -> bool:
        """Whether the network is told a vector besides the text."""
        return self.adm_channels > 0

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The weights by their published names, patches not applied."""
        return state_dict(self.heddle_model)

    def get_dtype(self) -> Any:
        """In which format it computes."""
        return self.heddle_model.network.compute

    def process_latent_in(self, latent: Any) -> Any:
        """From the autoencoder's space to the network's."""
        return self.latent_format.process_in(latent)

    def process_latent_out(self, latent: Any) -> Any:
        """From the network's space to the autoencoder's."""
        return self.latent_format.process_out(latent)

    def scale_latent_inpaint(self, sigma: Any, noise: Any, latent_image: Any, **rest: Any) -> Any:
        """The part of a picture that is not repainted, at a noise level."""
        return self.model_sampling.noise_scaling(sigma, noise, latent_image)

    def memory_required(self, input_shape: Any, cond_shapes: Any = None) -> int:
        """Bytes that one call needs, roughly: some hundred values for each of the latent's."""
        count = 1
        for size in input_shape:
            count *= int(size)
        return count * self.heddle_model.network.compute.itemsize * 256

    def apply_model(
        self,
        x: Tensor,
        t: Tensor,
        c_concat: Any = None,
        c_crossattn: Any = None,
        control: Any = None,
        transformer_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Call the network: the estimate of the picture behind a noisy latent.

        Args:
            t: noise levels, [batch]; they must be equal.
        Raises:
            NotSupported: if residuals of a control network are handed in; put the network on the conditioning.
        """
        from interop.models.inside import patches_inside

        if control is not None:
            raise NotSupported("MODEL.model.apply_model(control=…)", "called", "Put it on the conditioning instead.")
        options = transformer_options or {}
        given = {"c_concat": c_concat, "c_crossattn": c_crossattn, **kwargs}
        evaluator = self.live or self._evaluator()
        roles = tuple(options.get("cond_or_uncond", (0,)))
        inside = patches_inside(options, self)
        base = self.heddle_model.hooks.inside
        return evaluator.network(x, t.flatten()[0].cpu(), plain_inputs(given), None, roles, base.joined(inside))

    def _evaluator(self) -> Evaluator:
        model = self.heddle_model
        return Evaluator(model, model.network.prepare(model.patches), model.prediction.sigmas)

    def for_run(self, evaluator: Evaluator | None) -> BaseModel:
        """A copy that estimates within a run."""
        other = copy.copy(self)
        other.live = evaluator
        return other

    def extra_conds(self, **kwargs: Any) -> Any:
        """Refused: this engine builds the inputs of a network by itself."""
        raise NotSupported("MODEL.model.extra_conds", "called")

    encode_adm = concat_cond = state_dict_for_saving = extra_conds


KINDS: dict[str, type[BaseModel]] = {
    name: type(name, (BaseModel,), {"__doc__": f"The inside of {words}."})
    for name, words in {
        "SDXL": "Stable Diffusion XL",
        "SDXLRefiner": "the refiner of Stable Diffusion XL",
        "SD3": "Stable Diffusion 3",
        "Flux": "Flux",
        "SVD_img2vid": "Stable Video Diffusion",
        "SV3D_u": "SV3D without a camera",
        "SV3D_p": "SV3D with a camera",
        "Stable_Zero123": "Stable Zero123",
        "SD_X4Upscaler": "the x4 upscaler",
    }.items()
}
"""Name among the host's models → class; Stable Diffusion 1 and 2 are plain `BaseModel`s."""
_BY_FAMILY = {
    "sdxl": "SDXL", "sdxl_refiner": "SDXLRefiner", "sd3": "SD3", "flux": "Flux", "svd": "SVD_img2vid",
    "sv3d_u": "SV3D_u", "sv3d_p": "SV3D_p", "zero123": "Stable_Zero123", "x4_upscaler": "SD_X4Upscaler",
}  # fmt: skip


def inner_of(model: Model) -> BaseModel:
    """The inside of a model."""
    return KINDS.get(_BY_FAMILY.get(model.family.name, ""), BaseModel)(model)


def _config(model: Model) -> SimpleNamespace:
    """What packs read to find out which architecture a model has."""
    config = getattr(model.network.module, "config", {})
    widths = config.get("block_out_channels") or (None,)
    unet = {
        "image_model": None if "cross_attention_dim" in config else model.family.name,
        "in_channels": config.get("in_channels"),
        "out_channels": config.get("out_channels"),
        "model_channels": widths[0],
        "channel_mult": tuple(width // widths[0] for width in widths if width),
        "context_dim": config.get("cross_attention_dim"),
        "adm_in_channels": config.get("projection_class_embeddings_input_dim"),
        "use_linear_in_transformer": bool(config.get("use_linear_projection")),
        "num_res_blocks": config.get("layers_per_block"),
    }
    return SimpleNamespace(
        unet_config={key: value for key, value in unet.items() if value is not None},
        sampling_settings={},
        latent_format=latent_space(model.latent_format, model),
        unet_extra_config={},
        supported_inference_dtypes=[model.network.compute],
        manual_cast_dtype=None,
    )


def named_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A network's inputs under the names that packs know."""
    return {input_name(name): value.shape[1] if name == "frames" else value for name, value in inputs.items()}


def input_name(name: str) -> str:
    """What packs call an input of a network."""
    return _INPUTS.get(name, name)


def own_input_name(name: str) -> str:
    """What an input of a network is called here."""
    return _OWN_INPUTS.get(name, name)


def told_roles(roles: Sequence[int]) -> dict[str, Any]:
    """What packs are told of the chunks of a batch: which conditioning list each belongs to."""
    return {"cond_or_uncond": list(roles), "uuids": [uuid.UUID(int=role) for role in roles]}


def plain_inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a network, from what a pack calls it with."""
    ignored = ("transformer_options", "control")
    named = {own_input_name(name): value for name, value in given.items() if name not in ignored}
    if isinstance(named.get("frames"), int):
        named["frames"] = torch.zeros(1, named["frames"])  # the network asks for its shape alone
    return {name: value for name, value in named.items() if value is not None}
