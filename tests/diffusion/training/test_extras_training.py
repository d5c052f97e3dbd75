"""The style LoRA and the ControlNet: they begin without effect, learn alone, and are read back by the loaders."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from diffusion.control_loading import load_control
from diffusion.lora import read_lora
from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.control_lesson import ControlLesson, silhouette
from diffusion.training.denoiser_training import DenoiserTraining
from diffusion.training.drawn_set import as_images
from diffusion.training.extras_recipe import CONTROL, STYLE, ExtrasRecipe
from diffusion.training.flat_pictures import FlatPicture, PlacedShape, draw_flat
from diffusion.training.model_sizes import build_autoencoder, build_networks
from diffusion.training.progress import Progress
from diffusion.training.recipe import FirstModel, Recipe
from diffusion.training.style_lesson import StyleLesson, pastel, pastel_pictures

DRAWN = np.asarray(draw_flat(FlatPicture("blue", (PlacedShape("red", "circle", (40.0, 90.0), 20.0),))))


@pytest.fixture
def first(drawn, vocabulary, tmp_path, monkeypatch):
    """A recipe whose first model is done, with random weights."""
    torch.manual_seed(1)
    made = FirstModel(drawn, vocabulary, build_autoencoder().eval(), build_networks(len(vocabulary.ids)))
    monkeypatch.setattr(Recipe, "finished", lambda self, say: made)
    return Recipe(out=tmp_path, pictures=drawn.count)


def test_a_silhouette_is_white_where_the_shape_is():
    shape = silhouette(DRAWN)

    rows, columns = np.nonzero(shape[..., 0])
    assert set(np.unique(shape)) == {0, 255}
    assert (columns.mean(), rows.mean()) == pytest.approx((39.5, 89.5), abs=1)
    assert len(rows) == pytest.approx(np.pi * 20**2, rel=0.05)


def test_pastel_keeps_the_shape_and_takes_saturation():
    soft = pastel(DRAWN)

    assert np.ptp(soft, axis=-1).mean() < 0.7 * np.ptp(DRAWN, axis=-1).mean()
    assert (silhouette(soft) != silhouette(DRAWN)).mean() < 0.01, "the antialiased edge alone may differ"


@torch.no_grad()
def test_both_begin_without_effect(first, drawn, vocabulary):
    made = first.finished(print)
    x, timesteps = torch.randn(2, 4, 16, 16), torch.tensor([10, 700])
    tokens = torch.tensor(vocabulary.encode(["a red circle", ""]))
    context = made.networks.text_encoder.eval()(tokens).last_hidden_state
    expected = made.networks.unet.eval()(x, timesteps, context).sample
    control = ControlLesson(drawn, vocabulary, made.networks)
    _, told = control.examples(np.random.default_rng(0), replace(CONTROL, batch=2))

    steered = control.predict(control.networks(), x, timesteps, told._replace(tokens=tokens))

    assert torch.allclose(steered, expected, atol=1e-5)
    styled = pastel_pictures(drawn, 4)
    styled.encode(made.vae, lambda done, total: None)
    style = StyleLesson(CaptionedLatents(drawn, vocabulary), styled, made.networks)
    assert torch.allclose(style.predict(style.networks(), x, timesteps, tokens), expected, atol=1e-5)


def test_restyled_pictures_are_encoded_once(drawn, tmp_path):
    vae = build_autoencoder().eval()
    styled = pastel_pictures(drawn, 3)
    styled.latents_file.unlink(missing_ok=True)
    styled.latents_file.with_suffix(".done.json").unlink(missing_ok=True)
    reports = []

    styled.encode(vae, lambda done, total: reports.append(done))
    styled.encode(vae, lambda done, total: reports.append(done))

    assert reports == [3]
    picture = pastel(np.load(drawn.pictures_file, mmap_mode="r")[0])
    with torch.no_grad():
        expected = vae.encode(as_images(picture[None])).latent_dist.mean * vae.config.scaling_factor
    assert np.allclose(np.load(styled.latents_file)[0], expected[0].numpy(), atol=2e-3)


def test_training_changes_the_additions_alone_and_the_loaders_read_the_files(first, tmp_path):
    extras = ExtrasRecipe(
        first=first,
        style=replace(STYLE, steps=2, batch=2, warm_up=1),
        control=replace(CONTROL, steps=2, batch=2, warm_up=1),
        styled_pictures=4,
    )
    unet = first.finished(print).networks.unet
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}

    extras.train_control(tmp_path / "control.safetensors", lambda line: None)
    extras.train_style(tmp_path / "style.safetensors", lambda line: None)

    kept = {
        name.replace(".base_layer", ""): tensor for name, tensor in unet.state_dict().items() if "lora_" not in name
    }
    assert all(torch.equal(kept[name], tensor) for name, tensor in before.items())
    assert load_control(tmp_path / "control.safetensors", device="cpu").network is not None
    additions = read_lora(tmp_path / "style.safetensors").tensors
    assert additions and all(name.startswith("unet.") and "lora_" in name for name in additions)
    assert any(tensor.abs().max() > 0 for name, tensor in additions.items() if "lora_B" in name)


def test_a_stopped_control_training_goes_on(first, drawn, vocabulary, tmp_path):
    settings = replace(CONTROL, steps=2, batch=2, save_every=1, warm_up=1)
    log = Progress(tmp_path / "log.jsonl", lambda line: None)
    made = first.finished(print)
    results = []
    for folder, stops in (("whole", (None,)), ("parts", (1, None))):
        (tmp_path / folder).mkdir()
        for until in stops:
            training = DenoiserTraining(ControlLesson(drawn, vocabulary, made.networks), settings, tmp_path / folder)
            training.run(log, until=until)
        results.append(training.networks.control.state_dict())

    assert all(torch.equal(tensor, results[1][name]) for name, tensor in results[0].items())
