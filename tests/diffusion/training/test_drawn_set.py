"""The set on disk: the same at every drawing, continued where it was cut off."""

import json
from dataclasses import replace

import numpy as np
import pytest

from diffusion.training import drawn_set
from diffusion.training.drawn_set import DrawnSet, as_images


def test_pictures_tokens_and_latents_have_their_shapes(drawn):
    assert np.load(drawn.pictures_file, mmap_mode="r").shape == (24, 128, 128, 3)
    assert np.load(drawn.tokens_file, mmap_mode="r").shape == (24, 3, 77)
    assert np.load(drawn.latents_file, mmap_mode="r").shape == (24, 4, 16, 16)


def test_a_drawing_that_was_cut_off_continues_to_the_same_end(drawn, vocabulary, tmp_path, monkeypatch):
    monkeypatch.setattr(drawn_set, "CHUNK", 4)
    again = DrawnSet(tmp_path, 12, seed=3)

    def stop_after_eight(done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again.draw(vocabulary, stop_after_eight)
    chunks: list[int] = []
    again.draw(vocabulary, lambda done, total: chunks.append(done))

    assert chunks == [12]
    for name in ("pictures_file", "tokens_file"):
        whole, cut = np.load(getattr(drawn, name)), np.load(getattr(again, name))
        assert (cut == whole[:12]).all()


def test_what_is_finished_is_not_drawn_again(drawn, vocabulary):
    def must_not_happen(done: int, total: int) -> None:
        raise AssertionError("drew again")

    drawn.draw(vocabulary, must_not_happen)


def test_files_of_other_settings_are_refused_with_a_cure(drawn, vocabulary):
    with pytest.raises(ValueError, match="use another --out folder or delete the file"):
        replace(drawn, count=25).draw(vocabulary, lambda done, total: None)


def test_the_done_mark_counts_pictures(drawn):
    assert json.loads(drawn.pictures_file.with_suffix(".done.json").read_text()) == {"done": 24}


def test_images_run_from_minus_one_to_one():
    images = as_images(np.array([[[[0, 0, 0], [255, 255, 255]]]], dtype=np.uint8))

    assert images.shape == (1, 3, 1, 2)
    assert (images.min(), images.max()) == (-1, 1)
