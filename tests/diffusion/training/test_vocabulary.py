"""The vocabulary: CLIP's format, one token a caption word, any text at all."""

from random import Random

import pytest

from diffusion.training.captions import sample_captions
from diffusion.training.vocabulary import (
    END,
    LENGTH,
    START,
    Vocabulary,
    build_vocabulary,
    caption_vocabulary,
    learn_merges,
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return caption_vocabulary()


def test_captions_come_back_from_their_tokens(vocabulary):
    tokenizer = vocabulary.tokenizer()

    for caption, ids in zip(captions := sample_captions(Random(77), 50), vocabulary.encode(captions), strict=True):
        assert tokenizer.decode(ids, skip_special_tokens=True).replace(" ,", ",") == caption


def test_each_word_of_a_caption_is_one_token(vocabulary):
    ids = vocabulary.encode(["a red circle on a blue background"])[0]

    assert len(ids) == LENGTH
    assert ids[0] == vocabulary.ids[START]
    assert ids.index(vocabulary.ids[END]) == 8
    assert set(ids[8:]) == {vocabulary.ids[END]}


@pytest.mark.parametrize("text", ["ein grüner Baum", "赤い丸", "🙂 ok?", "RED  Circle!"])
def test_any_text_is_tokenised_without_loss(vocabulary, text):
    tokenizer = vocabulary.tokenizer()
    decoded = tokenizer.decode(vocabulary.encode([text])[0], skip_special_tokens=True)

    assert decoded.replace(" ", "") == text.lower().replace(" ", "")


def test_long_text_is_cut_to_77_tokens_that_end_with_the_end(vocabulary):
    ids = vocabulary.encode(["red " * 200])[0]

    assert len(ids) == LENGTH
    assert ids[-1] == vocabulary.ids[END]


def test_the_two_special_tokens_are_last(vocabulary):
    assert vocabulary.ids[START] == len(vocabulary.ids) - 2
    assert vocabulary.ids[END] == len(vocabulary.ids) - 1


def test_building_it_again_gives_the_same(vocabulary):
    assert caption_vocabulary() == vocabulary


def test_merges_join_the_most_frequent_neighbours_first():
    assert learn_merges(["aab", "aac"])[0] == ("a", "a")
    assert build_vocabulary(["tree tree"]).encode(["tree"])[0][1] not in range(512)
