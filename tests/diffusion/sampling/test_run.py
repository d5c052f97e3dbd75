"""Whole runs on a tiny random model."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from diffusion.loading import Checkpoint
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.names import SAMPLERS


def run(tiny: Checkpoint, **changes: Any) -> torch.Tensor:
    """A short run; changes go to `sample`."""
    assert tiny.clip is not None
    latent = changes.pop("latent", torch.zeros(1, 4, 8, 8))
    seed = changes.get("seed", 3)
    options: dict[str, Any] = {
        "noise": prepare_noise(latent, seed), "latent": latent, "positive": tiny.clip.encode("a red circle"),
        "negative": tiny.clip.encode(""), "guidance_scale": 3.0, "sampler": "euler", "schedule": "normal", "steps": 3,
        "seed": seed, **changes,
    }  # fmt: skip
    return sample(options.pop("model", tiny.model), **options)


def test_a_run_repeats_and_follows_seed_and_prompt(tiny: Checkpoint) -> None:
    first = run(tiny)

    assert first.shape == (1, 4, 8, 8)
    assert torch.equal(first, run(tiny))
    assert not torch.allclose(first, run(tiny, seed=4))
    assert not torch.allclose(first, run(tiny, positive=tiny.clip.encode("a blue star")))  # type: ignore[union-attr]


def test_one_step_of_a_diffusers_pipeline_is_the_same(tiny: Checkpoint) -> None:
    from diffusers import EulerDiscreteScheduler

    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading"
    )
    sigmas = [float(tiny.model.prediction.sigmas[i]) for i in (999, 600, 200)]
    scheduler.set_timesteps(sigmas=[*sigmas, 0.0])
    module, seen = tiny.model.network.prepare(), []
    positive, negative = tiny.clip.encode("a red circle")[0][0], tiny.clip.encode("")[0][0]  # type: ignore[union-attr]
    noise = prepare_noise(torch.zeros(1, 4, 8, 8), 3)
    x = noise * (1 + sigmas[0] ** 2) ** 0.5
    with torch.inference_mode():
        for timestep in scheduler.timesteps:
            scaled = scheduler.scale_model_input(torch.cat([x, x]), timestep)
            uncond, cond = module(scaled, timestep, encoder_hidden_states=torch.cat([negative, positive]))[0].chunk(2)
            x = scheduler.step(uncond + 3.0 * (cond - uncond), timestep, x).prev_sample
            seen.append(x)

    from diffusion.sampling import integrate
    from diffusion.sampling.guidance import ClassifierFree
    from diffusion.sampling.samplers import sampler_by_name

    found = integrate(
        tiny.model, noise=noise, latent=torch.zeros(1, 4, 8, 8), sampler=sampler_by_name("euler"), seed=3,
        conditioning={"positive": [[positive, {}]], "negative": [[negative, {}]]}, guidance=ClassifierFree(3.0),
        sigmas=torch.tensor([*sigmas, 0.0]),
    )  # fmt: skip

    assert torch.allclose(found, seen[-1] / 0.18215, atol=2e-3 * float(found.abs().max()))


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_runs_one_step_on_a_network(tiny: Checkpoint, name: str) -> None:
    assert torch.isfinite(run(tiny, sampler=name, steps=1)).all()


def test_a_guidance_scale_of_one_needs_no_negative(tiny: Checkpoint) -> None:
    assert torch.equal(run(tiny, guidance_scale=1.0), run(tiny, guidance_scale=1.0, negative=[]))


def test_a_split_run_is_the_whole_run(tiny: Checkpoint) -> None:
    whole = run(tiny, steps=4)
    first = run(tiny, steps=4, start_step=0, last_step=2)
    second = run(tiny, steps=4, start_step=2, last_step=10000, disable_noise=True, latent=first)

    assert torch.allclose(whole, second, atol=1e-4 * float(whole.abs().max()))


def test_strength_keeps_part_of_the_latent(tiny: Checkpoint) -> None:
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))

    assert torch.equal(run(tiny, latent=latent, strength=0.0), latent)
    assert not torch.equal(run(tiny, latent=latent, strength=0.5), run(tiny, latent=latent))


def test_nothing_changes_outside_a_noise_mask(tiny: Checkpoint) -> None:
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(1, 64, 64)
    mask[:, :, 32:] = 1.0
    found = run(tiny, latent=latent, noise_mask=mask)

    assert torch.allclose(found[..., :3], latent[..., :3], atol=1e-4)
    assert not torch.allclose(found[..., 5:], latent[..., 5:], atol=1e-2)


def test_inputs_are_left_as_they_were(tiny: Checkpoint) -> None:
    latent = torch.randn(1, 4, 8, 8)
    positive = tiny.clip.encode("a (red:1.4) circle")  # type: ignore[union-attr]
    before = (latent.clone(), positive[0][0].clone(), dict(positive[0][1]))
    run(tiny, latent=latent, positive=positive, sampler="uni_pc")

    assert torch.equal(latent, before[0])
    assert torch.equal(positive[0][0], before[1])
    assert positive[0][1].keys() == before[2].keys()


def test_steps_are_reported_with_their_estimates(tiny: Checkpoint) -> None:
    seen = []
    run(tiny, on_step=lambda step, total, x0, x: seen.append((step, total, x0.shape, x.shape)))

    assert seen == [(i, 3, (1, 4, 8, 8), (1, 4, 8, 8)) for i in range(3)]


def test_a_batch_contains_the_single_picture(tiny: Checkpoint) -> None:
    batch = run(tiny, latent=torch.zeros(2, 4, 8, 8))

    assert torch.allclose(batch[:1], run(tiny), atol=1e-3)
