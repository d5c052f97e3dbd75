"""Stable Zero123, from a file of its layout to a view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load, save_file
from torch import Tensor

from diffusion.errors import ModelFileError, SamplingError
from diffusion.families.family import Scene
from diffusion.families.zero123 import Zero123Family
from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import Kind
from diffusion.saving import checkpoint_tensors, encoded
from diffusion.tensor_file import TensorsInMemory
from tests.diffusion.vision.test_encoder import clip, in_open_clip

VISION = "cond_stage_model.model.visual."
SCENE = Scene(torch.zeros(2, 4, 8, 8), None, None, False)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        unet = UNet2DConditionModel(
            in_channels=8, block_out_channels=(32, 32), layers_per_block=1, cross_attention_dim=768,
            attention_head_dim=8, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        )  # fmt: skip
        tensors = {"cc_projection.weight": torch.randn(768, 772) * 0.1, "cc_projection.bias": torch.randn(768)}
    back = reverse(unet_table([[Block(32, 1)], [Block(32, 0)]], [2], [[0, 0], [1, 1]], True, True))
    tensors |= {f"model.diffusion_model.{rename(name, back)}": one for name, one in unet.state_dict().items()}
    tensors |= in_open_clip(dict(clip(projection_dim=768).state_dict()), VISION)
    tensors["cond_stage_model.model.token_embedding.weight"] = torch.zeros(3, 8)  # all that is left of the text side
    path = tmp_path_factory.mktemp("zero123") / "zero123.safetensors"
    save_file({name: one.clone() for name, one in tensors.items()}, path)
    return path


@pytest.fixture(scope="module")
def loaded(path: Path) -> Checkpoint:
    return load_checkpoint(path, device="cpu")


def test_a_file_is_recognised_by_its_layer_for_the_camera(loaded: Checkpoint) -> None:
    config: Any = loaded.model.network.module.config

    assert isinstance(loaded.model.family, Zero123Family) and loaded.model.prediction.kind is Kind.EPSILON
    assert loaded.clip is None and loaded.vision is not None and loaded.vae is None
    assert list(config.attention_head_dim) == [8, 8]


def test_a_picture_with_its_turn_becomes_as_wide_as_text(loaded: Checkpoint, path: Path) -> None:
    tensors = load(path.read_bytes())
    turned, picture = torch.randn(1, 1, 772), torch.randn(1, 4, 8, 8)

    found = loaded.model.family.inputs(turned, {"concat_latent_image": picture}, SCENE)

    expected = F.linear(turned, tensors["cc_projection.weight"], tensors["cc_projection.bias"])
    torch.testing.assert_close(found["context"], expected)
    assert torch.equal(found["concat"], picture.repeat(2, 1, 1, 1))


def test_what_is_as_wide_as_text_is_read_as_it_is(loaded: Checkpoint) -> None:
    nothing = torch.zeros(1, 1, 768)

    assert loaded.model.family.inputs(nothing, {}, SCENE)["context"] is nothing


def test_a_conditioning_of_another_model_is_refused(loaded: Checkpoint) -> None:
    with pytest.raises(SamplingError, match=r"1024 numbers wide; this model reads 772.*or 768"):
        loaded.model.family.inputs(torch.zeros(1, 1, 1024), {}, SCENE)


def test_each_member_of_a_batch_sees_the_object_from_its_own_side(loaded: Checkpoint) -> None:
    latent = torch.zeros(2, 4, 8, 8)
    made = torch.Generator().manual_seed(1)
    turned, picture = torch.randn(2, 1, 772, generator=made), torch.randn(1, 4, 8, 8, generator=made)

    def seen(turned: Tensor) -> Tensor:
        return sample(
            loaded.model, noise=prepare_noise(latent, 1, [0, 0]), latent=latent,
            positive=[[turned, {"concat_latent_image": picture}]], negative=[[torch.zeros(1, 1, 768), {}]],
            guidance_scale=2.0, sampler="euler", schedule="normal", steps=1, seed=1,
        )  # fmt: skip

    both, first = seen(turned), seen(turned[:1])
    torch.testing.assert_close(both[0], first[0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(both[0], both[1]) and torch.equal(first[0], first[1])


def test_a_checkpoint_written_again_is_the_same(loaded: Checkpoint, path: Path) -> None:
    written = load(encoded(checkpoint_tensors(loaded.model, None, None, loaded.vision), {}))

    source = load(path.read_bytes())
    assert written.keys() == source.keys() - {"cond_stage_model.model.token_embedding.weight"}
    for name, one in written.items():  # encoders of pictures are kept in half precision
        assert torch.equal(one.flatten(), source[name].flatten().to(one.dtype)), name


def test_a_layer_for_the_camera_beside_another_network_is_refused(path: Path) -> None:
    tensors = {**load(path.read_bytes()), "cc_projection.weight": torch.zeros(12, 772)}

    with pytest.raises(ModelFileError, match=r"shape \(12, 772\), and a U-Net of 8 input channels that reads 768"):
        load_checkpoint(TensorsInMemory(tensors, "camera.safetensors"), device="cpu")
