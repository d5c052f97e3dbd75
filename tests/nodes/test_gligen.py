"""Texts in boxes, as conditioning."""

import torch

from nodes.gligen import gligen_text_box_apply


def test_boxes_gather_in_latent_pixels_and_the_conditioning_given_is_not_changed(tiny):
    text = [[torch.zeros(1, 3, 32), {"strength": 0.5}]]
    box = {"clip": tiny.CLIP, "gligen_textbox_model": "model", "width": 64, "height": 32, "x": 16, "y": 8}

    once = gligen_text_box_apply(conditioning_to=text, text="red", **box)
    twice = gligen_text_box_apply(conditioning_to=once, text="blue", **box)

    kind, model, boxes = twice[0][1]["gligen"]
    assert (kind, model, len(boxes), twice[0][1]["strength"]) == ("position", "model", 2, 0.5)
    assert boxes[0][1:] == (4, 8, 1, 2) and boxes[0][0].shape == (1, 32)
    assert not torch.equal(boxes[0][0], boxes[1][0])
    assert len(once[0][1]["gligen"][2]) == 1 and "gligen" not in text[0][1]
