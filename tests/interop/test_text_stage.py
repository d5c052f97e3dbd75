"""The inside of a CLIP, which packs that weigh prompts by themselves reach into."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from interop.errors import ClosedAttribute, NotSupported
from tests.interop.conftest import Open


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from diffusion.loading import load_checkpoint
    from diffusion.testing import tiny_checkpoint

    path = tmp_path_factory.mktemp("text") / "tiny.safetensors"
    tiny_checkpoint(path)
    return load_checkpoint(path).clip


@pytest.fixture
def clip(encoder: Any) -> Any:
    from interop.models import lend_one

    return lend_one(encoder)


def test_each_token_carries_the_number_of_its_word(clip: Any) -> None:
    (chunk,) = clip.tokenize("red (square:1.5)", return_word_ids=True)["l"]

    words = [word for _, _, word in chunk]
    assert words[0] == 0 and words[-1] == 0
    assert sorted(set(words)) == [0, 1, 2]
    assert {weight for _, weight, word in chunk if word == 2} == {1.5}
    assert [pair[:2] for pair in chunk] == clip.tokenize("red (square:1.5)")["l"][0]


def test_one_encoder_gives_what_the_whole_gives(clip: Any) -> None:
    tokens = clip.tokenize("red (square:1.5)")
    expected, pooled = clip.encode_from_tokens(tokens, return_pooled=True)

    alone = clip.cond_stage_model.clip_l.encode_token_weights(tokens["l"])
    whole = clip.cond_stage_model.encode_token_weights(tokens)

    for features, vector in (alone, whole):
        assert torch.equal(features, expected) and torch.equal(vector, pooled)


def test_the_pooled_vector_can_be_left_unprojected(encoder: Any) -> None:
    from interop.models import lend_one

    (tower,) = encoder.towers
    projecting = replace(encoder, towers=(replace(tower, projection=torch.eye(tower.width) * 2),))
    clip = lend_one(projecting)
    tokens = clip.tokenize("red square")

    plain = clip.encode_from_tokens(tokens, return_pooled="unprojected")[1]
    projected = clip.encode_from_tokens(tokens, return_pooled=True)[1]

    assert torch.allclose(plain * 2, projected)


def test_options_of_the_inside_are_read_by_every_way_to_encode(clip: Any) -> None:
    tokens = clip.tokenize("red square")
    other = clip.clone()
    other.clip_layer(-2)

    clip.cond_stage_model.set_clip_options({"layer": -2})

    assert torch.equal(clip.encode_from_tokens(tokens), other.encode_from_tokens(tokens))
    clip.cond_stage_model.reset_clip_options()
    assert clip.layer_idx is None
    with pytest.raises(NotSupported, match="made_up"):
        clip.cond_stage_model.set_clip_options({"made_up": 1})


def test_a_vocabulary_says_which_words_tokens_are(clip: Any) -> None:
    own = clip.tokenizer.clip_l
    ids = own.tokenizer("red")["input_ids"]

    assert (ids[0], ids[-1]) == (own.start_token, own.end_token)
    assert "".join(own.inv_vocab[token] for token in ids[1:-1]) == "red</w>"
    assert (own.pad_with_end, own.pad_to_max_length, own.embedding_key, own.embedding_size) == (
        True,
        True,
        "clip_l",
        32,
    )
    assert own.tokenize_with_weights("red") == clip.tokenize("red")["l"]


def test_what_an_encoder_lacks_is_no_attribute(clip: Any) -> None:
    assert not hasattr(clip.cond_stage_model, "clip_g")
    with pytest.raises(ClosedAttribute, match=r"cond_stage_model\.transformer"):
        _ = clip.cond_stage_model.transformer


def test_kinds_of_text_encoders_are_told_apart(house: Open, clip: Any) -> None:
    house("sinks")
    import importlib

    sd1, sdxl = importlib.import_module("comfy.sd1_clip"), importlib.import_module("comfy.sdxl_clip")

    assert isinstance(clip.cond_stage_model, sd1.SD1ClipModel)
    assert not isinstance(clip.cond_stage_model, (sdxl.SDXLClipModel, sdxl.SDXLClipG))


def test_a_packs_lora_changes_the_text_encoder(house: Open, clip: Any) -> None:
    house("sinks")
    import importlib

    lora = importlib.import_module("comfy.lora")
    keys = lora.model_lora_keys_clip(clip.cond_stage_model, {})
    layer = next(name for name in keys if name.startswith("lora_te") and name.endswith("q_proj"))
    width = clip.heddle_object.towers[0].width
    tensors = {f"{layer}.lora_up.weight": torch.ones(width, 1), f"{layer}.lora_down.weight": torch.ones(1, width)}

    assert clip.clone().add_patches(lora.load_lora(tensors, keys), 0.5) == [keys[layer]]


def test_a_prompt_becomes_one_conditioning_for_each_version_of_the_weights(encoder: Any) -> None:
    from diffusion.text.encoder import Version
    from interop.models import lend_one

    versions = tuple(Version({}, {"start_percent": start}) for start in (0.0, 0.5))
    clip = lend_one(replace(encoder, versions=versions))

    found = clip.encode_from_tokens_scheduled(clip.tokenize("red"), add_dict={"guidance": 3.5})

    assert [(options["start_percent"], options["guidance"]) for _, options in found] == [(0.0, 3.5), (0.5, 3.5)]


def test_options_of_tokenizers_pad_t5_and_others_are_refused(clip: Any) -> None:
    clip.set_tokenizer_option("t5xxl_min_length", 100)
    clip.set_tokenizer_option("t5xxl_min_padding", 4)

    assert clip.tokenizer_options == {"t5xxl_min_length": 100, "t5xxl_min_padding": 4}
    with pytest.raises(NotSupported, match="set_tokenizer_option"):
        clip.set_tokenizer_option("colour", 1)
