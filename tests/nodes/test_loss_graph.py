"""Curves of a loss as a picture."""

import numpy as np
import pytest
from PIL import Image

from graph_runtime.errors import HeddleError
from nodes.loss_graph import loss_graph
from tests.nodes.calling import call

BLUE = (31, 111, 235)


def drawn(data_dir, values):
    shown = call(loss_graph, data_dir, loss={"loss": values}, filename_prefix="curve", prompt={"1": {}}).ui["images"]
    assert shown[0]["type"] == "temp" and shown[0]["filename"].startswith("curve_")
    with Image.open(data_dir / "temp" / shown[0]["filename"]) as picture:
        assert picture.text == {"prompt": '{"1": {}}'}
        return np.asarray(picture)


def heights(picture, x):
    """Rows of a column in which the curve is."""
    return np.flatnonzero((picture[:, x] == BLUE).all(-1))


def test_a_falling_loss_falls_from_left_to_right(data_dir):
    picture = drawn(data_dir, [4.0, 3.0, 2.0, 1.0])

    left, middle, right = (heights(picture, x).mean() for x in (60, 410, 765))
    assert left < middle < right
    assert abs((left + right) / 2 - middle) < 3, "a straight line"


def test_one_step_and_numbers_that_are_none_are_drawn_too(data_dir):
    assert (drawn(data_dir, [1.0]) == BLUE).all(-1).any()
    assert heights(drawn(data_dir, [1.0, float("nan"), 1.0]), 410).size


def test_no_step_is_an_error(data_dir):
    with pytest.raises(HeddleError, match="no loss to draw"):
        call(loss_graph, data_dir, loss={}, filename_prefix="x")
