"""The handoff gives the picture of the pair of samplers that it stands for, to the last bit."""

import pytest
import torch

from graph_runtime.testing import run_node
from nodes.latent import empty_latent_image
from nodes.refiner import handoff_step, refiner_handoff
from nodes.sampling import ksampler, ksampler_advanced
from nodes.text import clip_text_encode

USUAL = {"steps": 8, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}


@pytest.fixture(scope="module")
def sides(tiny):
    """Conditioning of base and refiner; the same network twice, told different things."""
    texts = {
        "base_positive": "a red circle",
        "base_negative": "",
        "refiner_positive": "sharp",
        "refiner_negative": "soft",
    }
    conditioning = {name: clip_text_encode(text=text, clip=tiny.CLIP) for name, text in texts.items()}
    return {"base_model": tiny.MODEL, "refiner_model": tiny.MODEL, **conditioning}


@pytest.fixture(scope="module")
def latent():
    return empty_latent_image(width=64, height=64, batch_size=2)


def of_part(sides, part):
    names = {"model": f"{part}_model", "positive": f"{part}_positive", "negative": f"{part}_negative"}
    return {name: sides[own] for name, own in names.items()}


def handed(sides, latent, **changes):
    return run_node(refiner_handoff, **sides, latent_image=latent, seed=5, **{**USUAL, **changes})["samples"]


def paired(sides, latent, at, **changes):
    shared = {**USUAL, "noise_seed": 5, **changes}
    first = run_node(
        ksampler_advanced, **of_part(sides, "base"), **shared, latent_image=latent,
        add_noise="enable", start_at_step=0, end_at_step=at, return_with_leftover_noise="enable",
    )  # fmt: skip
    second = run_node(
        ksampler_advanced, **of_part(sides, "refiner"), **shared, latent_image=first,
        add_noise="disable", start_at_step=at, end_at_step=10_000, return_with_leftover_noise="disable",
    )  # fmt: skip
    return second["samples"]


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "dpmpp_2m_sde", "euler_ancestral"])
def test_the_picture_is_that_of_the_pair(sides, latent, sampler):
    changes = {"sampler_name": sampler, "scheduler": "karras"}

    assert torch.equal(handed(sides, latent, **changes), paired(sides, latent, 6, **changes))


def test_three_quarters_of_sixty_steps_are_forty_five():
    assert handoff_step(60, 0.75) == 45
    assert [handoff_step(20, fraction) for fraction in (0.0, 0.8, 1.0)] == [0, 16, 20]


def test_the_share_of_the_base_decides_where_it_ends(sides, latent):
    assert torch.equal(handed(sides, latent, high_noise_fraction=0.5), paired(sides, latent, 4))
    assert not torch.equal(handed(sides, latent, high_noise_fraction=0.5), handed(sides, latent))


@pytest.mark.parametrize(("fraction", "part"), [(1.0, "base"), (0.0, "refiner")])
def test_with_all_steps_one_model_draws_alone(sides, latent, fraction, part):
    alone = run_node(ksampler, **of_part(sides, part), **USUAL, seed=5, latent_image=latent)["samples"]

    assert torch.equal(handed(sides, latent, high_noise_fraction=fraction), alone)


def test_progress_runs_once_from_nothing_to_all(sides, latent):
    shares = []

    run_node(
        refiner_handoff, **sides, latent_image=latent, **USUAL,
        emit=lambda event: shares.append(event.value / event.max),
    )  # fmt: skip

    assert len(shares) == 8 and shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
