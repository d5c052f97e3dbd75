"""Linear layers that multiply in eight-bit floating point, weights and activations alike.

Each output's weights and each token's activations have a scale of their own; sums are kept in higher precision. The
error is a few percent of a layer's output, and it is never chosen silently. Accelerators with such arithmetic (NVIDIA
from compute capability 8.9) gain speed and memory; a CPU gains memory only.

Source: Micikevicius et al. 2022, arXiv:2209.05433 (the formats).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diffusion.errors import SamplingError

FORMAT = torch.float8_e4m3fn
LARGEST = 448.0  # of the format
MULTIPLE = 16  # the arithmetic takes only sizes that are multiples of this
NEEDED = (8, 9)  # compute capability


class Float8Linear(nn.Linear):
    """A linear layer whose weight is kept as float8 with a scale for each output."""

    scale: Tensor | None = None

    def take_weight(self, weight: Tensor) -> None:
        """Keep a weight, rounded."""
        rounded, self.scale = to_float8(weight)
        self._parameters["weight"] = nn.Parameter(rounded, requires_grad=False)

    def forward(self, input: Tensor) -> Tensor:
        assert self.scale is not None, "the network was prepared"
        rows, row_scale = to_float8(input.reshape(-1, self.in_features))
        kind = input.dtype if input.device.type == "cpu" else torch.bfloat16
        weight, scale = self.weight.to(input.device), self.scale.to(input.device)  # a streamed layer's lie on the host
        out = torch._scaled_mm(rows, weight.t(), scale_a=row_scale, scale_b=scale.t(), out_dtype=kind)
        out = out.to(input.dtype).reshape(*input.shape[:-1], self.out_features)
        return out if self.bias is None else out + self.bias.to(out)


def to_float8(values: Tensor) -> tuple[Tensor, Tensor]:
    """Rows as float8, and the scale of each [rows, 1]: values ≈ float8 · scale."""
    wide = values.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / LARGEST
    return (wide / scale).to(FORMAT), scale


def float8_linears(module: nn.Module) -> frozenset[str]:
    """Let the linear layers inside a network's blocks keep float8, where the sizes allow it.

    Layers outside of the blocks (time, labels, first and last projections) stay as they are: they are small and
    sensitive.

    Returns:
        Names of the weights that are kept so.
    """
    found: set[str] = set()
    for name, layer in module.named_modules():
        inside = any(part.endswith("blocks") for part in name.split("."))
        if inside and type(layer) is nn.Linear and not layer.in_features % MULTIPLE + layer.out_features % MULTIPLE:
            layer.__class__ = Float8Linear
            found.add(f"{name}.weight")
    return frozenset(found)


def multiplies_float8(device: torch.device) -> bool:
    """Whether a device has such arithmetic of its own."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= NEEDED


def require_float8(device: torch.device) -> None:
    """Refuse devices without such arithmetic.

    Raises:
        SamplingError: with what the device has.
    """
    if device.type == "cpu" or multiplies_float8(device):
        return
    has = "is none" if device.type != "cuda" else "has {}.{}".format(*torch.cuda.get_device_capability(device))
    raise SamplingError(
        f"Eight-bit arithmetic needs an NVIDIA device of compute capability 8.9 or newer; '{device}' {has}. "
        "Remove the node, or load the model with eight-bit weights instead (weight_dtype), which saves memory only."
    )


__all__ = ["Float8Linear", "float8_linears", "multiplies_float8", "require_float8", "to_float8"]
