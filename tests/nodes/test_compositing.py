"""Pictures are put together by the published formulas."""

import pytest
import torch

from nodes import compositing


def flat(value, height=4, width=4, channels=3):
    return torch.full((1, height, width, channels), value)


def test_an_image_is_pasted_at_its_place_through_its_mask():
    mask = torch.tensor([[[1.0, 0.5]]])

    pasted = compositing.image_composite_masked(
        destination=flat(0.0), source=flat(1.0, 1, 2), x=1, y=2, resize_source=False, mask=mask
    )

    assert pasted[0, 2, :, 0].tolist() == [0, 1, 0.5, 0]
    assert pasted.sum() == pytest.approx(4.5)


def test_what_reaches_beyond_the_destination_is_cut_off():
    pasted = compositing.image_composite_masked(destination=flat(0.0), source=flat(1.0), x=3, y=3)

    assert pasted.sum() == 3
    assert compositing.image_composite_masked(destination=flat(0.0), source=flat(1.0), x=9, y=0).sum() == 0


def test_a_source_is_stretched_and_repeated_to_the_destination():
    pasted = compositing.image_composite_masked(
        destination=flat(0.0).repeat(3, 1, 1, 1), source=flat(0.5, 1, 1), resize_source=True
    )

    assert pasted.shape == (3, 4, 4, 3) and pasted.unique().tolist() == [0.5]


def test_a_source_loses_or_gets_an_alpha_channel_to_be_like_the_destination():
    pasted = compositing.image_composite_masked(destination=flat(0.25), source=flat(0.5, 1, 1, 4), x=0, y=0)
    onto = compositing.image_composite_masked(destination=flat(0.25, 4, 4, 4), source=flat(0.5, 1, 1), x=0, y=0)

    assert pasted[0, 0, 0].tolist() == [0.5] * 3 and pasted[0, 1, 1].tolist() == [0.25] * 3
    assert onto[0, 0, 0].tolist() == [0.5, 0.5, 0.5, 1] and onto[0, 1, 1].tolist() == [0.25] * 4


S, SA, D, DA = 0.8, 0.5, 0.4, 0.25
PREMULTIPLIED = {
    "ADD": (S * SA + D * DA, SA + DA),
    "CLEAR": (0, 0),
    "DARKEN": ((1 - DA) * S * SA + (1 - SA) * D * DA + min(S * SA, D * DA), SA + DA - SA * DA),
    "DST": (D * DA, DA),
    "DST_ATOP": (SA * D * DA + (1 - DA) * S * SA, SA),
    "DST_IN": (D * DA * SA, DA * SA),
    "DST_OUT": (D * DA * (1 - SA), DA * (1 - SA)),
    "DST_OVER": (D * DA + (1 - DA) * S * SA, DA + (1 - DA) * SA),
    "LIGHTEN": ((1 - DA) * S * SA + (1 - SA) * D * DA + max(S * SA, D * DA), SA + DA - SA * DA),
    "MULTIPLY": (S * SA * D * DA, SA * DA),
    "OVERLAY": (2 * S * SA * D * DA, SA + DA - SA * DA),
    "SCREEN": (S * SA + D * DA - S * SA * D * DA, SA + DA - SA * DA),
    "SRC": (S * SA, SA),
    "SRC_ATOP": (S * SA * DA + (1 - SA) * D * DA, DA),
    "SRC_IN": (S * SA * DA, SA * DA),
    "SRC_OUT": (S * SA * (1 - DA), SA * (1 - DA)),
    "SRC_OVER": (S * SA + (1 - SA) * D * DA, SA + (1 - SA) * DA),
    "XOR": ((1 - DA) * S * SA + (1 - SA) * D * DA, (1 - DA) * SA + (1 - SA) * DA),
}


@pytest.mark.parametrize("mode", sorted(PREMULTIPLIED))
def test_porter_duff_modes_follow_their_formulas(mode):
    color, alpha = PREMULTIPLIED[mode]

    # OVERLAY with 2·d < da takes its lower branch: 2·0.1 < 0.25.
    composed = compositing.porter_duff_image_composite(
        source=flat(S),
        source_alpha=torch.full((1, 4, 4), 1 - SA),
        destination=flat(D),
        destination_alpha=torch.full((1, 4, 4), 1 - DA),
        mode=mode,
    )

    expected = min(color / alpha, 1) if alpha > 0 else 0
    torch.testing.assert_close(composed.IMAGE, flat(float(expected)), atol=1e-6, rtol=0)
    torch.testing.assert_close(composed.MASK, torch.full((1, 4, 4), 1 - float(alpha)), atol=1e-6, rtol=0)


def test_a_source_of_another_size_is_fitted_and_the_shortest_batch_counts():
    composed = compositing.porter_duff_image_composite(
        source=flat(1.0, 8, 16).repeat(2, 1, 1, 1),
        source_alpha=torch.zeros(3, 8, 16),
        destination=flat(0.0).repeat(2, 1, 1, 1),
        destination_alpha=torch.zeros(2, 2, 2),
        mode="SRC_OVER",
    )

    assert composed.IMAGE.shape == (2, 4, 4, 3) and composed.IMAGE.min() > 0.99


def test_alpha_is_split_off_and_joined_again():
    image = torch.rand(2, 3, 5, 4)

    split = compositing.split_image_with_alpha(image=image)
    joined = compositing.join_image_with_alpha(image=split.IMAGE, alpha=split.MASK)

    torch.testing.assert_close(joined, image)
    assert compositing.split_image_with_alpha(image=image[..., :3]).MASK.max() == 0
    assert compositing.join_image_with_alpha(image=split.IMAGE, alpha=torch.zeros(1, 2, 2))[..., 3].min() == 1
