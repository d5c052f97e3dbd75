"""The x4 upscaler, from a file of its layout to a latent, against diffusers' own pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save_file
from torch import Tensor

from diffusion.enlarging import shown_pictures
from diffusion.errors import UnknownModel
from diffusion.families.family import Scene
from diffusion.families.x4_upscaler import X4UpscalerFamily, noised
from diffusion.latents import SD_X4
from diffusion.layouts.diffusers_names import with_original_names
from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.loading import load_autoencoder, load_checkpoint, load_diffusion_model
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import Kind
from diffusion.saving import encoded, network_tensors
from diffusion.tensor_file import TensorsInMemory

CONTEXT = 64
SIZES: dict[str, Any] = {
    "in_channels": 7, "out_channels": 4, "block_out_channels": (32, 32, CONTEXT), "layers_per_block": 1,
    "cross_attention_dim": CONTEXT, "attention_head_dim": 8, "use_linear_projection": True, "num_class_embeds": 400,
    "only_cross_attention": (True, True, False),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip
TABLE = unet_table(
    [[Block(32, 0)], [Block(32, 1)], [Block(CONTEXT, 1)]], [2, 4], [[1, 1], [1, 1], [0, 0]], True, True
)  # fmt: skip
TEXT = torch.randn(2, 1, 5, CONTEXT, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def theirs() -> Any:
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return UNet2DConditionModel(**SIZES).eval()


@pytest.fixture(scope="module")
def path(theirs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    back = reverse(TABLE)
    named = {f"model.diffusion_model.{rename(name, back)}": one for name, one in theirs.state_dict().items()}
    path = tmp_path_factory.mktemp("x4") / "x4.safetensors"
    save_file({name: one.clone() for name, one in named.items()}, path)
    return path


@pytest.fixture(scope="module")
def model(path: Path) -> Model:
    return load_checkpoint(path, device="cpu").model


def enlarged(model: Model, picture: Tensor, noise_augmentation: float = 0.0, seed: int = 3, **hooks: Any) -> Tensor:
    shown, latent = shown_pictures(picture, 4.0)
    options = {"concat_image": shown, "noise_augmentation": noise_augmentation}
    return sample(
        model.with_network_patches(**hooks) if hooks else model, noise=prepare_noise(latent["samples"], seed),
        latent=latent["samples"], positive=[[TEXT[0], options]], negative=[[TEXT[1], options]], guidance_scale=3.0,
        sampler="euler", schedule="normal", steps=4, seed=seed,
    )  # fmt: skip


def test_a_file_is_recognised_by_its_table_of_noise_levels(model: Model) -> None:
    config: Any = model.network.module.config

    assert isinstance(model.family, X4UpscalerFamily) and model.latent_format == SD_X4
    assert model.prediction.kind is Kind.V and float(model.prediction.sigma_max) == pytest.approx(36.912, rel=1e-4)
    assert list(config.only_cross_attention) == [False, True, False]  # nothing attends in the first stage
    assert list(config.attention_head_dim) == [8, 8, 8]


def test_a_picture_is_enlarged_as_by_the_pipeline_of_diffusers(theirs: Any, model: Model) -> None:
    from diffusers import AutoencoderKL, DDPMScheduler, EulerDiscreteScheduler, StableDiffusionUpscalePipeline

    levels = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "scaled_linear"}
    schedule = EulerDiscreteScheduler(**levels, prediction_type="v_prediction", timestep_spacing="linspace")
    pipeline = StableDiffusionUpscalePipeline(
        vae=AutoencoderKL(block_out_channels=(32,), latent_channels=4), text_encoder=None, tokenizer=None, unet=theirs,
        low_res_scheduler=DDPMScheduler(**levels), scheduler=schedule,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    schedule.set_timesteps(4)
    picture = torch.rand(1, 8, 8, 3, generator=torch.Generator().manual_seed(4))
    highest = float(schedule.sigmas[0])
    expected = pipeline(
        image=picture.movedim(-1, 1), prompt_embeds=TEXT[0], negative_prompt_embeds=TEXT[1], guidance_scale=3.0,
        noise_level=35, num_inference_steps=4, generator=torch.Generator().manual_seed(13), output_type="latent",
        latents=prepare_noise(torch.zeros(1, 4, 8, 8), 23) * (1 + highest**2) ** 0.5 / highest,
    ).images  # fmt: skip

    found = enlarged(model, picture, noise_augmentation=0.1, seed=23)

    torch.testing.assert_close(found * SD_X4.scale, expected, rtol=1e-3, atol=1e-3)


def test_patches_find_the_blocks_that_read_text_alone(model: Model) -> None:
    picture = torch.rand(1, 8, 8, 3, generator=torch.Generator().manual_seed(4))

    plain = enlarged(model, picture)
    walked = enlarged(model, picture, between=(lambda tokens, site: tokens,))

    torch.testing.assert_close(walked, plain, rtol=1e-4, atol=1e-4)


def test_the_noise_on_the_picture_is_that_of_the_seed_ten_below_and_its_level_is_told(model: Model) -> None:
    from diffusers import DDPMScheduler

    picture, drawn = torch.rand(1, 3, 8, 8), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    scene = Scene(torch.zeros(2, 4, 8, 8), None, None, False, seed=15)
    options = {"concat_image": picture, "noise_augmentation": 0.5}

    found = model.family.inputs(TEXT[0], options, scene)

    levels = DDPMScheduler(beta_start=0.0001, beta_end=0.02, beta_schedule="scaled_linear")
    expected = levels.add_noise(picture, drawn, torch.tensor([175]))  # type: ignore[arg-type]
    torch.testing.assert_close(found["concat"], expected.repeat(2, 1, 1, 1))
    assert found["vector"].tolist() == [175]
    torch.testing.assert_close(noised(picture, 175, 5), expected)


def test_without_noise_the_picture_is_shown_as_it_is_and_without_a_picture_nothing(model: Model) -> None:
    scene = Scene(torch.zeros(1, 4, 8, 8), None, None, False)
    picture = torch.rand(1, 3, 8, 8)

    shown = model.family.inputs(TEXT[0], {"concat_image": picture}, scene)

    assert torch.equal(shown["concat"], picture) and shown["vector"].tolist() == [0]
    assert not model.family.inputs(TEXT[0], {}, scene)["concat"].any()


def test_a_file_written_again_is_the_same(model: Model, path: Path) -> None:
    written = load(encoded(network_tensors(model), {}))

    original = load(path.read_bytes())
    assert {f"model.diffusion_model.{name}" for name in written} == original.keys()
    assert all(torch.equal(one, original[f"model.diffusion_model.{name}"]) for name, one in written.items())


def test_a_network_in_the_layout_of_diffusers_gets_its_original_names(theirs: Any, model: Model) -> None:
    file = with_original_names(TensorsInMemory(dict(theirs.state_dict()), "x4"))

    again = load_diffusion_model(file, device="cpu")
    assert isinstance(again.family, X4UpscalerFamily)
    assert again.network.weights.keys() == model.network.weights.keys()


def test_a_folder_of_diffusers_says_how_it_was_trained(theirs: Any, tmp_path: Path) -> None:
    from diffusers import DDIMScheduler

    theirs.save_pretrained(tmp_path / "unet")
    levels = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "scaled_linear"}
    DDIMScheduler(**levels, prediction_type="v_prediction").save_pretrained(tmp_path / "scheduler")
    parts = {"unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", "DDIMScheduler"]}
    index = {"_class_name": "StableDiffusionUpscalePipeline", **parts}
    (tmp_path / "model_index.json").write_text(json.dumps(index))

    found = load_checkpoint(tmp_path, device="cpu").model

    assert isinstance(found.family, X4UpscalerFamily) and found.latent_format.ratio == 4
    assert found.prediction.kind is Kind.V and float(found.prediction.sigma_max) == pytest.approx(36.912, rel=1e-4)


def test_labels_of_another_network_are_refused(path: Path) -> None:
    tensors = load(path.read_bytes())
    tensors["model.diffusion_model.label_emb.weight"] = torch.zeros(10, 128)

    with pytest.raises(UnknownModel, match=r"7 input channels and 10 numbered labels.*more than 350 labels"):
        load_checkpoint(TensorsInMemory(tensors, "labels.safetensors"), device="cpu")


def test_its_autoencoder_has_four_pixels_for_a_cell(tmp_path: Path) -> None:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        block_out_channels=(32, 32, 32), latent_channels=4, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
    )  # fmt: skip
    save_file({name: one.clone() for name, one in vae.state_dict().items()}, tmp_path / "vae.safetensors")

    found = load_autoencoder(tmp_path / "vae.safetensors", device="cpu")

    assert found.decode(torch.zeros(1, 4, 2, 3)).shape == (1, 8, 12, 3)
