"""Small pictures as the x4 upscaler is shown them."""

from __future__ import annotations

import pytest
import torch

from diffusion.enlarging import shown_pictures


@pytest.mark.parametrize(("ratio", "rows", "columns"), [(4.0, 6, 10), (2.0, 3, 5), (1.7, 2, 4), (0.0, 1, 1)])
def test_the_latent_has_a_cell_for_each_four_pixels_of_the_result(ratio: float, rows: int, columns: int) -> None:
    shown, latent = shown_pictures(torch.rand(2, 6, 10, 4), ratio)

    assert shown.shape == (2, 3, rows, columns)
    assert latent["samples"].shape == (2, 4, rows, columns) and not latent["samples"].any()


def test_pictures_four_times_enlarged_are_shown_pixel_by_pixel() -> None:
    picture = torch.rand(1, 6, 10, 3)

    shown, _ = shown_pictures(picture, 4.0)

    torch.testing.assert_close(shown, picture.movedim(-1, 1) * 2 - 1)
