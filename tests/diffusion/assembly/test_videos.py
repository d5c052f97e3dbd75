"""Files of Stable Video Diffusion and SV3D: recognised, read whole, written again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

from diffusion.errors import MissingWeights, UnknownModel
from diffusion.families.video import VideoFamily
from diffusion.layouts.autoencoder import autoencoder_table
from diffusion.loading import Checkpoint, load_autoencoder, load_checkpoint, load_diffusion_model
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import Kind
from diffusion.saving import autoencoder_tensors, checkpoint_tensors, encoded, network_tensors
from diffusion.tensor_file import TensorsInMemory
from tests.diffusion.families.test_video import call
from tests.diffusion.tiny_videos import CONTEXT, FRAMES, UNET_TABLE, VAE_TABLE, original, unet
from tests.diffusion.vision.test_encoder import clip


def test_the_names_are_those_of_published_files(svd_path: Path) -> None:
    names = load(svd_path.read_bytes()).keys()

    for name in (
        "model.diffusion_model.input_blocks.1.0.time_stack.in_layers.2.weight",
        "model.diffusion_model.input_blocks.1.0.time_mixer.mix_factor",
        "model.diffusion_model.input_blocks.1.1.time_stack.0.ff_in.net.0.proj.weight",
        "model.diffusion_model.input_blocks.1.1.time_stack.0.attn1.to_out.0.weight",
        "model.diffusion_model.input_blocks.1.1.time_pos_embed.2.weight",
        "model.diffusion_model.input_blocks.1.1.time_mixer.mix_factor",
        "model.diffusion_model.input_blocks.2.0.op.weight",
        "model.diffusion_model.middle_block.1.time_stack.0.norm_in.weight",
        "model.diffusion_model.output_blocks.1.1.conv.weight",
        "model.diffusion_model.label_emb.0.2.weight",
        "first_stage_model.decoder.mid.block_1.time_stack.out_layers.3.weight",
        "first_stage_model.decoder.up.0.block.2.mix_factor",
        "first_stage_model.decoder.conv_out.time_mix_conv.weight",
        "first_stage_model.decoder.mid.attn_1.q.weight",
    ):
        assert name in names, name


def test_a_file_is_recognised_and_brings_its_encoder_of_pictures(svd: Checkpoint) -> None:
    rule = svd.model.prediction

    assert isinstance(svd.model.family, VideoFamily) and svd.model.family.name == "svd"
    assert rule.kind is Kind.V and float(rule.sigma_min) == pytest.approx(0.002)
    assert float(rule.sigma_max) == pytest.approx(700.0, rel=1e-4)
    assert float(rule.timestep(torch.tensor(700.0))) == pytest.approx(0.25 * 6.551080)
    assert svd.clip is None and svd.vision is not None and svd.vae is not None


def test_a_network_and_an_autoencoder_written_again_are_the_same(svd: Checkpoint, svd_path: Path) -> None:
    assert svd.vae is not None
    source = load(svd_path.read_bytes())
    written = {f"model.diffusion_model.{name}": one for name, one in network_tensors(svd.model).items()}
    written |= {f"first_stage_model.{name}": one for name, one in autoencoder_tensors(svd.vae).items()}
    again = load(encoded(written, {}))

    assert again.keys() == {name for name in source if not name.startswith("conditioner.")}
    assert all(torch.equal(one.flatten(), source[name].flatten()) for name, one in again.items())


def test_files_in_the_layout_of_diffusers_are_read_too(svd_unet: Any, svd_autoencoder: Any, svd: Checkpoint) -> None:
    model = load_diffusion_model(TensorsInMemory(dict(svd_unet.state_dict()), "unet"), device="cpu")
    vae = load_autoencoder(TensorsInMemory(dict(svd_autoencoder.state_dict()), "vae"), device="cpu")

    assert svd.vae is not None
    assert model.network.weights.keys() == svd.model.network.weights.keys()
    assert vae.network.weights.keys() == svd.vae.network.weights.keys()


@pytest.mark.parametrize(("width", "name"), [(256, "sv3d_u"), (1280, "sv3d_p")])
def test_views_of_an_object_are_recognised_by_what_a_frame_is_told(width: int, name: str) -> None:
    tensors = original(unet(width), UNET_TABLE, "")
    model = load_diffusion_model(TensorsInMemory(tensors, name), device="cpu")

    latent = torch.zeros(FRAMES, 4, 8, 8)
    turned = sample(
        model, noise=prepare_noise(latent, 1), latent=latent, negative=[[torch.zeros(1, 1, CONTEXT), {}]],
        positive=[[torch.ones(1, 1, CONTEXT), {"elevation": [0, 5, 10], "azimuth": [0, 120, 240]}]],
        guidance_scale=2.0, sampler="euler", schedule="karras", steps=1, seed=1,
    )  # fmt: skip
    assert model.family.name == name and turned.shape == latent.shape and turned.isfinite().all()


def test_sv3d_comes_with_an_autoencoder_of_pictures_in_a_place_of_its_own(svd_autoencoder: Any) -> None:
    from diffusers import AutoencoderKL

    plain = AutoencoderKL(
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4,
    )  # fmt: skip
    tensors = original(unet(256), UNET_TABLE, "model.diffusion_model.")
    tensors |= original(plain, autoencoder_table(2, 1), "conditioner.embedders.1.encoder.")
    views = set(tensors)
    tensors |= original(svd_autoencoder, VAE_TABLE, "first_stage_model.")

    found = load_checkpoint(TensorsInMemory(tensors, "sv3d"), device="cpu")

    assert found.vae is not None and not found.vae.codec.decodes_videos
    assert checkpoint_tensors(found.model, None, found.vae).keys() == views


def test_weights_that_stay_in_half_precision_give_the_numbers_of_a_whole_copy(
    svd: Checkpoint, svd_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    half = TensorsInMemory({name: one.half() for name, one in load(svd_path.read_bytes()).items()}, "half")
    whole = load_checkpoint(half, device="cpu").model
    monkeypatch.setattr("diffusion.placement.CAST_ABOVE", 0)
    kept = load_checkpoint(half, device="cpu").model

    assert (whole.network.storage, kept.network.storage) == (torch.float32, torch.float16)
    torch.testing.assert_close(call(kept)[0], call(whole)[0], rtol=1e-5, atol=1e-6)


def test_what_an_incomplete_file_lacks_is_named(svd_path: Path) -> None:
    tensors = {name: one for name, one in load(svd_path.read_bytes()).items() if ".time_pos_embed." not in name}

    with pytest.raises(
        MissingWeights, match=r"'cut' lacks 16 of the \d+ tensors that a VideoUNet .*down_blocks.0 \(4\)"
    ):
        load_checkpoint(TensorsInMemory(tensors, "cut"), device="cpu")


def test_a_network_without_numbers_to_be_told_is_refused(svd_path: Path) -> None:
    tensors = {name: one for name, one in load(svd_path.read_bytes()).items() if "label_emb" not in name}

    with pytest.raises(UnknownModel, match=r"'label_emb.0.0.weight' is missing"):
        load_checkpoint(TensorsInMemory(tensors, "cut"), device="cpu")


def test_a_folder_of_diffusers_brings_every_part(
    svd_unet: Any, svd_autoencoder: Any, svd: Checkpoint, tmp_path: Path
) -> None:  # fmt: skip
    svd_unet.save_pretrained(tmp_path / "unet")
    svd_autoencoder.save_pretrained(tmp_path / "vae")
    clip(projection_dim=CONTEXT).save_pretrained(tmp_path / "image_encoder")
    parts = {
        "unet": "UNetSpatioTemporalConditionModel", "vae": "AutoencoderKLTemporalDecoder",
        "image_encoder": "CLIPVisionModelWithProjection",
    }  # fmt: skip
    index = {name: ["diffusers", kind] for name, kind in parts.items()}
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableVideoDiffusionPipeline", **index}))

    found = load_checkpoint(tmp_path, device="cpu")

    assert found.vae is not None and found.vision is not None and svd.vision is not None
    assert found.model.family == svd.model.family and found.vae.codec.decodes_videos
    picture = torch.rand(1, 42, 42, 3)
    torch.testing.assert_close(
        found.vision.encode_image(picture).image_embeds, svd.vision.encode_image(picture).image_embeds
    )
    torch.testing.assert_close(call(found.model)[0], call(svd.model)[0])


def test_a_network_that_is_told_something_else_is_refused() -> None:
    tensors = original(unet(512), UNET_TABLE, "")

    with pytest.raises(UnknownModel, match=r"8 input channels that is told 512 numbers.*768 \(svd\)"):
        load_diffusion_model(TensorsInMemory(tensors, "other"), device="cpu")
