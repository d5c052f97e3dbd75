"""Which of torch's kernels computes attention, chosen instead of left to torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from diffusion.errors import SamplingError
from diffusion.model import Model
from diffusion.patching.record import CallNetwork, Step

KERNELS: Mapping[str, SDPBackend] = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "memory efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}


def with_attention_kernel(model: Model, kernel: str) -> Model:
    """The model with one kernel for all of its attention; `math` is plain sums, the others are fused.

    Raises:
        SamplingError: for an unknown name; when the model is used, if the device, the format of the numbers or an
            attention mask rules the kernel out.
    """
    if kernel not in KERNELS:
        raise SamplingError(f"There is no attention kernel '{kernel}'. Known: {', '.join(KERNELS)}.")
    chosen = KERNELS[kernel]

    def around(network: CallNetwork, x: Tensor, timestep: Tensor, inputs: Mapping[str, Any], step: Step) -> Tensor:
        try:
            with sdpa_kernel([chosen]):
                return network(x, timestep, inputs)
        except RuntimeError as error:
            if "backend" not in str(error) and "kernel" not in str(error).lower():
                raise
            raise SamplingError(
                f"The attention kernel '{kernel}' cannot be used on '{x.device.type}' with "
                f"{str(x.dtype).removeprefix('torch.')}: {str(error).splitlines()[0]} "
                "Choose another, or remove the node."
            ) from error

    return model.with_network_patches(network=(around,))


__all__ = ["KERNELS", "with_attention_kernel"]
