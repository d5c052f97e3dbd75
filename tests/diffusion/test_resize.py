"""Resizing keeps what it should."""

from __future__ import annotations

import pytest
import torch

from diffusion.errors import SamplingError
from diffusion.resize import METHODS, resize


@pytest.mark.parametrize("method", METHODS)
def test_an_even_picture_stays_even(method: str) -> None:
    found = resize(torch.full((2, 3, 8, 12), 0.5), 20, 6, method)

    assert found.shape == (2, 3, 6, 20)
    assert torch.allclose(found, torch.full_like(found, 0.5), atol=1 / 255)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_size_changes_nothing(method: str) -> None:
    x = torch.rand(1, 3, 8, 12)

    assert torch.allclose(resize(x, 12, 8, method), x, atol=1 / 255)


def test_a_centred_crop_trims_the_longer_side() -> None:
    x = torch.arange(8.0).expand(1, 1, 4, 8)

    assert resize(x, 4, 4, "nearest-exact", "center")[0, 0, 0].tolist() == [2, 3, 4, 5]
    assert resize(x.movedim(-1, -2), 4, 4, "nearest-exact", "center")[0, 0, :, 0].tolist() == [2, 3, 4, 5]


def test_spherical_interpolation_keeps_the_length_of_turning_vectors() -> None:
    x = torch.zeros(1, 2, 1, 2)
    x[0, :, 0, 0] = torch.tensor([1.0, 0.0])
    x[0, :, 0, 1] = torch.tensor([0.0, 1.0])
    found = resize(x, 8, 1, "bislerp")

    assert torch.allclose(found.norm(dim=1), torch.ones(1, 1, 8), atol=1e-5)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(SamplingError, match="no resizing method 'cubic'"):
        resize(torch.zeros(1, 1, 2, 2), 4, 4, "cubic")
