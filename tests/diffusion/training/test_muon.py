"""Muon: orthogonal updates for matrices, AdamW for the rest."""

import pytest
import torch
from torch import nn

from diffusion.training.muon import muon_for, orthogonalised


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24)])
def test_singular_values_come_close_to_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))

    values = torch.linalg.svdvals(orthogonalised(matrix))

    assert values.min() > 0.4
    assert values.max() < 1.4


def test_it_fits_a_line():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 1))
    optimizer = muon_for({"network": network}, lr=0.02, adam_lr=0.01)
    x = torch.randn(256, 4)
    y = x.sum(dim=1, keepdim=True)
    losses = []
    for _ in range(150):
        loss = (network(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < losses[0] / 20


def test_ends_and_embeddings_are_not_orthogonalised():
    ends = {"conv_in": nn.Conv2d(4, 8, 3), "token_embedding": nn.Embedding(5, 8)}
    network = nn.ModuleDict({**ends, "inner": nn.Linear(8, 8)})
    groups = muon_for({"unet": network}, lr=0.1, adam_lr=0.01).param_groups

    orthogonal = [p for group in groups if group["orthogonal"] for p in group["params"]]

    assert orthogonal == [network["inner"].weight]


def test_a_closure_is_refused():
    optimizer = muon_for({"n": nn.Linear(2, 2)}, lr=0.1, adam_lr=0.1)

    with pytest.raises(ValueError, match="takes no closure"):
        optimizer.step(lambda: 0.0)
