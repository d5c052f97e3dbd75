"""Less work inside a U-Net, and what stays the same all the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from diffusion import sampling
from diffusion.loading import Checkpoint
from diffusion.model import Model
from diffusion.patching import Site, Step
from diffusion.patching.cheaper import (
    _division,
    _joined,
    _match,
    _merged,
    _tiles,
    _unmerged,
    merged_tokens,
    shrunk_early,
    tiled_attention,
)
from diffusion.patching.freeu import _with_low_frequencies, free_u
from diffusion.sampling.noise import after_noise, prepare_noise


def a_site(height: int, width: int) -> Site:
    step = Step(torch.tensor(1.5), torch.tensor([1.5, 0.0]), (1, 0), (2, 4, height, width))
    return Site(step, "input", 1, shape=(2, 8, height, width), heads=2, head_width=4)


def picture(tiny: Checkpoint, model: Model, side: int = 16) -> Tensor:
    assert tiny.clip is not None
    latent = torch.zeros(1, 4, side, side)
    return sampling.sample(
        model, noise=prepare_noise(latent, 3), latent=latent, positive=tiny.clip.encode("a red circle"),
        negative=tiny.clip.encode(""), guidance_scale=4.0, sampler="euler", schedule="normal", steps=3, seed=3,
    )  # fmt: skip


def test_tiles_joined_are_what_was_cut() -> None:
    tokens = torch.randn(2, 8 * 8, 5)
    tiles = _tiles(tokens, a_site(8, 8), 2, 4)

    assert tiles.shape == (2 * 8, 8, 5)
    assert torch.equal(_joined(tiles, a_site(8, 8), 2, 4), tokens)
    assert torch.equal(tiles[0], tokens[0].reshape(8, 8, 5)[:4, :2].reshape(8, 5))


def test_no_tile_is_smaller_than_asked() -> None:
    chance = torch.Generator()
    for size in (8, 15, 64, 97):
        for least in (1, 4, 32, 200):
            parts = _division(size, least, 3, chance)
            assert size % parts == 0 and size // parts >= min(least, size)


def test_of_two_tile_sizes_the_smaller_is_always_taken() -> None:
    chance = torch.Generator()

    assert {_division(16, 4, 2, chance) for _ in range(20)} == {4}
    assert {_division(16, 4, 3, chance) for _ in range(50)} == {4, 2}


def test_tiles_of_queries_are_asked_against_strips_of_rows(tiny: Checkpoint) -> None:
    patches = tiled_attention(tiny.model, 32, 1, 0, scale_with_depth=False).hooks.inside
    (split,) = patches.self_attention_input
    x = torch.arange(64.0).view(1, 64, 1)

    queries, keys, values = split(x, x, x, a_site(8, 8))

    assert queries[1, :, 0].tolist() == [row * 8 + column for row in range(4) for column in range(4, 8)]
    assert keys[1, :, 0].tolist() == values[1, :, 0].tolist() == list(range(16, 32))


def test_a_tile_as_large_as_the_picture_changes_nothing_and_a_smaller_one_does(tiny: Checkpoint) -> None:
    plain = picture(tiny, tiny.model, 16)

    torch.testing.assert_close(picture(tiny, tiled_attention(tiny.model, 128, 1, 0, scale_with_depth=False)), plain)
    changed = tiled_attention(tiny.model, 32, 1, 0, scale_with_depth=False)
    assert (picture(tiny, changed) - plain).abs().max() > 1e-4
    assert torch.equal(picture(tiny, changed), picture(tiny, changed)), "a seed gives one picture"


def test_choices_by_chance_go_on_where_the_initial_noise_ended() -> None:
    noise = prepare_noise(torch.zeros(2, 4, 8, 8), 5)
    chance = torch.Generator().manual_seed(5)
    torch.randn(noise.shape, generator=chance)

    assert torch.equal(torch.rand(3, generator=after_noise(noise, 5)), torch.rand(3, generator=chance))


def test_merged_tokens_come_back_to_every_place() -> None:
    x = torch.randn(2, 8 * 8, 6)
    matching = _match(x, a_site(8, 8), 0.5)
    merged = _merged(x, matching)

    assert merged.shape == (2, 32, 6)
    assert _unmerged(merged, matching).shape == x.shape


def test_tokens_that_are_equal_lose_nothing_by_merging() -> None:
    x = torch.randn(2, 1, 6).expand(2, 64, 6)
    matching = _match(x, a_site(8, 8), 0.6)

    torch.testing.assert_close(_unmerged(_merged(x, matching), matching), x)


def test_merging_nothing_changes_nothing(tiny: Checkpoint) -> None:
    torch.testing.assert_close(picture(tiny, merged_tokens(tiny.model, 0.0)), picture(tiny, tiny.model))


def test_merging_changes_a_picture_less_than_another_prompt_would(tiny: Checkpoint) -> None:
    plain, merged = picture(tiny, tiny.model), picture(tiny, merged_tokens(tiny.model, 0.5))

    assert 0 < (merged - plain).abs().mean() < plain.abs().mean()


@pytest.mark.parametrize("after_skip", [True, False])
def test_a_picture_shrunk_inside_has_its_size_outside(tiny: Checkpoint, after_skip: bool) -> None:
    shrunk = shrunk_early(tiny.model, 1, 2.0, 0.0, 0.5, after_skip=after_skip, down="bicubic", up="bicubic")
    result = picture(tiny, shrunk)

    assert result.shape == (1, 4, 16, 16) and torch.isfinite(result).all()
    assert (result - picture(tiny, tiny.model)).abs().max() > 1e-4


def test_free_u_with_factors_of_one_changes_nothing(tiny: Checkpoint) -> None:
    plain = picture(tiny, tiny.model)

    for adaptive in (False, True):
        same = free_u(tiny.model, (1.0, 1.0), (1.0, 1.0), adaptive=adaptive)
        torch.testing.assert_close(picture(tiny, same), plain, rtol=1e-4, atol=1e-4)
        stronger = free_u(tiny.model, (1.4, 1.4), (0.5, 0.5), adaptive=adaptive)
        assert (picture(tiny, stronger) - plain).abs().max() > 1e-4


def test_only_the_lowest_frequencies_of_skip_connections_are_scaled() -> None:
    flat, checkered = torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8)
    checkered[..., ::2, 1::2] = checkered[..., 1::2, ::2] = -1

    torch.testing.assert_close(_with_low_frequencies(flat, 0.2), flat * 0.2)
    torch.testing.assert_close(_with_low_frequencies(checkered, 0.2), checkered)
