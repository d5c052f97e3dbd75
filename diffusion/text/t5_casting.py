"""T5's own layers with weights in one dtype and arithmetic in another.

transformers rounds what leaves a norm or enters the last projection to the dtype of the weights; with float16 weights
and float32 arithmetic that would cost a thousandfold of accuracy for nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers.models.t5.modeling_t5 import T5DenseActDense, T5DenseGatedActDense, T5LayerNorm


class CastNorm(T5LayerNorm):
    """Root-mean-square norm that answers in the dtype of its input."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        variance = hidden_states.float().pow(2).mean(-1, keepdim=True)
        return self.weight.to(hidden_states.dtype) * (hidden_states * torch.rsqrt(variance + self.variance_epsilon))


class CastDense(T5DenseActDense):
    """Feed-forward part that stays in the dtype of its input."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        return self.wo(self.act(self.wi(hidden_states)))  # type: ignore[no-any-return]


class CastGated(T5DenseGatedActDense):
    """Gated feed-forward part that stays in the dtype of its input."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        return self.wo(self.act(self.wi_0(hidden_states)) * self.wi_1(hidden_states))  # type: ignore[no-any-return]


_CASTING = {T5LayerNorm: CastNorm, T5DenseActDense: CastDense, T5DenseGatedActDense: CastGated}


def keep_precision(module: nn.Module) -> None:
    """Let no layer of a T5 round what it computes to the dtype of its weights."""
    for layer in module.modules():
        if type(layer) in _CASTING:
            layer.__class__ = _CASTING[type(layer)]


__all__ = ["keep_precision"]
