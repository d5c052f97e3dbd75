"""From an empty folder to the model file: every phase in order, each going on where it stopped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from diffusion.training.autoencoder_training import AutoencoderSettings, AutoencoderTraining, normalise_latent
from diffusion.training.decoder_finishing import DecoderFinishing, FinishingSettings
from diffusion.training.denoiser_training import DenoiserSettings, DenoiserTraining
from diffusion.training.drawn_set import DrawnSet, as_images
from diffusion.training.export import export
from diffusion.training.model_sizes import Networks, build_autoencoder
from diffusion.training.progress import Progress
from diffusion.training.text_lesson import TextLesson
from diffusion.training.vocabulary import Vocabulary, caption_vocabulary

Say = Callable[[str], None]
NORMALISED_ON = 1024  # pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All settings of one training, and the folder that holds its data, checkpoints and logs."""

    out: Path
    pictures: int = 40960
    seed: int = 1
    autoencoder: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    finishing: FinishingSettings = field(default_factory=FinishingSettings)

    def train(self, model_file: Path, say: Say) -> int:
        """Run every phase that is not finished yet, and write the model file.

        Returns:
            The size of the file in bytes.
        """
        made = self.finished(say)
        size = export(made.networks, made.vae, made.vocabulary, model_file)
        say(f"wrote {model_file}, {size} bytes")
        return size

    def finished(self, say: Say) -> "FirstModel":
        """Run every phase that is not finished yet, and return what they made."""
        self.out.mkdir(parents=True, exist_ok=True)
        vocabulary = caption_vocabulary()
        drawn = DrawnSet(self.out, self.pictures, self.seed)
        drawn.draw(vocabulary, telling(say, "drawn"))
        vae = self._autoencoder(drawn, say)
        drawn.encode(vae, telling(say, "encoded"))
        denoiser = DenoiserTraining(TextLesson(drawn, vocabulary), self.denoiser, self.out)
        denoiser.run(self.progress("denoiser", say))
        DecoderFinishing(vae, drawn, self.finishing, self.out).run(self.progress("decoder", say))
        return FirstModel(drawn, vocabulary, vae, denoiser.average)

    def _autoencoder(self, drawn: DrawnSet, say: Say) -> AutoencoderKL:
        finished = self.out / "autoencoder_normalised.pt"
        if not finished.exists():
            training = AutoencoderTraining(drawn, self.autoencoder, self.out)
            training.run(self.progress("autoencoder", say))
            pictures = np.load(drawn.pictures_file, mmap_mode="r")[:NORMALISED_ON]
            training.vae.eval()
            normalise_latent(training.vae, as_images(pictures))
            torch.save(training.vae.state_dict(), finished)
        vae = build_autoencoder().to(memory_format=torch.channels_last)
        vae.load_state_dict(torch.load(finished, weights_only=True))
        return vae.eval()

    def progress(self, phase: str, say: Say) -> Progress:
        """Return the log of one phase."""
        return Progress(self.out / f"{phase}.jsonl", lambda line: say(f"{phase}: {line}"))


@dataclass(frozen=True, slots=True)
class FirstModel:
    """What the recipe makes: the data, and the trained parts with averaged weights."""

    drawn: DrawnSet
    vocabulary: Vocabulary
    vae: AutoencoderKL
    networks: Networks


def telling(say: Say, done_word: str) -> Callable[[int, int], None]:
    """Return a report of counts as a line for people."""
    return lambda done, total: say(f"{done_word} {done} of {total} pictures")
