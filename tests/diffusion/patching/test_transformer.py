"""Blocks of a transformer are replaced for one call, and are themselves again afterwards."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from diffusion.errors import SamplingError
from diffusion.families.sd3 import Sd3Family
from diffusion.patching import ModelPatches, Patching, Step


@pytest.fixture(scope="module")
def module() -> nn.Module:
    from diffusers import SD3Transformer2DModel

    torch.manual_seed(0)
    return SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=16, num_layers=3, attention_head_dim=8, num_attention_heads=4,
        joint_attention_dim=32, caption_projection_dim=32, pooled_projection_dim=2048, out_channels=16,
        pos_embed_max_size=16,
    ).eval()  # fmt: skip


def call(module: nn.Module, patches: ModelPatches | None) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 16, 8, 8, generator=generator)
    inputs = {
        "context": torch.randn(1, 5, 32, generator=generator),
        "vector": torch.randn(1, 2048, generator=generator),
    }
    step = Step(torch.tensor(1.0), torch.tensor([1.0, 0.0]), (0,), tuple(x.shape))
    patching = None if patches is None else Patching(patches, step)
    with torch.inference_mode():
        return Sd3Family().call(module, x, torch.tensor([500.0]), inputs, None, patching)


def test_a_replacement_that_calls_its_block_changes_nothing(module: nn.Module) -> None:
    patches = ModelPatches(blocks={("double_block", 1): lambda image, text, block, site: block(image, text)})

    torch.testing.assert_close(call(module, patches), call(module, None))


def test_a_skipped_block_changes_one_call_only(module: nn.Module) -> None:
    before = call(module, None)
    skipped = call(module, ModelPatches(blocks={("double_block", 1): lambda image, text, block, site: (image, text)}))

    assert not torch.allclose(skipped, before)
    torch.testing.assert_close(call(module, None), before)


def test_a_block_that_fails_leaves_the_network_whole(module: nn.Module) -> None:
    def fail(*arguments: object) -> tuple[Tensor, Tensor]:
        raise ValueError("a patch of a pack")

    before = call(module, None)
    with pytest.raises(ValueError, match="a patch of a pack"):
        call(module, ModelPatches(blocks={("double_block", 0): fail}))

    torch.testing.assert_close(call(module, None), before)


def test_a_block_that_is_not_there_is_named(module: nn.Module) -> None:
    with pytest.raises(SamplingError, match=r"has no double_block number 9 \(it has 3\)"):
        call(module, ModelPatches(blocks={("double_block", 9): lambda image, text, block, site: (image, text)}))


def test_patches_of_a_u_net_are_refused(module: nn.Module) -> None:
    with pytest.raises(SamplingError, match="made for a U-Net"):
        call(module, ModelPatches(between=(lambda tokens, site: tokens,)))
