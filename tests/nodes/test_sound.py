"""Sounds: made, joined, mixed, cut and made louder."""

import math

import pytest
import torch

from graph_runtime.errors import HeddleError
from nodes.sound import (
    audio_adjust_volume,
    audio_concat,
    audio_merge,
    empty_ace_step_latent_audio,
    empty_audio,
    empty_latent_audio,
    split_audio_channels,
    trim_audio_duration,
)


def sound(*channels, rate=10):
    return {"waveform": torch.tensor([channels], dtype=torch.float32), "sample_rate": rate}


def tone(hertz, rate, seconds=1.0):
    at = torch.arange(round(rate * seconds)) / rate
    return {"waveform": torch.sin(2 * math.pi * hertz * at)[None, None], "sample_rate": rate}


def test_silence_has_the_length_that_was_asked_for():
    made = empty_audio(duration=1.26, sample_rate=100, channels=1)

    assert made["waveform"].shape == (1, 1, 126) and not made["waveform"].any()
    assert made["sample_rate"] == 100


@pytest.mark.parametrize(("direction", "left"), [("after", [1, 2, 3]), ("before", [3, 1, 2])])
def test_sounds_are_played_one_after_another_in_stereo(direction, left):
    joined = audio_concat(audio1=sound([1, 2]), audio2=sound([3], [4]), direction=direction)

    assert joined["waveform"][0, 0].tolist() == left
    assert joined["waveform"].shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("how", "mixed"),
    [("add", [0.5, 0.75, 0.25]), ("mean", [0.25, 0.375, 0.125]), ("subtract", [0.0, -0.25, 0.25]),
     ("multiply", [0.0625, 0.125, 0.0])],
)  # fmt: skip
def test_sounds_are_mixed_to_the_length_of_the_first(how, mixed):
    made = audio_merge(audio1=sound([0.25, 0.25, 0.25]), audio2=sound([0.25, 0.5]), merge_method=how)

    assert made["waveform"][0, 0].tolist() == mixed
    assert audio_merge(audio1=sound([0.25]), audio2=sound([0.25, 9]), merge_method=how)["waveform"].shape[2] == 1


def test_a_mix_that_is_too_loud_is_made_quieter_as_a_whole():
    made = audio_merge(audio1=sound([1.0, 0.5]), audio2=sound([1.0, 0.5]), merge_method="add")

    assert made["waveform"][0, 0].tolist() == [1.0, 0.5]


def test_sounds_of_different_rates_meet_at_the_higher_one():
    joined = audio_concat(audio1=tone(5, 200), audio2=tone(5, 320), direction="after")

    assert joined["sample_rate"] == 320 and joined["waveform"].shape == (1, 2, 640)
    made = joined["waveform"][0, 0, 20:300]
    assert torch.allclose(made, tone(5, 320)["waveform"][0, 0, 20:300], atol=2e-3), "the same tone, but for its ends"


@pytest.mark.parametrize(("volume", "factor"), [(0, 1.0), (20, 10.0), (-20, 0.1)])
def test_decibels_multiply_the_amplitude(volume, factor):
    louder = audio_adjust_volume(audio=sound([0.01, -0.02]), volume=volume)

    assert torch.allclose(louder["waveform"], torch.tensor([[[0.01, -0.02]]]) * factor)


def test_a_stereo_sound_is_taken_apart():
    left, right = split_audio_channels(audio=sound([1, 2], [3, 4]))

    assert (left["waveform"].tolist(), right["waveform"].tolist()) == ([[[1, 2]]], [[[3, 4]]])
    with pytest.raises(HeddleError, match="not two"):
        split_audio_channels(audio=sound([1, 2]))


@pytest.mark.parametrize(
    ("start", "duration", "kept"),
    [(0.0, 60.0, [0, 1, 2, 3, 4]), (0.2, 0.2, [2, 3]), (-0.2, 60.0, [3, 4]), (-9.0, 0.1, [0])],
)
def test_a_part_is_kept(start, duration, kept):
    part = trim_audio_duration(audio=sound([0, 1, 2, 3, 4]), start_index=start, duration=duration)

    assert part["waveform"][0, 0].tolist() == kept


def test_keeping_nothing_is_an_error():
    with pytest.raises(HeddleError, match="Nothing is left"):
        trim_audio_duration(audio=sound([0, 1]), start_index=0.0, duration=0.0)


def test_empty_latents_have_the_shapes_of_their_models():
    stable, step = empty_latent_audio(seconds=47.6, batch_size=2), empty_ace_step_latent_audio(seconds=120.0)

    assert (stable["samples"].shape, stable["type"]) == ((2, 64, 1024), "audio")
    assert (step["samples"].shape, step["type"]) == ((1, 8, 16, 1291), "audio")
