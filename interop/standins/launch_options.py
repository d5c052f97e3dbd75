"""Host module `comfy.cli_args`: the launch options, under their established names.

`args` knows the options that this engine has; any other option of the host reads as off (None or False), because
that is what it is here.
Source: protocol §5.6.
"""

import enum
from types import SimpleNamespace
from typing import Any

from interop.host import current as _current


class LatentPreviewMethod(enum.Enum):
    """How previews are made while sampling."""

    NoPreviews = "none"
    Auto = "auto"
    Latent2RGB = "latent2rgb"
    TAESD = "taesd"

    @classmethod
    def from_string(cls, value: Any) -> Any:
        """The member of that value, or None."""
        return next((member for member in cls if member.value == value), None)


class PerformanceFeature(enum.Enum):
    """Speed-ups that may change results; none is on."""

    Fp16Accumulation = "fp16_accumulation"
    Fp8MatrixMultiplication = "fp8_matrix_mult"
    CublasOps = "cublas_ops"
    AutoTune = "autotune"


class _Arguments(SimpleNamespace):
    def __getattr__(self, name: Any) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _NOT_SET.get(name, False)

    def __contains__(self, name: Any) -> bool:
        return name in self.__dict__


_NOT_SET = dict.fromkeys(
    [
        "base_directory",
        "output_directory",
        "input_directory",
        "temp_directory",
        "user_directory",
        "front_end_root",
        "reserve_vram",
        "cuda_device",
        "default_device",
        "extra_model_paths_config",
        "cuda_malloc",
        "enable_cors_header",
        "tls_keyfile",
        "tls_certfile",
        "directml",
        "async_offload",
        "default_hashing_function_value",
        "database_url",
    ]
)

args = _Arguments(
    listen="127.0.0.1",
    port=8188,
    preview_method=LatentPreviewMethod.NoPreviews,
    preview_size=512,
    disable_metadata=False,
    fast=set(),
    cpu=False,
    multi_user=False,
    disable_all_custom_nodes=False,
    whitelist_custom_nodes=[],
    front_end_version="",
    verbose="INFO",
    cache_lru=0,
    cache_ram=0,
    max_upload_size=100,
    default_hashing_function="sha256",
)


def _adopt(settings: Any) -> None:
    for name, value in settings.items():
        if name == "preview_method" and isinstance(value, str):
            value = LatentPreviewMethod.from_string(value) or LatentPreviewMethod.NoPreviews
        setattr(args, name, value)


_adopt(_current().settings)
