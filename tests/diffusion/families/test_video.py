"""Stable Video Diffusion and SV3D, from files of their layouts to frames, against diffusers' own networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save_file
from torch import Tensor

from diffusion.errors import UnknownModel
from diffusion.families.family import Scene, sinusoid
from diffusion.families.video import VideoFamily
from diffusion.guiding.weighed import rising_over_batch
from diffusion.layouts.autoencoder import autoencoder_table
from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.layouts.video import temporal_autoencoder_table, video_unet_table
from diffusion.loading import Checkpoint, load_autoencoder, load_checkpoint, load_diffusion_model
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import Kind
from diffusion.saving import autoencoder_tensors, encoded, network_tensors
from diffusion.tensor_file import TensorsInMemory
from tests.diffusion.vision.test_encoder import clip, in_open_clip

FRAMES, CONTEXT = 3, 8
UNET_TABLE = video_unet_table(unet_table([[Block(32, 1)], [Block(64, 0)]], [2], [[0, 0], [1, 1]], True, True))
VAE_TABLE = temporal_autoencoder_table(autoencoder_table(2, 2))
VISION = "conditioner.embedders.0.open_clip.model.visual."


def unet(width: int = 768) -> Any:
    """A tiny network whose blends of space and time are uneven."""
    from diffusers import UNetSpatioTemporalConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=CONTEXT, num_attention_heads=(1, 1),
            projection_class_embeddings_input_dim=width,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        ).eval()  # fmt: skip
        for name, one in network.named_parameters():
            if name.endswith("mix_factor"):
                torch.nn.init.normal_(one)
    for module in network.modules():
        if type(module).__name__ in ("ResnetBlock2D", "TemporalResnetBlock"):
            module.norm1.eps = module.norm2.eps = 1e-5  # type: ignore[union-attr, assignment]
    return network


def autoencoder() -> Any:
    from diffusers import AutoencoderKLTemporalDecoder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = AutoencoderKLTemporalDecoder(
            block_out_channels=(32, 32), layers_per_block=2, down_block_types=("DownEncoderBlock2D",) * 2
        ).eval()
        for name, one in network.named_parameters():
            if name.endswith("mix_factor"):
                torch.nn.init.normal_(one)
    return network


def original(network: Any, table: dict[str, str], prefix: str) -> dict[str, Tensor]:
    back = reverse(table)
    return {f"{prefix}{rename(name, back)}": one.clone() for name, one in network.state_dict().items()}


@pytest.fixture(scope="module")
def theirs() -> Any:
    return unet()


@pytest.fixture(scope="module")
def their_autoencoder() -> Any:
    return autoencoder()


def svd_tensors() -> dict[str, Tensor]:
    """A tiny checkpoint of Stable Video Diffusion in its original layout."""
    tensors = original(unet(), UNET_TABLE, "model.diffusion_model.")
    tensors |= original(autoencoder(), VAE_TABLE, "first_stage_model.")
    return tensors | in_open_clip(dict(clip(projection_dim=CONTEXT).state_dict()), VISION)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("svd") / "svd.safetensors"
    save_file(svd_tensors(), path)
    return path


@pytest.fixture(scope="module")
def svd(path: Path) -> Checkpoint:
    return load_checkpoint(path, device="cpu")


def test_the_names_are_those_of_published_files(path: Path) -> None:
    names = load(path.read_bytes()).keys()

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


def call(model: Model, patches: Any = None, videos: int = 2) -> tuple[Tensor, dict[str, Tensor]]:
    made = torch.Generator().manual_seed(3)
    x = torch.randn(videos * FRAMES, 8, 8, 8, generator=made)
    inputs = {
        "concat": x[:, 4:], "vector": torch.randn(videos, 768, generator=made).repeat_interleave(FRAMES, 0),
        "context": torch.randn(videos, 2, CONTEXT, generator=made).repeat_interleave(FRAMES, 0),
        "frames": torch.zeros(videos * FRAMES, FRAMES),
    }  # fmt: skip
    with torch.inference_mode():
        module = model.network.prepare()
        out = model.family.call(module, x[:, :4], torch.full((videos * FRAMES,), 0.7), inputs, None, patches)
    return out, {**inputs, "x": x}


def test_the_network_computes_as_that_of_diffusers(theirs: Any, svd: Checkpoint) -> None:
    times = torch.tensor([[5.0, 127.0, 0.1], [7.0, 30.0, 0.0]])
    made = torch.Generator().manual_seed(3)
    x, context = torch.randn(2, FRAMES, 8, 8, 8, generator=made), torch.randn(2, 1, CONTEXT, generator=made)
    frames = {
        "concat": x.flatten(0, 1)[:, 4:], "context": context.repeat_interleave(FRAMES, 0),
        "vector": sinusoid(times.flatten()).reshape(2, 768).repeat_interleave(FRAMES, 0),
        "frames": torch.zeros(2 * FRAMES, FRAMES),
    }  # fmt: skip

    with torch.inference_mode():
        expected = theirs(x, torch.tensor([0.7, 0.7]), context, times).sample.flatten(0, 1)
        module = svd.model.network.prepare()
        found = svd.model.family.call(module, x.flatten(0, 1)[:, :4], torch.full((2 * FRAMES,), 0.7), frames)

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_video_is_made_as_by_the_pipeline_of_diffusers(
    theirs: Any, their_autoencoder: Any, svd: Checkpoint
) -> None:  # fmt: skip
    from diffusers import EulerDiscreteScheduler, StableVideoDiffusionPipeline

    made = torch.Generator().manual_seed(5)
    encoded_picture, picture = torch.randn(1, 1, CONTEXT, generator=made), torch.randn(1, 4, 8, 8, generator=made)

    class Given(StableVideoDiffusionPipeline):
        """The pipeline with a picture that has been encoded already."""

        def _encode_image(self, *given: Any) -> Tensor:
            return torch.cat([torch.zeros_like(encoded_picture), encoded_picture])

        def _encode_vae_image(self, *given: Any, **more: Any) -> Tensor:
            return torch.cat([torch.zeros_like(picture), picture])

    schedule = EulerDiscreteScheduler(
        sigma_min=0.002, sigma_max=700.0, use_karras_sigmas=True, timestep_type="continuous",
        timestep_spacing="leading", prediction_type="v_prediction",
    )  # fmt: skip
    pipeline = Given(their_autoencoder, None, theirs, schedule, None)  # type: ignore[arg-type]
    pipeline.set_progress_bar_config(disable=True)
    latent = torch.zeros(FRAMES, 4, 8, 8)
    expected = pipeline(
        torch.rand(1, 3, 16, 16), 16, 16, num_frames=FRAMES, num_inference_steps=4, fps=8, motion_bucket_id=90,
        noise_aug_strength=0.0, latents=prepare_noise(latent, 9)[None], output_type="latent",
    ).frames[0]  # fmt: skip

    options = {"fps": 8, "motion_bucket_id": 90, "augmentation_level": 0.0}
    found = sample(
        svd.model.with_hooks(cfg=rising_over_batch(1.0)), noise=prepare_noise(latent, 9), latent=latent,
        positive=[[encoded_picture, {**options, "concat_latent_image": picture}]],
        negative=[[torch.zeros_like(encoded_picture), {**options, "concat_latent_image": torch.zeros_like(picture)}]],
        guidance_scale=3.0, sampler="euler", schedule="karras", steps=4, seed=9,
    )  # fmt: skip

    torch.testing.assert_close(found * 0.18215, expected, rtol=1e-3, atol=1e-3)


def test_patches_inside_change_nothing_by_themselves_and_see_every_frame(svd: Checkpoint) -> None:
    from diffusion.patching import ModelPatches, Patching, Site, Step

    seen: list[tuple[str, int]] = []

    def note(tokens: Tensor, site: Site) -> Tensor:
        assert tokens.shape[0] == 2 * FRAMES
        seen.append((site.stage, site.number))
        return tokens

    step = Step(torch.tensor(1.0), torch.tensor([1.0, 0.0]), (1, 0), (FRAMES, 4, 8, 8))
    patched, _ = call(svd.model, Patching(ModelPatches(between=(note,)), step))

    torch.testing.assert_close(patched, call(svd.model)[0], rtol=1e-4, atol=1e-5)
    assert seen == [("input", 1), ("middle", 0), ("output", 2), ("output", 3)]


def test_videos_in_one_call_do_not_see_each_other(svd: Checkpoint) -> None:
    both, _ = call(svd.model)
    first, inputs = call(svd.model, videos=2)
    again = {name: one[:FRAMES] for name, one in inputs.items()}
    with torch.inference_mode():
        module = svd.model.network.prepare()
        alone = svd.model.family.call(module, again.pop("x")[:, :4], torch.full((FRAMES,), 0.7), again)

    torch.testing.assert_close(both[:FRAMES], alone, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first[0], first[1])


def test_frames_are_decoded_together_as_by_diffusers(their_autoencoder: Any, svd: Checkpoint) -> None:
    assert svd.vae is not None
    latent = torch.randn(FRAMES, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(1))

    with torch.inference_mode():
        expected = their_autoencoder.decode(latent, num_frames=FRAMES).sample
        mean = their_autoencoder.encode(picture.movedim(-1, 1) * 2 - 1).latent_dist.mean

    together = svd.vae.decode(latent)
    torch.testing.assert_close(together, ((expected + 1) / 2).clamp(0, 1).movedim(1, -1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(svd.vae.encode(picture), mean, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[:1], svd.vae.decode(latent[:1]))


def test_published_autoencoders_have_no_layer_before_the_latent(their_autoencoder: Any) -> None:
    tensors = original(their_autoencoder, VAE_TABLE, "")
    for name in [name for name in tensors if "quant_conv" in name]:
        del tensors[name]

    found = load_autoencoder(TensorsInMemory(tensors, "vae"), device="cpu")

    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        moments = their_autoencoder.encoder(picture.movedim(-1, 1) * 2 - 1)
    torch.testing.assert_close(found.encode(picture), moments[:, :4], rtol=1e-4, atol=1e-5)
    assert autoencoder_tensors(found).keys() == tensors.keys()


def test_a_network_and_an_autoencoder_written_again_are_the_same(svd: Checkpoint, path: Path) -> None:
    assert svd.vae is not None
    source = load(path.read_bytes())
    written = {f"model.diffusion_model.{name}": one for name, one in network_tensors(svd.model).items()}
    written |= {f"first_stage_model.{name}": one for name, one in autoencoder_tensors(svd.vae).items()}
    again = load(encoded(written, {}))

    assert again.keys() == {name for name in source if not name.startswith("conditioner.")}
    assert all(torch.equal(one.flatten(), source[name].flatten()) for name, one in again.items())


def test_files_in_the_layout_of_diffusers_are_read_too(theirs: Any, their_autoencoder: Any, svd: Checkpoint) -> None:
    model = load_diffusion_model(TensorsInMemory(dict(theirs.state_dict()), "unet"), device="cpu")
    vae = load_autoencoder(TensorsInMemory(dict(their_autoencoder.state_dict()), "vae"), device="cpu")

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


def test_a_network_that_is_told_something_else_is_refused() -> None:
    tensors = original(unet(512), UNET_TABLE, "")

    with pytest.raises(UnknownModel, match=r"8 input channels that is told 512 numbers.*768 \(svd\)"):
        load_diffusion_model(TensorsInMemory(tensors, "other"), device="cpu")


def told(model: Model, options: dict[str, Any], frames: int = FRAMES) -> dict[str, Tensor]:
    scene = Scene(torch.zeros(frames, 4, 8, 8), None, None, False)
    return model.family.inputs(torch.zeros(1, 1, CONTEXT), options, scene)


def test_frames_are_told_pace_motion_and_noise(svd: Checkpoint) -> None:
    found = told(svd.model, {"fps": 8, "motion_bucket_id": 30, "augmentation_level": 0.5})

    assert torch.equal(found["vector"], sinusoid(torch.tensor([7.0, 30.0, 0.5])).reshape(1, 768))
    assert torch.equal(told(svd.model, {})["vector"], sinusoid(torch.tensor([5.0, 127.0, 0.0])).reshape(1, 768))
    assert found["frames"].shape == (1, FRAMES)


def test_frames_are_shown_the_picture_unscaled(svd: Checkpoint) -> None:
    picture = torch.randn(1, 4, 8, 8)

    assert torch.equal(told(svd.model, {"concat_latent_image": picture})["concat"], picture.repeat(FRAMES, 1, 1, 1))
    assert not told(svd.model, {})["concat"].any()


def test_views_are_told_where_the_camera_is(svd: Checkpoint) -> None:
    from dataclasses import replace

    family = replace(svd.model.family, told="camera")  # type: ignore[type-var]
    found = family.vector({"elevation": [10.0, 10.0], "azimuth": [0.0, 450.0]}, 2)  # type: ignore[attr-defined]

    assert found.shape == (2, 1280)
    torch.testing.assert_close(found[:, :256], sinusoid(torch.zeros(2)))
    torch.testing.assert_close(found[:, 256:768], sinusoid(torch.deg2rad(torch.tensor([80.0, 80.0])), 512))
    torch.testing.assert_close(found[:, 768:], sinusoid(torch.deg2rad(torch.tensor([0.0, 90.0])), 512))
