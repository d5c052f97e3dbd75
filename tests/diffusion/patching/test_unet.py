"""A walked U-Net gives what its own forward gives, and patches take effect where they belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion import sampling
from diffusion.control import Residuals
from diffusion.errors import SamplingError
from diffusion.loading import load_checkpoint
from diffusion.model import Model
from diffusion.patching import ModelPatches, Patching, Site, Step, attend
from diffusion.patching.unet import run_unet
from diffusion.testing import tiny_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path: Path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    return load_checkpoint(tiny_checkpoint(path)).model


def a_step(shape: tuple[int, ...] = (2, 4, 8, 8)) -> Step:
    return Step(torch.tensor(1.0), torch.tensor([1.0, 0.0]), (1, 0), shape)


def call(model: Model, patches: ModelPatches, residuals: Any = None, size: tuple[int, int] = (8, 8)) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4, *size, generator=generator)
    inputs = {"context": torch.randn(2, 7, 32, generator=generator)}
    with torch.inference_mode():
        module = model.network.prepare()
        return run_unet(module, x, torch.tensor([10.0, 10.0]), inputs, residuals, Patching(patches, a_step()))


def forward(model: Model, residuals: Any = None, size: tuple[int, int] = (8, 8)) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4, *size, generator=generator)
    inputs = {"context": torch.randn(2, 7, 32, generator=generator)}
    with torch.inference_mode():
        return model.family.call(model.network.prepare(), x, torch.tensor([10.0, 10.0]), inputs, residuals)


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_a_walk_without_patches_equals_the_modules_own_forward(model: Model, size: tuple[int, int]) -> None:
    torch.testing.assert_close(call(model, ModelPatches(), size=size), forward(model, size=size))


def test_control_residuals_are_added_as_in_the_modules_own_forward(model: Model) -> None:
    shapes: list[torch.Size] = []
    seen = ModelPatches(input_block=(lambda h, site: shapes.append(h.shape) or h,))
    middle: list[torch.Size] = []
    call(model, seen.with_patches(middle_block=(lambda h, site: middle.append(h.shape) or h,)))
    residuals = Residuals(tuple(torch.full(shape, 0.1) for shape in shapes), torch.full(middle[0], 0.2))

    torch.testing.assert_close(call(model, ModelPatches(), residuals), forward(model, residuals))


def test_sites_are_counted_as_in_the_original_layout(model: Model) -> None:
    sites: list[tuple[str, int]] = []
    attentions: list[tuple[str, int, int]] = []

    def note(h: Tensor, site: Site) -> Tensor:
        sites.append((site.stage, site.number))
        return h

    def join(h: Tensor, skip: Tensor, site: Site) -> tuple[Tensor, Tensor]:
        sites.append((site.stage, site.number))
        return h, skip

    def between(tokens: Tensor, site: Site) -> Tensor:
        attentions.append((site.stage, site.number, site.transformer))
        assert site.heads * site.head_width == tokens.shape[-1]
        return tokens

    call(model, ModelPatches(input_block=(note,), middle_block=(note,), output_block=(join,), between=(between,)))

    assert sites == [
        ("input", 0), ("input", 1), ("input", 2), ("input", 3), ("middle", 0),
        ("output", 0), ("output", 1), ("output", 2), ("output", 3),
    ]  # fmt: skip
    assert attentions == [
        ("input", 1, 0), ("input", 3, 1), ("middle", 0, 2),
        ("output", 0, 3), ("output", 1, 4), ("output", 2, 5), ("output", 3, 6),
    ]  # fmt: skip


def test_a_replacement_that_attends_changes_nothing(model: Model) -> None:
    def plain(q: Tensor, k: Tensor, v: Tensor, site: Site) -> Tensor:
        return attend(q, k, v, site.heads)

    patches = ModelPatches(self_attention={("middle", 0): plain}, cross_attention={("input", 1, 0): plain})

    torch.testing.assert_close(call(model, patches), forward(model))


def test_a_replacement_takes_effect_only_at_its_own_place(model: Model) -> None:
    def zero(q: Tensor, k: Tensor, v: Tensor, site: Site) -> Tensor:
        return torch.zeros_like(q)

    assert not torch.allclose(call(model, ModelPatches(self_attention={("middle", 0): zero})), forward(model))
    torch.testing.assert_close(call(model, ModelPatches(self_attention={("middle", 7): zero})), forward(model))


def test_attention_inputs_and_outputs_can_be_changed(model: Model) -> None:
    def other_text(n: Tensor, k: Tensor, v: Tensor, site: Site) -> tuple[Tensor, Tensor | None, Tensor | None]:
        return n, torch.zeros_like(k), None

    def silent(out: Tensor, site: Site) -> Tensor:
        return out * 0

    without_text = call(model, ModelPatches(cross_attention_input=(other_text,)))

    assert not torch.allclose(without_text, forward(model))
    assert not torch.allclose(call(model, ModelPatches(cross_attention_output=(silent,))), without_text)


def test_a_patch_after_the_skip_leaves_the_skip_as_it_was(model: Model) -> None:
    skips: list[Tensor] = []

    def keep(h: Tensor, skip: Tensor, site: Site) -> tuple[Tensor, Tensor]:
        skips.append(skip)
        return h, skip

    def shift(h: Tensor, site: Site) -> Tensor:
        return h + 1 if site.number == 0 else h

    call(model, ModelPatches(output_block=(keep,)))
    call(model, ModelPatches(input_block_after_skip=(shift,), output_block=(keep,)))
    call(model, ModelPatches(input_block=(shift,), output_block=(keep,)))

    torch.testing.assert_close(skips[3], skips[7])
    torch.testing.assert_close(skips[11], skips[3] + 1)


def test_the_embedding_can_be_changed(model: Model) -> None:
    changed = call(model, ModelPatches(embedding=(lambda emb, channels, step: emb + channels,)))

    assert not torch.allclose(changed, forward(model))


def test_replaced_blocks_of_a_transformer_are_refused(model: Model) -> None:
    with pytest.raises(SamplingError, match="This model is a U-Net and has no double_block number 3"):
        call(model, ModelPatches(blocks={("double_block", 3): lambda image, text, block, site: (image, text)}))


def sample(model: Model) -> Tensor:
    latent = torch.zeros(1, 4, 8, 8)
    text = [[torch.zeros(1, 7, 32), {}]]
    return sampling.sample(
        model, noise=sampling.prepare_noise(latent, 3), latent=latent, positive=text, negative=text,
        guidance_scale=2.0, sampler="euler", schedule="normal", steps=2,
    )  # fmt: skip


def test_a_model_is_sampled_with_its_patches_and_its_clone_without(model: Model) -> None:
    roles: list[tuple[int, ...]] = []

    def note(h: Tensor, site: Site) -> Tensor:
        roles.append(site.step.roles)
        return h + 1

    patched = model.with_network_patches(input_block=(note,))

    assert not torch.allclose(sample(patched), sample(model))
    assert set(roles) == {(1, 0)}


def test_a_patch_around_the_network_sees_every_call(model: Model) -> None:
    seen: list[float] = []

    def around(call: Any, x: Tensor, timestep: Tensor, inputs: Any, step: Step) -> Tensor:
        seen.append(float(step.sigma))
        return call(x, timestep, inputs)

    torch.testing.assert_close(sample(model.with_network_patches(network=(around,))), sample(model))
    assert len(seen) == 2 and seen[0] > seen[1]


def test_a_run_hook_takes_over_the_whole_run(model: Model) -> None:
    from dataclasses import replace

    from diffusion.sampling.run import integrate

    def hook(run: Any) -> Tensor:
        plain = replace(run.model, hooks=replace(run.model.hooks, run=None))
        return integrate(
            plain, noise=run.noise, latent=run.latent, conditioning=run.conditioning, guidance=run.guidance,
            sampler=run.sampler, sigmas=run.sigmas, seed=run.seed, on_step=run.on_step,
        ) + 1  # fmt: skip

    torch.testing.assert_close(sample(model.with_hooks(run=hook)), sample(model) + 1)


@pytest.mark.parametrize("first", ["CrossAttnDownBlock2D", "DownBlock2D"])
def test_features_of_adapters_are_added_as_in_the_modules_own_forward(first: str) -> None:
    from diffusers import UNet2DConditionModel

    from diffusion.families.unet import UNetFamily
    from diffusion.latents import SD1

    torch.manual_seed(0)
    module = UNet2DConditionModel(
        block_out_channels=(16, 32), down_block_types=(first, "CrossAttnDownBlock2D"), layers_per_block=2,
        up_block_types=("CrossAttnUpBlock2D", first.replace("Down", "Up")), cross_attention_dim=32, norm_num_groups=8,
        attention_head_dim=2,
    ).eval()  # fmt: skip
    size = 4 if first == "DownBlock2D" else 8
    inside = (torch.full((1, 16, size, size), 0.3), torch.full((1, 32, 4, 4), 0.2))
    residuals = Residuals((), None, inside)
    x, times = torch.randn(1, 4, 8, 8), torch.tensor([10.0])
    inputs = {"context": torch.randn(1, 7, 32)}
    with torch.inference_mode():
        expected = UNetFamily("sd1", SD1, 4, 32).call(module, x, times, inputs, residuals)
        found = run_unet(module, x, times, inputs, residuals, Patching(ModelPatches(), a_step()))
        without = run_unet(module, x, times, inputs, None, Patching(ModelPatches(), a_step()))

    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, without)
