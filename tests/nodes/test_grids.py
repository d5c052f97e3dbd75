"""Sweeps give every value once; grids hold every picture in its place, with its label."""

import pytest
import torch

from graph_runtime.errors import HeddleError
from graph_runtime.testing import run_node
from nodes.grids import labelled_image_grid, number_sweep


def plain(colour, width=20, height=10):
    return torch.tensor(colour).float().expand(1, height, width, 3).contiguous()


RED, GREEN, BLUE = plain((1, 0, 0)), plain((0, 1, 0)), plain((0, 0, 1))


def test_a_sweep_gives_numbers_whole_numbers_and_labels():
    sweep = number_sweep(values="0.25, 1 2.6;20", label="guidance")

    assert sweep.number == [0.25, 1.0, 2.6, 20.0]
    assert sweep.whole_number == [0, 1, 3, 20]
    assert sweep.label == ["guidance 0.25", "guidance 1", "guidance 2.6", "guidance 20"]


@pytest.mark.parametrize("values", ["", " , ", "one", "nan", "inf", "1 " * 300])
def test_a_sweep_refuses_what_it_cannot_count(values):
    with pytest.raises(HeddleError):
        number_sweep(values=values)


def grid_of(images, **settings):
    return run_node(labelled_image_grid, images=images, **settings)


def test_pictures_stand_in_rows():
    grid = grid_of([RED, torch.cat([GREEN, BLUE])], columns=2, gap=4)

    assert grid.shape == (1, 2 * 14 + 4, 2 * 24 + 4, 3)
    for (row, column), colour in {(0, 0): (1, 0, 0), (0, 1): (0, 1, 0), (1, 0): (0, 0, 1), (1, 1): (1, 1, 1)}.items():
        top, left = 4 + 14 * row, 4 + 24 * column
        cell = grid[0, top : top + 10, left : left + 20]
        assert torch.equal(cell, torch.tensor(colour).float().expand_as(cell))


def test_without_columns_the_grid_is_as_square_as_can_be():
    assert grid_of([RED] * 9, gap=0).shape == (1, 30, 60, 3)
    assert grid_of([RED] * 9, gap=0, columns=9).shape == (1, 10, 180, 3)


@pytest.mark.parametrize("labels", [["one", "two"], ["one\ntwo"]])
def test_labels_are_written_below_their_pictures(labels):
    grid = grid_of([plain((1, 1, 1), 60, 10)] * 2, labels=labels, columns=2, gap=4, text_size=11)

    below = grid[0, 14:-4]
    assert below.shape[0] >= 11
    left, right = below[:, 4:64], below[:, 68:128]
    assert left.min() < 0.5 and right.min() < 0.5
    assert not torch.equal(left, right)


def test_small_pictures_stand_in_the_middle_of_their_cells():
    grid = grid_of([RED, plain((0, 0, 1), 10, 4)], columns=2, gap=0)

    assert torch.equal(grid[0, 5, 30], torch.tensor([0.0, 0.0, 1.0]))
    assert torch.equal(grid[0, 0, 20], torch.ones(3))


def test_a_wrong_number_of_labels_is_said(tmp_path):
    events = []

    run_node(labelled_image_grid, images=[RED, RED], labels=["one", "two", "three"], emit=events.append)

    assert any("3 labels for 2 pictures" in getattr(event, "text", "") for event in events)
