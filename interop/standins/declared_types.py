"""Host module `comfy.comfy_types`: names of the types of sockets, and types for annotations.

Source: protocol §5.2.
"""

from abc import ABC, abstractmethod
from enum import StrEnum as _StrEnum
from typing import Any, Literal, Protocol, TypedDict


class StrEnum(_StrEnum):
    """Names that are strings."""


class IO(StrEnum):
    """Names of socket types; `ANY` connects to everything, whichever side is asked."""

    STRING = "STRING"
    IMAGE = "IMAGE"
    MASK = "MASK"
    LATENT = "LATENT"
    BOOLEAN = "BOOLEAN"
    INT = "INT"
    FLOAT = "FLOAT"
    COMBO = "COMBO"
    CONDITIONING = "CONDITIONING"
    SAMPLER = "SAMPLER"
    SIGMAS = "SIGMAS"
    GUIDER = "GUIDER"
    NOISE = "NOISE"
    CLIP = "CLIP"
    CONTROL_NET = "CONTROL_NET"
    VAE = "VAE"
    MODEL = "MODEL"
    LORA_MODEL = "LORA_MODEL"
    LOSS_MAP = "LOSS_MAP"
    CLIP_VISION = "CLIP_VISION"
    CLIP_VISION_OUTPUT = "CLIP_VISION_OUTPUT"
    STYLE_MODEL = "STYLE_MODEL"
    GLIGEN = "GLIGEN"
    UPSCALE_MODEL = "UPSCALE_MODEL"
    AUDIO = "AUDIO"
    VIDEO = "VIDEO"
    WEBCAM = "WEBCAM"
    POINT = "POINT"
    FACE_ANALYSIS = "FACE_ANALYSIS"
    BBOX = "BBOX"
    SEGS = "SEGS"
    PRIMITIVE = "STRING,FLOAT,INT,BOOLEAN"
    NUMBER = "FLOAT,INT"
    ANY = "*"

    def __ne__(self, other: Any) -> bool:
        if self is IO.ANY or other == "*":
            return False
        if not isinstance(other, str):
            return True
        mine, others = frozenset(self.split(",")), frozenset(str(other).split(","))
        return not (mine <= others or others <= mine)

    __eq__ = str.__eq__
    __hash__ = str.__hash__


class RemoteInputOptions(TypedDict):
    """Where a client fetches the choices of an input."""

    route: str
    refresh_button: bool
    control_after_refresh: Literal["first", "last"]
    timeout: int
    max_retries: int
    refresh: int


class MultiSelectOptions(TypedDict):
    """How an input for several choices looks."""

    placeholder: str
    chip: bool


class RangeOptions(TypedDict, total=False):
    """Bounds of a number."""

    default: float
    min: float
    max: float
    step: float


class InputTypeOptions(TypedDict, total=False):
    """Options of an input, as in its declaration."""

    default: Any
    defaultInput: bool
    forceInput: bool
    lazy: bool
    rawLink: bool
    tooltip: str
    socketless: bool
    widgetType: str
    min: float
    max: float
    step: float
    round: float
    label_on: str
    label_off: str
    multiline: bool
    placeholder: str
    dynamicPrompts: bool
    image_upload: bool
    image_folder: Literal["input", "output", "temp"]
    remote: RemoteInputOptions
    control_after_generate: bool
    options: list[Any]
    multi_select: MultiSelectOptions


class HiddenInputTypeDict(TypedDict, total=False):
    """Hidden inputs."""

    node_id: Literal["UNIQUE_ID"]
    unique_id: Literal["UNIQUE_ID"]
    prompt: Literal["PROMPT"]
    extra_pnginfo: Literal["EXTRA_PNGINFO"]
    dynprompt: Literal["DYNPROMPT"]


class InputTypeDict(TypedDict, total=False):
    """What `INPUT_TYPES` returns."""

    required: dict[str, tuple[Any, ...]]
    optional: dict[str, tuple[Any, ...]]
    hidden: HiddenInputTypeDict


class ComfyNodeABC(ABC):
    """A node class with its members annotated."""

    DESCRIPTION: str
    CATEGORY: str
    EXPERIMENTAL: bool
    DEPRECATED: bool
    API_NODE: bool | None
    OUTPUT_NODE: bool
    INPUT_IS_LIST: bool
    OUTPUT_IS_LIST: tuple[bool, ...]
    RETURN_TYPES: tuple[Any, ...]
    RETURN_NAMES: tuple[str, ...]
    OUTPUT_TOOLTIPS: tuple[str, ...]
    FUNCTION: str

    @classmethod
    @abstractmethod
    def INPUT_TYPES(cls) -> None:
        """The inputs by section."""


class CheckLazyMixin:
    """Asks for every lazy input that is not there yet."""

    def check_lazy_status(self, **kwargs: Any) -> Any:
        """The names of inputs that are None."""
        return [name for name, value in kwargs.items() if value is None]


class FileLocator(TypedDict):
    """Where a file is: what `ui` results list."""

    filename: str
    subfolder: str
    type: Literal["input", "output", "temp"]


class UnetApplyFunction(Protocol):
    """Applies a denoising network."""

    def __call__(self, x: Any, t: Any, **kwargs: Any) -> Any: ...


class UnetApplyConds(TypedDict, total=False):
    """Conditioning of one call of a denoising network."""

    c_concat: Any
    c_crossattn: Any
    control: Any
    transformer_options: Any


class UnetParams(TypedDict):
    """Arguments of a function around a denoising network."""

    input: Any
    timestep: Any
    c: UnetApplyConds
    cond_or_uncond: Any


UnetWrapperFunction = Any
