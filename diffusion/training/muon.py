"""Muon: momentum whose update for a weight matrix is made orthogonal, with AdamW for the rest.

Source: Keller Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
On these small networks it needs about half the steps of AdamW.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return a matrix near the closest semi-orthogonal one, by a quintic Newton–Schulz iteration.

    Args:
        matrix: of shape [rows, columns].
        steps: iterations; five bring all singular values into about 0.7..1.2.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    x = x.to(matrix.dtype)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    """One optimizer over two kinds of parameter groups, told apart by `group["orthogonal"]`."""

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(list(groups), {"weight_decay": 0.0, "momentum": 0.95, "betas": (0.9, 0.98)})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step; a closure is not supported."""
        if closure is not None:
            raise ValueError("Muon takes no closure: compute the gradients before calling step()")
        for group in self.param_groups:
            update = self._orthogonal if group["orthogonal"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update(group, parameter)

    def _orthogonal(self, group: dict[str, Any], parameter: Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"]
        momentum.lerp_(parameter.grad, 1 - group["momentum"])
        nesterov = parameter.grad.lerp(momentum, group["momentum"])
        rows = parameter.shape[0]
        matrix = nesterov.contiguous().reshape(rows, -1)
        scale = max(1.0, rows / matrix.shape[1]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonalised(matrix).reshape(parameter.shape), alpha=-group["lr"] * scale)

    def _adam(self, group: dict[str, Any], parameter: Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["first"] = torch.zeros_like(parameter)
            state["second"] = torch.zeros_like(parameter)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        state["first"].lerp_(parameter.grad, 1 - beta1)
        state["second"].lerp_(parameter.grad.square(), 1 - beta2)
        first = state["first"] / (1 - beta1 ** state["step"])
        second = state["second"] / (1 - beta2 ** state["step"])
        parameter.addcdiv_(first, second.sqrt_().add_(1e-8), value=-group["lr"])


def muon_for(modules: dict[str, nn.Module], *, lr: float, adam_lr: float) -> Muon:
    """Build the optimizer: inner weight matrices by Muon; ends, embeddings, norms and biases by AdamW.

    Args:
        modules: the networks to train, by name.
        lr: step length of the orthogonal updates.
        adam_lr: step length of the others.
    """
    ends = ("conv_in.", "conv_out.", "embedding", "time_embed", "quant_conv")
    matrices, others = [], []
    for name, module in modules.items():
        for key, parameter in module.named_parameters(prefix=name):
            inner = parameter.ndim >= 2 and not any(end in key for end in ends)
            (matrices if inner else others).append(parameter)
    groups = [
        {"params": matrices, "orthogonal": True, "lr": lr, "base_lr": lr},
        {"params": others, "orthogonal": False, "lr": adam_lr, "base_lr": adam_lr},
    ]
    return Muon(group for group in groups if group["params"])
