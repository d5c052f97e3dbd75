"""What every habit starts from: a model with conditionings, and a picture of it."""

import comfy.sample
import torch
from nodes import common_ksampler

STEPS, SCALE, SEED = 3, 3.0, 1


class Bench:
    def __init__(self, model, clip, vae, positive, negative):
        self.model, self.clip, self.vae, self.positive, self.negative = model, clip, vae, positive, negative
        self.latent = {"samples": torch.zeros(1, 4, 8, 8)}

    def sampled(self, model=None, **changes):
        given = {"positive": self.positive, "negative": self.negative, "latent": self.latent, **changes}
        (found,) = common_ksampler(
            self.model if model is None else model, SEED, STEPS, SCALE, "euler", "normal",
            given["positive"], given["negative"], given["latent"],
        )  # fmt: skip
        return found["samples"]

    def noise(self):
        return comfy.sample.prepare_noise(self.latent["samples"], SEED, None)

    def unchanged(self, model=None, **changes):
        """Sampling gives the same picture as the model alone."""
        alike(self.sampled(model, **changes), self.sampled())

    def changed(self, model=None, **changes):
        """Sampling gives another picture than the model alone."""
        assert (self.sampled(model, **changes) - self.sampled()).abs().max() > 1e-3


def alike(found, expected):
    assert torch.allclose(found, expected, atol=1e-3), float((found - expected).abs().max())
