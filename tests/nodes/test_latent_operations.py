"""Latents are added, mixed, resized, pasted, cut and turned by their numbers, and keep what they carry."""

import pytest
import torch

from graph_runtime.api import HeddleError
from nodes import latent_operations as operations


def latent(value=0.0, batch=1, height=16, width=16, channels=4, **more):
    return {"samples": torch.full((batch, channels, height, width), float(value)), "kept": "yes", **more}


def only(result):
    values = result["samples"].unique().tolist()
    assert len(values) == 1, values
    assert result["kept"] == "yes"
    return pytest.approx(values[0])


def test_arithmetic_is_done_element_by_element_and_the_second_is_fitted():
    first, second = latent(1.0, batch=3), latent(0.5, height=8, width=32)

    assert only(operations.latent_add(samples1=first, samples2=second)) == 1.5
    assert only(operations.latent_subtract(samples1=first, samples2=second)) == 0.5
    assert only(operations.latent_multiply(samples=first, multiplier=-2.5)) == -2.5
    assert operations.latent_add(samples1=first, samples2=second)["samples"].shape == (3, 4, 16, 16)


def test_interpolation_mixes_direction_and_length_apart():
    a, b = latent(), latent()
    a["samples"][:, 0], b["samples"][:, 1] = 2.0, 4.0

    middle = operations.latent_interpolate(samples1=a, samples2=b, ratio=0.5)["samples"]

    torch.testing.assert_close(middle[0, :, 0, 0], torch.tensor([3 / 2**0.5, 3 / 2**0.5, 0, 0]))
    assert torch.equal(operations.latent_interpolate(samples1=a, samples2=b, ratio=1.0)["samples"], a["samples"])
    zero = operations.latent_interpolate(samples1=latent(), samples2=latent(), ratio=0.5)["samples"]
    assert torch.equal(zero, latent()["samples"]), "no direction, no NaN"


def test_blending_gives_the_first_its_factor():
    assert (
        only(operations.latent_blend(samples1=latent(1.0), samples2=latent(2.0, height=8), blend_factor=0.75)) == 1.25
    )


@pytest.mark.parametrize("method", operations.METHODS)
def test_every_method_gives_the_wanted_size_and_keeps_flat_values(method):
    scaled = operations.latent_upscale(samples=latent(0.5), upscale_method=method, width=96, height=200, crop="center")

    assert scaled["samples"].shape == (1, 4, 25, 12)
    torch.testing.assert_close(scaled["samples"], torch.full((1, 4, 25, 12), 0.5))


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(0, 0, (16, 32)), (128, 0, (8, 16)), (0, 128, (16, 32)), (8, 8, (8, 8)), (0, 8, (8, 16))],
)
def test_latent_upscale_keeps_proportions_for_zero_and_never_goes_below_64_pixels(width, height, expected):
    scaled = operations.latent_upscale(
        samples=latent(width=32), upscale_method="area", width=width, height=height, crop="disabled"
    )

    assert tuple(scaled["samples"].shape[-2:]) == expected


def test_a_latent_is_scaled_by_a_factor_video_latents_frame_by_frame():
    video = {"samples": torch.arange(3.0).view(1, 1, 3, 1, 1).expand(2, 4, 3, 8, 8)}

    scaled = operations.latent_upscale_by(samples=video, upscale_method="bilinear", scale_by=1.5)["samples"]

    assert scaled.shape == (2, 4, 3, 12, 12)
    assert scaled[1, 2, :, 5, 5].tolist() == [0, 1, 2]


def test_bislerp_turns_directions_and_keeps_lengths():
    samples = torch.zeros(1, 2, 1, 2)
    samples[0, :, 0, 0], samples[0, :, 0, 1] = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])

    scaled = operations.latent_upscale_by(samples={"samples": samples}, upscale_method="bislerp", scale_by=2.0)[
        "samples"
    ]

    torch.testing.assert_close(scaled.norm(dim=1), torch.full((1, 2, 4), 3.0))
    assert torch.atan2(scaled[0, 1, 0], scaled[0, 0, 0]).rad2deg().tolist() == pytest.approx(
        [0, 22.5, 67.5, 90], abs=0.1
    )


def test_a_latent_is_pasted_in_pixels_of_the_picture():
    pasted = operations.latent_composite(samples_to=latent(), samples_from=latent(1.0, height=4, width=4), x=16, y=96)

    assert pasted["samples"].sum() == 4 * 4 * 4
    assert pasted["samples"][0, 0, 12:, 2:6].min() == 1


def test_feathered_pasting_fades_inner_borders_only():
    pasted = operations.latent_composite(
        samples_to=latent(), samples_from=latent(1.0, height=8, width=8), x=0, y=64, feather=16
    )["samples"][0, 0]

    assert pasted[8, 3] == 0.5 and pasted[9, 3] == 1, "the upper border is inside"
    assert pasted[12, 0] == 1 and pasted[12, 7] == 0.5, "the left border is the picture's own"
    assert pasted[15, 3] == 1, "so is the lower"


def test_a_mask_decides_what_of_a_latent_is_pasted():
    mask = torch.zeros(1, 64, 64)
    mask[:, :, 32:] = 1

    pasted = operations.latent_composite_masked(
        destination=latent(), source=latent(1.0, height=8, width=8), x=64, y=0, mask=mask
    )["samples"]

    assert pasted[0, 0, 4].tolist() == [0.0] * 12 + [1.0] * 4


@pytest.mark.parametrize(
    ("dim", "shape", "first"), [("x", (16, 32), 1), ("-x", (16, 32), 2), ("y", (32, 16), 1), ("-y", (32, 16), 2)]
)
def test_latents_are_put_side_by_side(dim, shape, first):
    joined = operations.latent_concat(samples1=latent(1.0), samples2=latent(2.0), dim=dim)["samples"]

    assert tuple(joined.shape[-2:]) == shape and joined[0, 0, 0, 0] == first


def test_a_narrower_latent_keeps_its_width_beside_another_and_does_not_fit_below_it():
    wide, narrow = latent(1.0), {"samples": latent(2.0)["samples"][..., :3]}

    beside = operations.latent_concat(samples1=wide, samples2=narrow, dim="x")["samples"]

    assert beside.shape[-1] == wide["samples"].shape[-1] + 3
    with pytest.raises(HeddleError, match="do not fit together along y"):
        operations.latent_concat(samples1=wide, samples2=narrow, dim="y")


@pytest.mark.parametrize(
    ("index", "amount", "expected"),
    [(2, 3, [2, 3, 4]), (14, 9, [14, 15]), (99, 1, [15]), (-3, 2, [13, 14]), (-99, 2, [0, 1])],
)
def test_a_strip_is_cut_out(index, amount, expected):
    samples = {"samples": torch.arange(16.0).expand(1, 4, 16, 16)}

    cut = operations.latent_cut(samples=samples, dim="x", index=index, amount=amount)["samples"]

    assert cut[0, 0, 0].tolist() == expected


def test_a_crop_leaves_at_least_64_pixels():
    samples = {"samples": torch.arange(16.0).expand(1, 4, 16, 16)}

    assert operations.latent_crop(samples=samples, width=64, height=64, x=16, y=0)["samples"][0, 0, 0].tolist() == list(
        range(2, 10)
    )
    assert operations.latent_crop(samples=samples, width=512, height=64, x=999, y=999)["samples"].shape == (1, 4, 8, 8)


def test_flips_and_turns_move_the_corners():
    samples = {"samples": torch.arange(6.0).view(1, 1, 2, 3)}

    def corner(result):
        return float(result["samples"][0, 0, 0, 0])

    assert corner(operations.latent_flip(samples=samples, flip_method="x-axis: vertically")) == 3
    assert corner(operations.latent_flip(samples=samples, flip_method="y-axis: horizontally")) == 2
    turns = ("none", "90 degrees", "180 degrees", "270 degrees")
    assert [corner(operations.latent_rotate(samples=samples, rotation=each)) for each in turns] == [0, 3, 5, 2]


def test_a_noise_mask_is_set_as_one_plane():
    masked = operations.set_latent_noise_mask(samples=latent(), mask=torch.rand(2, 9, 7))

    assert masked["noise_mask"].shape == (2, 1, 9, 7) and masked["kept"] == "yes"


def test_reinhard_keeps_directions_and_bounds_lengths():
    samples = latent()
    samples["samples"] = torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(1)) * 3
    operation = operations.latent_operation_tonemap_reinhard(multiplier=1.0)

    toned = operations.latent_apply_operation(samples=samples, operation=operation)["samples"]

    before, after = samples["samples"].norm(dim=1), toned.norm(dim=1)
    top = before.mean((1, 2), keepdim=True) + 5 * before.std((1, 2), keepdim=True)
    torch.testing.assert_close(after, before / top / (before / top + 1) * top)
    torch.testing.assert_close(toned / after[:, None], samples["samples"] / before[:, None])


def test_sharpening_a_flat_latent_changes_nothing_and_keeps_lengths_apart():
    operation = operations.latent_operation_sharpen(sharpen_radius=9, sigma=1.0, alpha=0.1)

    sharpened = operations.latent_apply_operation(samples=latent(0.5), operation=operation)["samples"]

    torch.testing.assert_close(sharpened, latent(0.5)["samples"], atol=1e-4, rtol=0)
