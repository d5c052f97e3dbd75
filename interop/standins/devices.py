"""Host module `comfy.model_management`: devices, precision, memory, interruption.

This engine decides by itself where a model is and in what precision; the functions here say what it decided, and the
ones that would change it have nothing to do.
Source: protocol §5.6.
"""

import enum
import threading
from typing import Any

from interop import running as _running
from interop.host import current as _current
from interop.interruption import InterruptProcessingException

MIN_WEIGHT_MEMORY_RATIO = 0.4
XFORMERS_IS_AVAILABLE = False
XFORMERS_ENABLED_VAE = False
XFORMERS_VERSION = ""
ENABLE_PYTORCH_ATTENTION = True
PRIORITIZE_FP16 = False
FORCE_FP32 = False
DISABLE_SMART_MEMORY = False
WINDOWS = False
EXTRA_RESERVED_VRAM = 0
NUM_STREAMS = 0
directml_enabled = False
lowvram_available = False
interrupt_processing_mutex = threading.RLock()
current_loaded_models: list[Any] = []
_ASKED = {"OOM_EXCEPTION", "cpu_state", "vram_state", "set_vram_to", "total_vram", "total_ram", "VAE_DTYPES"}
_ASKED |= {"FLOAT8_TYPES", "torch_version", "torch_version_numeric"}
"""Names that need torch, found out when they are asked for."""


class VRAMState(enum.Enum):
    """How models share the device's memory."""

    DISABLED = 0
    NO_VRAM = 1
    LOW_VRAM = 2
    NORMAL_VRAM = 3
    HIGH_VRAM = 4
    SHARED = 5


class CPUState(enum.Enum):
    """The kind of device that computes."""

    GPU = 0
    CPU = 1
    MPS = 2


def __getattr__(name: Any) -> Any:
    if name not in _ASKED:
        raise AttributeError(name)
    import torch

    if name == "OOM_EXCEPTION":
        return torch.cuda.OutOfMemoryError
    if name == "cpu_state":
        kind = get_torch_device().type
        return {"cpu": CPUState.CPU, "mps": CPUState.MPS}.get(kind, CPUState.GPU)
    if name in ("vram_state", "set_vram_to"):
        return VRAMState.DISABLED if get_torch_device().type == "cpu" else VRAMState.NORMAL_VRAM
    if name == "total_vram":
        return get_total_memory() / 1024**2
    if name == "total_ram":
        return get_total_memory(torch.device("cpu")) / 1024**2
    if name == "VAE_DTYPES":
        return [torch.float32]
    if name == "FLOAT8_TYPES":
        return [torch.float8_e4m3fn, torch.float8_e5m2]
    if name == "torch_version":
        return torch.__version__
    return tuple(int(part) for part in torch.__version__.split(".")[:2])


def get_torch_device() -> Any:
    """The device that computes."""
    from interop.devices import device

    return device(bool(_current().settings.get("cpu")))


def get_torch_device_name(device: Any) -> Any:
    """A device in words."""
    import torch

    if getattr(device, "type", "") == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    return str(getattr(device, "type", device))


def _cpu() -> Any:
    import torch

    return torch.device("cpu")


def intermediate_device() -> Any:
    """Where values between nodes are."""
    return get_torch_device() if _current().settings.get("gpu_only") else _cpu()


def intermediate_dtype() -> Any:
    """The dtype of pictures between nodes."""
    import torch

    return torch.float32


def text_encoder_initial_device(load_device: Any, offload_device: Any, model_size: Any = 0) -> Any:
    """Where a text encoder is loaded to."""
    return offload_device


def get_autocast_device(dev: Any) -> Any:
    """The device type for autocast."""
    return getattr(dev, "type", "cuda")


def unet_dtype(
    device: Any = None, model_params: Any = 0, supported_dtypes: Any = None, weight_dtype: Any = None
) -> Any:
    """The dtype a denoiser's weights are kept in."""
    import torch

    return torch.float16 if should_use_fp16(device, model_params) else torch.float32


unet_dtype_orig = unet_dtype
"""Packs keep the function here before they put another in its place."""


def unet_manual_cast(weight_dtype: Any, inference_device: Any, supported_dtypes: Any = None) -> Any:
    """The dtype that weights are turned into for computing; None when they need not be."""
    import torch

    if weight_dtype in (torch.float32, torch.float64) or is_device_cpu(inference_device) is False:
        return None
    return torch.float32


def text_encoder_dtype(device: Any = None) -> Any:
    """The dtype a text encoder's weights are kept in."""
    import torch

    return torch.float32 if is_device_cpu(device) or device is None else torch.float16


def vae_dtype(device: Any = None, allowed_dtypes: Any = ()) -> Any:
    """The dtype an autoencoder computes in."""
    import torch

    return torch.float32


def should_use_fp16(
    device: Any = None, model_params: Any = 0, prioritize_performance: Any = True, manual_cast: Any = False
) -> bool:
    """Whether half precision pays on a device."""
    return bool(_kind(device) == "cuda")


def should_use_bf16(
    device: Any = None, model_params: Any = 0, prioritize_performance: Any = True, manual_cast: Any = False
) -> bool:
    """Whether bfloat16 pays on a device."""
    import torch

    return bool(_kind(device) == "cuda" and torch.cuda.is_bf16_supported())


def supports_fp8_compute(device: Any = None) -> bool:
    """Whether a device multiplies 8-bit floats."""
    import torch

    return bool(_kind(device) == "cuda" and torch.cuda.get_device_capability(device) >= (8, 9))


def supports_dtype(device: Any, dtype: Any) -> bool:
    """Whether a device computes in a dtype."""
    import torch

    return dtype == torch.float32 or not is_device_cpu(device)


def supports_cast(device: Any, dtype: Any) -> bool:
    """Whether a device can turn values into a dtype."""
    return True


def pick_weight_dtype(dtype: Any, fallback_dtype: Any, device: Any = None) -> Any:
    """`dtype`, or `fallback_dtype` where there is none."""
    return fallback_dtype if dtype is None else dtype


def is_device_type(device: Any, type: Any) -> bool:
    """Whether a device is of a type."""
    return bool(getattr(device, "type", None) == type)


def is_device_cpu(device: Any) -> bool:
    """Whether a device is the CPU."""
    return is_device_type(device, "cpu")


def is_device_mps(device: Any) -> bool:
    """Whether a device is Apple's."""
    return is_device_type(device, "mps")


def is_device_cuda(device: Any) -> bool:
    """Whether a device is one that CUDA drives."""
    return is_device_type(device, "cuda")


def is_device_xpu(device: Any) -> bool:
    """Whether a device is Intel's."""
    return is_device_type(device, "xpu")


def is_nvidia() -> bool:
    """Whether the computing device is Nvidia's."""
    import torch

    return get_torch_device().type == "cuda" and bool(torch.version.cuda)


def is_amd() -> bool:
    """Whether the computing device is AMD's."""
    import torch

    return get_torch_device().type == "cuda" and bool(torch.version.hip)


def is_intel_xpu() -> bool:
    """Whether the computing device is Intel's."""
    return bool(get_torch_device().type == "xpu")


def cpu_mode() -> bool:
    """Whether the CPU computes."""
    return bool(get_torch_device().type == "cpu")


def mps_mode() -> bool:
    """Whether Apple's device computes."""
    return bool(get_torch_device().type == "mps")


def pytorch_attention_flash_attention() -> bool:
    """Whether torch's attention uses its flash kernels."""
    return is_nvidia()


def device_supports_non_blocking(device: Any) -> bool:
    """Whether copies to a device can run beside computing."""
    return is_device_cuda(device)


def get_total_memory(dev: Any = None, torch_total_too: Any = False) -> Any:
    """Bytes of memory a device has."""
    return _memory(dev, 0, torch_total_too)


def get_free_memory(dev: Any = None, torch_free_too: Any = False) -> Any:
    """Bytes of memory that are free on a device."""
    return _memory(dev, 1, torch_free_too)


def _memory(dev: Any, which: Any, twice: Any) -> Any:
    from interop.devices import memory

    amount = memory(get_torch_device() if dev is None else dev)[which]
    return (amount, amount) if twice else amount


def dtype_size(dtype: Any) -> Any:
    """Bytes of one value."""
    return dtype.itemsize


def module_size(module: Any) -> Any:
    """Bytes of a module's parameters and buffers."""
    return sum(tensor.nelement() * tensor.element_size() for tensor in module.state_dict().values())


def extra_reserved_memory() -> Any:
    """Bytes that are kept free."""
    return EXTRA_RESERVED_VRAM


def minimum_inference_memory() -> Any:
    """Bytes that computing needs at least."""
    return 1024**3


def cast_to(
    weight: Any, dtype: Any = None, device: Any = None, non_blocking: Any = False, copy: Any = False, stream: Any = None
) -> Any:
    """A tensor in another dtype or on another device."""
    return weight.to(device=device, dtype=dtype, non_blocking=non_blocking, copy=copy)


def cast_to_device(tensor: Any, device: Any, dtype: Any, copy: Any = False) -> Any:
    """A tensor on another device, in another dtype."""
    return tensor.to(device=device, dtype=dtype, copy=copy)


def free_memory(memory_required: Any, device: Any, keep_loaded: Any = ()) -> Any:
    """Let the allocator give back what it holds; returns the models put away: none."""
    soft_empty_cache()
    return []


def unload_model_clones(model: Any, unload_weights_only: Any = True, force_unload: Any = True) -> Any:
    """Nothing: copies of a model share their weights here."""
    return True


def soft_empty_cache(force: Any = False) -> None:
    """Give memory that is not in use back to the device."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def raise_non_oom(error: Any) -> None:
    """Raise an error again unless it says that memory ran out."""
    import torch

    if not isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        raise error


def interrupt_current_processing(value: Any = True) -> None:
    """Ask the running job to stop at its next step, or take the request back."""
    _current().interrupted = bool(value)


def processing_interrupted() -> bool:
    """Whether the running job was asked to stop."""
    try:
        throw_exception_if_processing_interrupted()
    except InterruptProcessingException:
        return True
    return False


def throw_exception_if_processing_interrupted() -> None:
    """Stop here if the running job was cancelled.

    Raises:
        InterruptProcessingException: then.
    """
    from interop.interruption import check

    check(_running.last_call())


def _kind(device: Any) -> Any:
    return get_torch_device().type if device is None else getattr(device, "type", str(device).partition(":")[0])


def _always(answer: Any, doc: Any) -> Any:
    """A function that answers the same whatever it is given."""

    def always(*args: Any, **kwargs: Any) -> Any:
        return answer() if callable(answer) else answer

    always.__doc__ = doc
    return always


unet_offload_device = _always(_cpu, "Where a denoiser waits.")
unet_inital_load_device = _always(_cpu, "Where a denoiser is loaded to.")
text_encoder_offload_device = _always(_cpu, "Where a text encoder waits.")
vae_offload_device = _always(_cpu, "Where an autoencoder waits.")
text_encoder_device = _always(get_torch_device, "Where text is encoded.")
vae_device = _always(get_torch_device, "Where pictures are encoded and decoded.")

is_ascend_npu = is_mlu = is_directml_enabled = _always(False, "Whether such a device computes: this engine has none.")
xformers_enabled = xformers_enabled_vae = _always(False, "Whether xformers computes attention: it does not.")
sage_attention_enabled = flash_attention_enabled = _always(
    False, "Whether that library computes attention: it does not."
)
pytorch_attention_enabled = pytorch_attention_enabled_vae = _always(True, "Whether torch's own attention is used.")
force_upcast_attention_dtype = _always(None, "Dtypes in which attention must not be computed: none.")
extended_fp16_support = _always(False, "Whether half precision has a wider accumulator.")
in_training = _always(False, "Whether a model is being trained: nodes compute results.")

load_models_gpu = load_model_gpu = _always(None, "Nothing: a model is brought to the device when it computes.")
loaded_models = _always(list, "The models held on the device, as far as packs may know: none.")
cleanup_models = cleanup_models_gc = _always(None, "Nothing: models that nobody uses are freed by themselves.")
unload_all_models = soft_empty_cache
