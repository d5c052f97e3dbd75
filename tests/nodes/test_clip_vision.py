"""Pictures as conditioning, from files to a latent."""

import pytest
import torch
from safetensors.torch import save_file

from graph_runtime.errors import HeddleError
from graph_runtime.testing import run_node
from nodes.clip_vision import (
    clip_vision_encode,
    clip_vision_loader,
    unclip_checkpoint_loader,
    unclip_conditioning,
)
from nodes.style_models import style_model_apply, style_model_loader


@pytest.fixture(scope="module")
def pictures(tiny_files):
    """A tiny encoder of pictures and a tiny Redux as files."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 16}
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes, image_size=28, patch_size=14, projection_dim=8))
    redux = {"redux_up.weight": torch.randn(24, 32), "redux_up.bias": torch.zeros(24),
             "redux_down.weight": torch.randn(32, 24), "redux_down.bias": torch.zeros(32)}  # fmt: skip
    for folder, tensors in (("clip_vision", dict(encoder.state_dict())), ("style_models", redux)):
        directory = tiny_files.folders.model_dirs(folder)[0]
        directory.mkdir(exist_ok=True)
        save_file(tensors, directory / "tiny.safetensors")
    return tiny_files


def test_a_picture_is_encoded_cut_or_squeezed(pictures):
    encoder = run_node(clip_vision_loader, files=pictures, clip_name="tiny.safetensors")
    image = torch.rand(2, 20, 60, 3, generator=torch.Generator().manual_seed(1))

    cut, squeezed = (clip_vision_encode(clip_vision=encoder, image=image, crop=crop) for crop in ("center", "none"))

    assert cut.image_embeds.shape == (2, 8) and cut.last_hidden_state.shape == (2, 5, 32)
    assert not torch.allclose(cut.image_embeds, squeezed.image_embeds)


def test_a_style_is_added_after_the_text(pictures):
    encoder = run_node(clip_vision_loader, files=pictures, clip_name="tiny.safetensors")
    style = run_node(style_model_loader, files=pictures, style_model_name="tiny.safetensors")
    seen = clip_vision_encode(clip_vision=encoder, image=torch.rand(1, 28, 28, 3), crop="center")
    text = [[torch.zeros(1, 3, 32), {"pooled_output": None}]]

    ((tokens, _),) = style_model_apply(
        conditioning=text, style_model=style, clip_vision_output=seen, strength=0.5, strength_type="multiply"
    )

    assert tokens.shape == (1, 8, 32)
    torch.testing.assert_close(tokens[:, 3:], style.tokens(seen) * 0.5)
    assert text[0][0].shape == (1, 3, 32)


def test_pictures_gather_in_the_conditioning_and_none_of_no_strength():
    text = [[torch.zeros(1, 3, 32), {}]]
    once = unclip_conditioning(conditioning=text, clip_vision_output="a", strength=0.5, noise_augmentation=0.1)
    twice = unclip_conditioning(conditioning=once, clip_vision_output="b")

    assert [one["clip_vision_output"] for one in twice[0][1]["unclip_conditioning"]] == ["a", "b"]
    assert once[0][1]["unclip_conditioning"] == [
        {"clip_vision_output": "a", "strength": 0.5, "noise_augmentation": 0.1}
    ]
    assert unclip_conditioning(conditioning=text, clip_vision_output="a", strength=0) is text
    assert text[0][1] == {}


def test_a_checkpoint_without_an_encoder_of_pictures_is_refused(tiny_files):
    with pytest.raises(HeddleError, match=r"tiny.safetensors' has no encoder of pictures"):
        run_node(unclip_checkpoint_loader, files=tiny_files, ckpt_name="tiny.safetensors")
