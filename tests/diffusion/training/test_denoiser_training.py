"""Denoiser training: learns, and continues after a stop as if nothing had happened."""

import json
from dataclasses import replace

import pytest
import torch

from diffusion.training.denoiser_training import DenoiserSettings, DenoiserTraining, alphas_cumprod
from diffusion.training.progress import Progress
from diffusion.training.text_lesson import TextLesson

SETTINGS = DenoiserSettings(steps=2, batch=4, save_every=1, warm_up=1)


def progress(folder) -> Progress:
    return Progress(folder / "log.jsonl", lambda line: None, every=1)


def test_a_run_that_stopped_and_resumed_ends_with_the_same_weights(drawn, vocabulary, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = DenoiserTraining(TextLesson(drawn, vocabulary), SETTINGS, tmp_path / "whole")
    whole.run(progress(tmp_path / "whole"))

    DenoiserTraining(TextLesson(drawn, vocabulary), SETTINGS, tmp_path / "parts").run(
        progress(tmp_path / "parts"), until=1
    )
    resumed = DenoiserTraining(TextLesson(drawn, vocabulary), SETTINGS, tmp_path / "parts")
    assert resumed.step == 1
    resumed.run(progress(tmp_path / "parts"))

    for networks in ("networks", "average"):
        for name, network in getattr(whole, networks).named().items():
            other = getattr(resumed, networks).named()[name].state_dict()
            assert all(torch.equal(tensor, other[key]) for key, tensor in network.state_dict().items())
    logs = [(tmp_path / part / "log.jsonl").read_text().splitlines() for part in ("whole", "parts")]
    assert [json.loads(line)["loss"] for line in logs[0]] == [json.loads(line)["loss"] for line in logs[1]]


def test_training_changes_every_network(drawn, vocabulary, tmp_path):
    fresh = DenoiserTraining(TextLesson(drawn, vocabulary), SETTINGS, tmp_path)
    before = {name: next(n.parameters()).clone() for name, n in fresh.networks.named().items()}

    fresh.run(progress(tmp_path), until=1)

    assert all(not torch.equal(before[name], next(n.parameters())) for name, n in fresh.networks.named().items())


def test_the_step_length_rises_stays_and_falls():
    settings = replace(SETTINGS, steps=1000, warm_up=10, decay_from=0.5)

    assert settings.lr_share(0) == pytest.approx(0.1)
    assert settings.lr_share(400) == 1.0
    assert settings.lr_share(750) == pytest.approx(0.5)
    assert settings.lr_share(999) < 0.01


def test_noise_levels_are_those_of_sd1():
    signal = alphas_cumprod()

    assert signal.shape == (1000,)
    assert signal[0] == pytest.approx(0.99915, abs=1e-5)
    assert signal[-1] == pytest.approx(0.00466, abs=1e-5)
