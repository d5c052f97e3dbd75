"""Group norms that stay in float32 under autocast: on CPUs the bfloat16 kernel is several times slower."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Float32GroupNorm(nn.GroupNorm):
    """A group norm that computes in float32 whatever the autocast settings are."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`; the result is float32."""
        with torch.autocast(x.device.type, enabled=False):
            return functional.group_norm(x.float(), self.num_groups, self.weight, self.bias, self.eps)


def keep_group_norms_in_float32(network: nn.Module) -> None:
    """Turn every group norm of the network into a `Float32GroupNorm`, in place; weights are kept."""
    for module in network.modules():
        if type(module) is nn.GroupNorm:
            module.__class__ = Float32GroupNorm
