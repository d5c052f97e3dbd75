"""What video networks are told, and what they make of it, against diffusers' own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.families.family import Scene, sinusoid
from diffusion.guiding.weighed import rising_over_batch
from diffusion.loading import Checkpoint
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from tests.diffusion.tiny_videos import CONTEXT, FRAMES


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


def test_the_network_computes_as_that_of_diffusers(svd_unet: Any, svd: Checkpoint) -> None:
    times = torch.tensor([[5.0, 127.0, 0.1], [7.0, 30.0, 0.0]])
    made = torch.Generator().manual_seed(3)
    x, context = torch.randn(2, FRAMES, 8, 8, 8, generator=made), torch.randn(2, 1, CONTEXT, generator=made)
    frames = {
        "concat": x.flatten(0, 1)[:, 4:], "context": context.repeat_interleave(FRAMES, 0),
        "vector": sinusoid(times.flatten()).reshape(2, 768).repeat_interleave(FRAMES, 0),
        "frames": torch.zeros(2 * FRAMES, FRAMES),
    }  # fmt: skip

    with torch.inference_mode():
        expected = svd_unet(x, torch.tensor([0.7, 0.7]), context, times).sample.flatten(0, 1)
        module = svd.model.network.prepare()
        found = svd.model.family.call(module, x.flatten(0, 1)[:, :4], torch.full((2 * FRAMES,), 0.7), frames)

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_video_is_made_as_by_the_pipeline_of_diffusers(
    svd_unet: Any, svd_autoencoder: Any, svd: Checkpoint
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
    pipeline = Given(svd_autoencoder, None, svd_unet, schedule, None)  # type: ignore[arg-type]
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
