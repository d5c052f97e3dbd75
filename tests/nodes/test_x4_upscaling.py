"""Pictures shown to the x4 upscaler."""

import torch

from nodes.x4_upscaling import sd_4x_upscale_conditioning


def test_both_conditionings_are_shown_the_picture():
    text = [[torch.zeros(1, 3, 32), {"strength": 0.5}]]
    picture = torch.rand(1, 6, 10, 3)

    found = sd_4x_upscale_conditioning(images=picture, positive=text, negative=text, noise_augmentation=0.2)

    for ((embedding, options),) in (found.positive, found.negative):
        assert embedding is text[0][0] and options["strength"] == 0.5 and options["noise_augmentation"] == 0.2
        assert options["concat_image"].shape == (1, 3, 6, 10)
    assert found.latent["samples"].shape == (1, 4, 6, 10) and text[0][1] == {"strength": 0.5}
