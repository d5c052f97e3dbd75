"""Sounds: made, joined, mixed, cut and made louder. None of these nodes needs a model or a file.

A sound is a dict: waveform float32 [batch, channels, samples] in -1..1, and sample_rate in samples a second.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from graph_runtime.api import Choice, HeddleError, Options, Range, Socket, node
from nodes.empty_latents import BatchSize
from nodes.sockets import Latent

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Channels",
    "audio_adjust_volume",
    "audio_concat",
    "audio_merge",
    "empty_ace_step_latent_audio",
    "empty_audio",
    "empty_latent_audio",
    "split_audio_channels",
    "trim_audio_duration",
]

Audio = Annotated[
    dict[str, Any], Socket("AUDIO", "dict: waveform float32 [batch, channels, samples]; sample_rate in Hz")
]
FOREVER = 0xFFFFFFFFFFFFFFFF
"""The longest time that the established inputs accept, in seconds."""
LATENT_RATE = 44100
"""Samples a second of the models whose empty latents are made here."""


class Channels(NamedTuple):
    """The two channels of a stereo sound, each a sound of its own."""

    left: Audio
    right: Audio


@node("EmptyAudio", title="Empty Audio", category="audio", device=False)
def empty_audio(
    *,
    duration: Annotated[float, Options(min=0.0, max=FOREVER, step=0.01)] = 60.0,
    sample_rate: int = 44100,
    channels: Annotated[int, Range(1, 2)] = 2,
) -> Audio:
    """Make silence.

    Args:
        duration: in seconds.
        sample_rate: samples a second.
        channels: 1 for mono, 2 for stereo.
    """
    import torch

    return {"waveform": torch.zeros(1, channels, round(duration * sample_rate)), "sample_rate": sample_rate}


@node("AudioConcat", title="Audio Concat", category="audio", device=False)
def audio_concat(
    *, audio1: Audio, audio2: Audio, direction: Annotated[str, Choice("after", "before")] = "after"
) -> Audio:
    """Play one sound after another, in stereo, at the higher of the two sample rates.

    Args:
        audio1: a sound.
        audio2: another one.
        direction: where the second sound is played.
    """
    import torch

    first, second, rate = _alike(audio1, audio2)
    first, second = (each.repeat(1, 2, 1) if each.shape[1] == 1 else each for each in (first, second))
    return {"waveform": torch.cat((first, second) if direction == "after" else (second, first), 2), "sample_rate": rate}


@node("AudioMerge", title="Audio Merge", category="audio", device=False)
def audio_merge(
    *,
    audio1: Audio,
    audio2: Audio,
    merge_method: Annotated[str, Choice("add", "mean", "subtract", "multiply")],
) -> Audio:
    """Mix two sounds; the second is cut or filled with silence to the length of the first.

    What would be louder than full volume is made quieter as a whole.

    Args:
        audio1: a sound; its length is kept.
        audio2: another one.
        merge_method: how samples of both become one.
    """
    import torch

    first, second, rate = _alike(audio1, audio2)
    length = first.shape[2]
    second = torch.nn.functional.pad(second[..., :length], (0, max(0, length - second.shape[2])))
    match merge_method:
        case "add":
            mixed = first + second
        case "mean":
            mixed = (first + second) / 2
        case "subtract":
            mixed = first - second
        case _:
            mixed = first * second
    loudest = mixed.abs().max().item() if mixed.numel() else 0.0
    return {"waveform": mixed / loudest if loudest > 1 else mixed, "sample_rate": rate}


@node("AudioAdjustVolume", title="Audio Adjust Volume", category="audio", device=False)
def audio_adjust_volume(*, audio: Audio, volume: Annotated[int, Range(-100, 100), Options(default=1.0)]) -> Audio:
    """Make a sound louder or quieter.

    Args:
        audio: the sound.
        volume: in decibels; 0 changes nothing, 6 doubles the amplitude, -6 halves it.
    """
    return {**audio, "waveform": audio["waveform"] * 10 ** (volume / 20)}


@node("SplitAudioChannels", title="Split Audio Channels", category="audio", device=False)
def split_audio_channels(*, audio: Audio) -> Channels:
    """Take a stereo sound apart into two mono sounds.

    Args:
        audio: a sound with two channels.
    """
    waveform = audio["waveform"]
    if waveform.shape[1] != 2:
        raise HeddleError(
            f"The sound has {waveform.shape[1]} channels, not two.",
            fix="Connect a stereo sound, or leave the node out.",
        )
    return Channels({**audio, "waveform": waveform[:, :1]}, {**audio, "waveform": waveform[:, 1:]})


@node("TrimAudioDuration", title="Trim Audio Duration", category="audio", device=False)
def trim_audio_duration(
    *,
    audio: Audio,
    start_index: Annotated[float, Options(min=-FOREVER, max=FOREVER, step=0.01)] = 0.0,
    duration: Annotated[float, Range(0.0, step=0.01)] = 60.0,
) -> Audio:
    """Keep a part of a sound.

    Args:
        audio: the sound.
        start_index: where the part begins, in seconds; negative from the end.
        duration: how long it is at most, in seconds.
    """
    rate, length = audio["sample_rate"], audio["waveform"].shape[2]
    begin = round(start_index * rate) + (length if start_index < 0 else 0)
    begin = max(0, min(begin, length - 1))
    end = min(begin + round(duration * rate), length)
    if begin >= end:
        raise HeddleError(
            f"Nothing is left of a sound of {length / rate:g} s from {start_index:g} s on for {duration:g} s.",
            fix="Begin inside the sound, and keep more than nothing.",
        )
    return {**audio, "waveform": audio["waveform"][..., begin:end]}


@node("EmptyLatentAudio", title="Empty Latent Audio", category="latent/audio")
def empty_latent_audio(
    *, seconds: Annotated[float, Range(1.0, 1000.0, step=0.1)] = 47.6, batch_size: BatchSize = 1
) -> Latent:
    """Make empty latents as Stable Audio takes them.

    Args:
        seconds: how long the sound is.
        batch_size: how many sounds to make at once.
    """
    import torch

    length = 2 * round(seconds * LATENT_RATE / 2048 / 2)
    return {"samples": torch.zeros(batch_size, 64, length), "type": "audio"}


@node("EmptyAceStepLatentAudio", title="EmptyAceStepLatentAudio", category="latent/audio")
def empty_ace_step_latent_audio(
    *, seconds: Annotated[float, Range(1.0, 1000.0, step=0.1)] = 120.0, batch_size: BatchSize = 1
) -> Latent:
    """Make empty latents as ACE-Step takes them.

    Args:
        seconds: how long the sound is.
        batch_size: how many sounds to make at once.
    """
    import torch

    return {"samples": torch.zeros(batch_size, 8, 16, int(seconds * LATENT_RATE / 512 / 8)), "type": "audio"}


def _alike(first: dict[str, Any], second: dict[str, Any]) -> tuple[Tensor, Tensor, int]:
    """The waveforms of two sounds at the higher of their sample rates."""
    rate = max(first["sample_rate"], second["sample_rate"])
    one, other = (_resampled(each["waveform"], each["sample_rate"], rate) for each in (first, second))
    return one, other, rate


def _resampled(waveform: Tensor, rate: int, wanted: int) -> Tensor:
    """A waveform at another sample rate: band-limited interpolation by a windowed sinc.

    Args:
        waveform: [batch, channels, samples].
    Returns:
        [batch, channels, ceil(samples · wanted / rate)].
    Source:
        J. O. Smith, Digital Audio Resampling Home Page; six zero crossings on each side, Hann window, rolloff 0.99.
    """
    import torch

    if rate == wanted:
        return waveform
    shared = math.gcd(rate, wanted)
    old, new = rate // shared, wanted // shared
    crossings, band = 6, min(old, new) * 0.99
    width = math.ceil(crossings * old / band)
    at = torch.arange(-width, width + old, dtype=torch.float64) / old
    phase = -torch.arange(new, dtype=torch.float64)[:, None] / new
    time = ((at + phase) * band).clamp(-crossings, crossings)
    kernels = torch.sinc(time) * torch.cos(time * math.pi / crossings / 2) ** 2 * band / old
    batch, channels, length = waveform.shape
    padded = torch.nn.functional.pad(waveform.reshape(-1, 1, length), (width, width + old))
    pieces = torch.nn.functional.conv1d(padded, kernels[:, None].to(waveform), stride=old)
    return pieces.transpose(1, 2).reshape(batch, channels, -1)[..., : math.ceil(new * length / old)]
