"""Sampling nodes on a tiny model: whole, in parts, and put together by hand."""

import pytest
import torch

from graph_runtime.cancel import CancelToken
from graph_runtime.errors import Cancelled
from graph_runtime.testing import run_node
from nodes.custom_sampling import (
    add_noise,
    disable_noise,
    random_noise,
    sampler_custom,
    sampler_custom_advanced,
)
from nodes.guiders import basic_guider, cfg_guider, dual_cfg_guider, perp_neg_guider
from nodes.latent import empty_latent_image, vae_decode, vae_decode_tiled, vae_encode, vae_encode_tiled
from nodes.samplers import ksampler_select, sampler_euler_ancestral
from nodes.sampling import fit_channels, ksampler, ksampler_advanced
from nodes.schedules import basic_scheduler
from nodes.text import clip_set_last_layer, clip_text_encode


@pytest.fixture(scope="module")
def parts(tiny):
    return {
        "model": tiny.MODEL,
        "positive": clip_text_encode(text="a red circle", clip=tiny.CLIP),
        "negative": clip_text_encode(text="", clip=tiny.CLIP),
        "latent_image": empty_latent_image(width=64, height=64, batch_size=2),
    }


USUAL = {"steps": 4, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}


def whole(parts, **changes):
    return run_node(ksampler, **{**parts, **USUAL, "seed": 5, **changes})["samples"]


def test_the_seed_alone_decides_the_picture(parts):
    first, again, other = whole(parts), whole(parts), whole(parts, seed=6)

    assert torch.equal(first, again) and not torch.allclose(first, other)
    assert first.shape == (2, 4, 8, 8) and not torch.allclose(first[0], first[1])


@pytest.mark.parametrize("change", [{"cfg": 7.0}, {"steps": 5}, {"scheduler": "karras"}, {"sampler_name": "dpmpp_2m"}])
def test_every_setting_changes_the_picture(parts, change):
    assert not torch.allclose(whole(parts), whole(parts, **change))


def test_at_guidance_scale_1_the_negative_does_not_matter(parts, tiny):
    other = clip_text_encode(text="something else", clip=tiny.CLIP)

    assert torch.equal(whole(parts, cfg=1.0), whole(parts, cfg=1.0, negative=other))
    assert not torch.allclose(whole(parts), whole(parts, negative=other))


def test_less_denoising_keeps_more_of_the_picture_it_starts_from(parts):
    start = {"samples": torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * 5, "own": "kept"}
    distance = [
        (whole(parts, latent_image=start, denoise=denoise) - start["samples"]).abs().mean()
        for denoise in (0.0, 0.25, 1.0)
    ]

    assert distance[0] == 0 and distance[0] < distance[1] < distance[2]
    assert run_node(ksampler, **{**parts, **USUAL, "latent_image": start})["own"] == "kept"


def test_a_schedule_run_in_two_parts_gives_the_same_as_one(parts):
    shared = {**parts, **USUAL, "noise_seed": 5}
    first = run_node(
        ksampler_advanced, **shared, add_noise="enable", end_at_step=2, return_with_leftover_noise="enable"
    )
    second = run_node(
        ksampler_advanced, **{**shared, "latent_image": first}, add_noise="disable", start_at_step=2,
        return_with_leftover_noise="disable",
    )  # fmt: skip

    torch.testing.assert_close(second["samples"], whole(parts), rtol=1e-4, atol=1e-4)


def test_progress_is_reported_for_every_step_and_previews_only_to_those_who_watch(parts):
    events = []

    run_node(ksampler, emit=events.append, **{**parts, **USUAL})

    assert [(event.kind, event.value, event.max) for event in events] == [
        ("node_progress", step, 4) for step in (1, 2, 3, 4)
    ]


def test_a_cancelled_run_ends_at_the_next_step(parts):
    cancel = CancelToken()
    seen = []

    def listen(event):
        seen.append(event.value)
        cancel.cancel()

    with pytest.raises(Cancelled):
        run_node(ksampler, emit=listen, cancel=cancel, **{**parts, **USUAL, "steps": 1000})
    assert seen == [1]


def assembled(parts, guider, sampler=None, noise=None, denoise=1.0):
    sigmas = basic_scheduler(model=parts["model"], scheduler="normal", steps=4, denoise=denoise)
    return run_node(
        sampler_custom_advanced, noise=noise or random_noise(noise_seed=5), guider=guider,
        sampler=sampler or ksampler_select(sampler_name="euler"), sigmas=sigmas, latent_image=parts["latent_image"],
    )  # fmt: skip


def test_sampling_put_together_from_parts_equals_the_one_node(parts):
    guider = cfg_guider(model=parts["model"], positive=parts["positive"], negative=parts["negative"], cfg=3.0)

    result = assembled(parts, guider)

    assert torch.equal(result.output["samples"], whole(parts))
    (
        torch.testing.assert_close(result.denoised_output["samples"], result.output["samples"], rtol=1e-3, atol=1e-3),
        "the last step ends where the model took the picture to be",
    )


def test_the_custom_sampler_equals_the_one_node(parts):
    sigmas = basic_scheduler(model=parts["model"], scheduler="normal", steps=4)

    result = run_node(
        sampler_custom, **parts, noise_seed=5, cfg=3.0, sampler=ksampler_select(sampler_name="euler"), sigmas=sigmas
    )

    assert torch.equal(result.output["samples"], whole(parts))


def test_a_basic_guider_equals_guidance_scale_1(parts):
    result = assembled(parts, basic_guider(model=parts["model"], conditioning=parts["positive"]))

    torch.testing.assert_close(result.output["samples"], whole(parts, cfg=1.0))


def test_dual_guidance_over_one_conditioning_is_plain_guidance(parts):
    guider = dual_cfg_guider(
        model=parts["model"], cond1=parts["positive"], cond2=parts["positive"], negative=parts["negative"],
        cfg_conds=2.0, cfg_cond2_negative=3.0, style="regular",
    )  # fmt: skip

    torch.testing.assert_close(assembled(parts, guider).output["samples"], whole(parts), rtol=1e-4, atol=1e-4)


def test_a_perpendicular_negative_without_weight_is_guidance_from_the_empty_prompt(parts, tiny):
    guider = perp_neg_guider(
        model=parts["model"], positive=parts["positive"], negative=clip_text_encode(text="x", clip=tiny.CLIP),
        empty_conditioning=parts["negative"], cfg=3.0, neg_scale=0.0,
    )  # fmt: skip

    torch.testing.assert_close(assembled(parts, guider).output["samples"], whole(parts), rtol=1e-4, atol=1e-4)


def test_an_ancestral_sampler_without_fresh_noise_is_euler(parts):
    guider = cfg_guider(model=parts["model"], positive=parts["positive"], negative=parts["negative"], cfg=3.0)

    plain = assembled(parts, guider, sampler_euler_ancestral(eta=0.0))
    noisy = assembled(parts, guider, sampler_euler_ancestral(eta=1.0))

    torch.testing.assert_close(plain.output["samples"], whole(parts), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(noisy.output["samples"], whole(parts))


def test_no_noise_and_no_levels_leave_the_latent_as_it_is(parts):
    guider = basic_guider(model=parts["model"], conditioning=parts["positive"])

    result = assembled(parts, guider, noise=disable_noise(), denoise=0.0)

    assert torch.equal(result.output["samples"], parts["latent_image"]["samples"])


def test_added_noise_has_the_strength_of_its_level(parts):
    latent = {"samples": torch.zeros(1, 4, 32, 32)}

    noisy = add_noise(
        model=parts["model"], noise=random_noise(noise_seed=1), sigmas=torch.tensor([5.0]), latent_image=latent
    )

    scale = parts["model"].latent_format.scale
    assert noisy["samples"].std() == pytest.approx(5.0 / scale, rel=0.05)
    assert not latent["samples"].any()


def test_noise_added_at_the_highest_level_is_not_raised_to_pure_noise(parts):
    latent, highest = {"samples": torch.zeros(1, 4, 8, 8)}, parts["model"].prediction.sigma_max
    noise = random_noise(noise_seed=1)

    noisy = add_noise(model=parts["model"], noise=noise, sigmas=torch.stack([highest]), latent_image=latent)

    expected = noise.generate_noise(latent) * highest / parts["model"].latent_format.scale
    torch.testing.assert_close(noisy["samples"], expected)


def test_the_noise_of_a_cut_out_sample_is_that_of_its_place_in_the_batch():
    noise = random_noise(noise_seed=3)
    batch = noise.generate_noise({"samples": torch.zeros(3, 4, 8, 8)})

    cut = noise.generate_noise({"samples": torch.zeros(1, 4, 8, 8), "batch_index": [2]})

    assert torch.equal(cut[0], batch[2])


def test_an_empty_latent_takes_the_channels_of_the_model_and_a_full_one_does_not():
    assert fit_channels(torch.zeros(1, 4, 8, 8), 16).shape == (1, 16, 8, 8)
    assert fit_channels(torch.zeros(1, 16, 8, 8), 4).shape == (1, 4, 8, 8)
    assert fit_channels(torch.ones(1, 4, 8, 8), 16).shape == (1, 4, 8, 8)


def test_encoding_halves_to_eighths_and_decoding_returns_pictures(tiny):
    image = torch.rand(2, 64, 48, 4, generator=torch.Generator().manual_seed(0))

    latent = vae_encode(pixels=image, vae=tiny.VAE)
    decoded = vae_decode(samples=latent, vae=tiny.VAE)

    assert latent["samples"].shape == (2, 4, 8, 6)
    assert decoded.shape == (2, 64, 48, 3) and decoded.min() >= 0 and decoded.max() <= 1


def test_small_pictures_are_the_same_in_tiles(tiny):
    image = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0))
    latent = vae_encode(pixels=image, vae=tiny.VAE)

    tiled = vae_encode_tiled(pixels=image, vae=tiny.VAE)
    decoded = vae_decode_tiled(samples=latent, vae=tiny.VAE)

    torch.testing.assert_close(tiled["samples"], latent["samples"], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(decoded, vae_decode(samples=latent, vae=tiny.VAE), rtol=1e-3, atol=1e-3)


def test_an_earlier_layer_of_the_text_encoder_gives_another_conditioning(tiny):
    skipped = clip_set_last_layer(clip=tiny.CLIP, stop_at_clip_layer=-2)

    usual, other = (clip_text_encode(text="a cat", clip=clip)[0][0] for clip in (tiny.CLIP, skipped))
    assert usual.shape == other.shape and not torch.allclose(usual, other)


def test_a_checkpoint_without_text_encoder_says_what_to_do():
    with pytest.raises(ValueError, match=r"contains no text encoder.*Load one with a CLIP loader"):
        clip_text_encode(text="x", clip=None)
