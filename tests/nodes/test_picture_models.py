"""Videos and views, from the file of a model to pictures, by nodes."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from graph_runtime.errors import HeddleError
from graph_runtime.testing import run_node
from nodes.guidance_scaling import video_linear_cfg_guidance
from nodes.latent import vae_decode
from nodes.picture_models import (
    image_only_checkpoint_loader,
    image_only_checkpoint_save,
    stable_zero123_conditioning,
    stable_zero123_conditioning_batched,
    sv3d_conditioning,
    svd_img2vid_conditioning,
)
from nodes.sampling import ksampler
from tests.diffusion.tiny_videos import CONTEXT, svd_tensors
from tests.nodes.calling import call

PICTURE = torch.rand(1, 20, 16, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def file(tiny_files):
    """A tiny Stable Video Diffusion among the checkpoints."""
    path = tiny_files.folders.model_dirs("checkpoints")[0] / "video.safetensors"
    save_file(svd_tensors(), path)
    return path


@pytest.fixture(scope="module")
def loaded(tiny_files, file):
    return run_node(image_only_checkpoint_loader, files=tiny_files, ckpt_name=file.name)


def test_a_picture_becomes_a_video(tiny_files, loaded):
    started = svd_img2vid_conditioning(
        clip_vision=loaded.CLIP_VISION, init_image=PICTURE, vae=loaded.VAE, width=32, height=16, video_frames=3,
        motion_bucket_id=90, fps=8, augmentation_level=0.1,
    )  # fmt: skip
    latent = {"samples": torch.zeros(3, 4, 8, 16)}  # the tiny autoencoder has two pixels for a cell, not eight
    video = run_node(
        ksampler, files=tiny_files, model=video_linear_cfg_guidance(model=loaded.MODEL), positive=started.positive,
        negative=started.negative, latent_image=latent, seed=1, steps=2, cfg=2.5, sampler_name="euler",
        scheduler="karras",
    )  # fmt: skip
    frames = vae_decode(samples=video, vae=loaded.VAE)

    ((seen, options),) = started.positive
    assert seen.shape == (1, 1, CONTEXT) and options["fps"] == 8 and options["augmentation_level"] == 0.1
    assert started.latent["samples"].shape == (3, 4, 2, 4)
    assert frames.shape == (3, 16, 32, 3) and not torch.allclose(frames[0], frames[2])


def test_a_checkpoint_that_is_saved_is_the_one_that_was_loaded(tiny_files, loaded, file, tmp_path):
    call(
        image_only_checkpoint_save, tmp_path, model=loaded.MODEL, clip_vision=loaded.CLIP_VISION, vae=loaded.VAE,
        filename_prefix="video",
    )  # fmt: skip

    (path,) = (tmp_path / "output").glob("video*.safetensors")
    written, source = load_file(path), load_file(file)
    assert written.keys() == source.keys()
    assert all(torch.equal(one.flatten(), source[name].flatten().to(one.dtype)) for name, one in written.items())


def test_a_model_without_room_for_an_encoder_of_pictures_is_refused(tiny, loaded, tmp_path):
    from diffusion.errors import ModelFileError

    with pytest.raises(ModelFileError, match=r"this kind \(sd1\) has room for this encoder of pictures"):
        call(
            image_only_checkpoint_save, tmp_path, model=tiny.MODEL, clip_vision=loaded.CLIP_VISION, vae=loaded.VAE,
        )  # fmt: skip


def test_a_checkpoint_without_an_encoder_of_pictures_is_refused(tiny_files):
    with pytest.raises(HeddleError, match=r"tiny.safetensors' has no encoder of pictures"):
        run_node(image_only_checkpoint_loader, files=tiny_files, ckpt_name="tiny.safetensors")


def test_views_of_sv3d_go_once_around(loaded):
    started = sv3d_conditioning(
        clip_vision=loaded.CLIP_VISION, init_image=PICTURE, vae=loaded.VAE, width=16, height=16, video_frames=5,
        elevation=12.5,
    )  # fmt: skip

    for ((_, options),) in (started.positive, started.negative):
        assert options["azimuth"] == [0.0, 90.0, 180.0, 270.0, 360.0] and options["elevation"] == [12.5] * 5
    assert started.latent["samples"].shape == (5, 4, 2, 2)


def test_views_of_zero123_are_turned_one_by_one(loaded):
    shown = {"clip_vision": loaded.CLIP_VISION, "init_image": PICTURE, "vae": loaded.VAE, "width": 16, "height": 16}
    one = stable_zero123_conditioning(**shown, batch_size=2, elevation=10.0, azimuth=35.0)
    many = stable_zero123_conditioning_batched(
        **shown, batch_size=2, elevation=10.0, azimuth=35.0, elevation_batch_increment=5.0, azimuth_batch_increment=-5.0
    )
    last = stable_zero123_conditioning(**shown, elevation=15.0, azimuth=30.0)

    assert one.positive[0][0].shape == (1, 1, CONTEXT + 4) and one.negative[0][0].shape == (1, 1, CONTEXT)
    torch.testing.assert_close(many.positive[0][0], torch.cat([one.positive[0][0], last.positive[0][0]]))
    assert many.latent["batch_index"] == [0, 0] and "batch_index" not in one.latent
    assert many.latent["samples"].shape == one.latent["samples"].shape == (2, 4, 2, 2)
