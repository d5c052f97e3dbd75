"""What single families read from a conditioning, and the empty latents that they take."""

import pytest
import torch

from nodes import empty_videos, family_conditioning


def conditioning(**options):
    return [[torch.ones(1, 2, 3), dict(options)], [torch.zeros(1, 2, 3), {}]]


def test_reference_pictures_are_added_after_those_that_are_there():
    first, second = torch.zeros(1, 4, 2, 2), torch.ones(1, 4, 2, 2)

    given = conditioning(reference_latents=[first])
    shown = family_conditioning.reference_latent(conditioning=given, latent={"samples": second})

    assert [len(options["reference_latents"]) for _, options in shown] == [2, 1]
    assert shown[0][1]["reference_latents"][1] is second
    assert len(given[0][1]["reference_latents"]) == 1
    assert family_conditioning.reference_latent(conditioning=given) is given


def test_guidance_can_be_taken_away():
    shown = family_conditioning.flux_disable_guidance(conditioning=conditioning(guidance=3.5))

    assert [options["guidance"] for _, options in shown] == [None, None]


@pytest.mark.parametrize(("method", "stored"), [("offset", "offset"), ("index", "index"), ("uxo/uno", "uxo")])
def test_the_way_to_tell_references_apart_is_stored(method, stored):
    shown = family_conditioning.flux_kontext_multi_reference_latent_method(
        conditioning=conditioning(), reference_latents_method=method
    )

    assert shown[0][1]["reference_latents_method"] == stored


def test_both_sides_learn_the_frame_rate():
    positive, negative = family_conditioning.ltxv_conditioning(
        positive=conditioning(), negative=conditioning(), frame_rate=30.0
    )

    assert positive[1][1]["frame_rate"] == negative[0][1]["frame_rate"] == 30.0


def test_a_box_of_a_video_is_given_in_shares():
    shown = family_conditioning.conditioning_set_area_percentage_video(
        conditioning=conditioning(), width=0.5, height=0.25, temporal=0.75, x=0.1, y=0.2, z=0.3, strength=2.0
    )

    assert shown[0][1] == {
        "area": ("percentage", 0.75, 0.25, 0.5, 0.3, 0.2, 0.1),
        "strength": 2.0,
        "set_area_to_bounds": False,
    }


def test_the_second_stage_gets_the_latents_of_the_first():
    prior = torch.ones(1, 16, 4, 4)

    shown = family_conditioning.stable_cascade_stage_b_conditioning(
        conditioning=conditioning(), stage_c={"samples": prior}
    )

    assert shown[0][1]["stable_cascade_prior"] is prior


def test_a_part_of_the_schedule_has_a_before_and_an_after():
    ranges = family_conditioning.conditioning_timesteps_range(start_percent=0.2, end_percent=0.7)

    assert tuple(ranges) == ((0.2, 0.7), (0.0, 0.2), (0.7, 1.0))


@pytest.mark.parametrize(
    ("make", "options", "shape"),
    [
        (empty_videos.empty_hunyuan_latent_video, {"length": 25}, (2, 16, 7, 60, 106)),
        (empty_videos.empty_cosmos_latent_video, {"length": 121}, (2, 16, 16, 88, 160)),
        (empty_videos.empty_mochi_latent_video, {"length": 25}, (2, 12, 5, 60, 106)),
        (empty_videos.empty_ltxv_latent_video, {"length": 97}, (2, 128, 13, 16, 24)),
        (empty_videos.empty_chroma_radiance_latent_image, {}, (2, 3, 1024, 1024)),
    ],
)
def test_an_empty_latent_has_the_shape_of_its_family(make, options, shape):
    samples = make(batch_size=2, **options)["samples"]

    assert (tuple(samples.shape), samples.dtype, float(samples.abs().sum())) == (shape, torch.float32, 0.0)


def test_both_stages_get_an_empty_latent():
    stages = empty_videos.stable_cascade_empty_latent_image(width=1024, height=512, compression=42, batch_size=1)

    assert tuple(stages.stage_c["samples"].shape) == (1, 16, 12, 24)
    assert tuple(stages.stage_b["samples"].shape) == (1, 4, 128, 256)
