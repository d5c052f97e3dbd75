"""Joining conditionings and saying where they count."""

import torch

from nodes import conditioning as nodes_


def entry(value, tokens=2, pooled=None, **options):
    return [torch.full((1, tokens, 3), float(value)), {"pooled_output": pooled, **options}]


def test_combining_keeps_every_entry():
    first, second = [entry(1)], [entry(2), entry(3)]

    assert nodes_.conditioning_combine(conditioning_1=first, conditioning_2=second) == [*first, *second]


def test_concatenating_appends_the_tokens_of_the_first_entry():
    joined = nodes_.conditioning_concat(conditioning_to=[entry(1, x=5), entry(2)], conditioning_from=[entry(9, 4)])

    assert [item[0][0, :, 0].tolist() for item in joined] == [[1, 1, 9, 9, 9, 9], [2, 2, 9, 9, 9, 9]]
    assert joined[0][1]["x"] == 5


def test_averaging_fills_the_shorter_with_zeros_and_mixes_pooled_vectors():
    to, other = [entry(1, 3, torch.ones(1, 2))], [entry(5, 2, torch.full((1, 2), 3.0))]

    (mixed,) = nodes_.conditioning_average(conditioning_to=to, conditioning_from=other, conditioning_to_strength=0.75)

    assert mixed[0][0, :, 0].tolist() == [2.0, 2.0, 0.75]
    assert mixed[1]["pooled_output"].tolist() == [[1.5, 1.5]]
    assert to[0][1]["pooled_output"].tolist() == [[1.0, 1.0]], "the conditioning given is not changed"


def test_averaging_cuts_the_longer_to_the_shorter():
    (mixed,) = nodes_.conditioning_average(
        conditioning_to=[entry(2, 1)], conditioning_from=[entry(4, 3)], conditioning_to_strength=0.5
    )

    assert mixed[0][0, :, 0].tolist() == [3.0]


def test_an_area_is_kept_in_latent_cells_and_shares_as_they_are():
    (cells,) = nodes_.conditioning_set_area(conditioning=[entry(1)], width=128, height=64, x=8, y=16, strength=0.5)
    (shares,) = nodes_.conditioning_set_area_percentage(
        conditioning=[entry(1)], width=0.5, height=0.25, x=0.1, y=0.2, strength=1.0
    )

    assert (cells[1]["area"], cells[1]["strength"], cells[1]["set_area_to_bounds"]) == ((8, 16, 2, 1), 0.5, False)
    assert shares[1]["area"] == ("percentage", 0.25, 0.5, 0.2, 0.1)


def test_a_mask_of_one_picture_gets_a_batch():
    mask = torch.ones(4, 4)
    (masked,) = nodes_.conditioning_set_mask(
        conditioning=[entry(1)], mask=mask, strength=0.3, set_cond_area="mask bounds"
    )

    assert masked[1]["mask"].shape == (1, 4, 4)
    assert masked[1]["set_area_to_bounds"] is True and masked[1]["mask_strength"] == 0.3


def test_zeroing_out_empties_embedding_and_pooled_vector():
    (zeroed,) = nodes_.conditioning_zero_out(conditioning=[entry(4, pooled=torch.ones(1, 2), guidance=3.5)])

    assert not zeroed[0].any() and not zeroed[1]["pooled_output"].any() and zeroed[1]["guidance"] == 3.5


def test_ranges_strength_and_guidance_are_set_without_changing_the_conditioning_given():
    given = [entry(1)]

    (timed,) = nodes_.conditioning_set_timestep_range(conditioning=given, start=0.2, end=0.8)
    (strong,) = nodes_.conditioning_set_area_strength(conditioning=given, strength=2.0)
    (guided,) = nodes_.flux_guidance(conditioning=given, guidance=4.0)

    assert (timed[1]["start_percent"], timed[1]["end_percent"]) == (0.2, 0.8)
    assert strong[1]["strength"] == 2.0 and guided[1]["guidance"] == 4.0
    assert set(given[0][1]) == {"pooled_output"}
