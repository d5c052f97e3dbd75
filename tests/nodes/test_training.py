"""A LoRA is trained, saved, loaded and used by nodes."""

import pytest
import torch

from graph_runtime.errors import Cancelled
from nodes.custom_sampling import random_noise
from nodes.lora import lora_loader
from nodes.training import lora_model_loader, save_lora, train_lora
from tests.nodes.calling import call

TEXT = [[torch.ones(1, 5, 32), {}]]
LATENT = {"samples": torch.linspace(-1, 1, 512).reshape(2, 4, 8, 8)}


def trained(tiny, tmp_path, **changes):
    settings = {"steps": 2, "rank": 2, "training_dtype": "fp32", "lora_dtype": "fp32", **changes}
    return call(train_lora, tmp_path, model=tiny.MODEL, latents=LATENT, positive=TEXT, **settings)


def picture(model):
    from diffusion.sampling import sample

    noise = random_noise(noise_seed=1).generate_noise(LATENT)
    return sample(
        model, noise=noise, latent=torch.zeros(2, 4, 8, 8), positive=TEXT, negative=TEXT, guidance_scale=1.0,
        sampler="euler", schedule="normal", steps=2, seed=1,
    )  # fmt: skip


def test_a_saved_lora_is_what_was_trained_when_it_is_loaded_again(tiny, tmp_path):
    shown = trained(tiny, tmp_path)
    result = shown.result
    call(save_lora, tmp_path, lora=result.lora, prefix="loras/mine", steps=result.steps)
    file = tmp_path / "output" / "loras" / "mine_2_steps_00001_.safetensors"
    (tmp_path / "models" / "loras").mkdir(parents=True)
    file.rename(tmp_path / "models" / "loras" / file.name)
    loaded = call(lora_loader, tmp_path, model=tiny.MODEL, clip=tiny.CLIP, lora_name=file.name).result

    assert torch.equal(picture(loaded.MODEL), picture(result.model_with_lora))
    assert torch.equal(picture(lora_model_loader(model=tiny.MODEL, lora=result.lora)), picture(result.model_with_lora))
    assert not torch.equal(picture(loaded.MODEL), picture(tiny.MODEL))
    assert lora_model_loader(model=tiny.MODEL, lora=result.lora, strength_model=0) is tiny.MODEL

    more = trained(tiny, tmp_path, existing_lora=file.name, steps=3).result
    assert (result.steps, more.steps) == (2, 5)
    assert not torch.equal(picture(more.model_with_lora), picture(result.model_with_lora))


def test_losses_are_told_step_by_step_and_kept(tiny, tmp_path):
    shown = trained(tiny, tmp_path)
    assert len(shown.result.loss["loss"]) == 2
    assert [text for text in shown.texts if text] == [
        f"step {number}: loss {loss:.4g}" for number, loss in enumerate(shown.result.loss["loss"], 1)
    ]


def test_a_training_can_be_cancelled(tiny, tmp_path, monkeypatch):
    from graph_runtime.context import Context

    real = Context.progress

    def cancelled(self, done, total, preview=None):
        if done == 1:
            self._services.cancel.cancel()
        return real(self, done, total, preview)

    monkeypatch.setattr(Context, "progress", cancelled)
    with pytest.raises(Cancelled):
        trained(tiny, tmp_path, steps=1000)
