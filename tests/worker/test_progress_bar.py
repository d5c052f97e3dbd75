"""What a person sees while a workflow runs."""

from graph_runtime import events
from worker.progress_bar import ProgressBar

TITLES = {"1": "Model", "2": "Sampler"}


def started(node):
    return events.NodeStarted(node, node, None, node)


def progress(node, value, maximum):
    return events.NodeProgress(node, node, None, node, value, maximum)


def finished(node):
    return events.NodeFinished(node, node, None, node, False, 0.1)


def test_the_running_node_its_steps_and_the_time_left_are_shown(capsys):
    with ProgressBar(TITLES, shown=True) as bar:
        for event in (started("1"), finished("1"), started("2"), progress("2", 1, 4), progress("2", 4, 4)):
            bar.on_event(event)
        bar.on_event(finished("2"))

    shown = capsys.readouterr()
    assert "1/2 Model" in shown.err and "2/2 Sampler: 100%" in shown.err and "4/4 [" in shown.err
    assert shown.out == ""


def test_nothing_is_drawn_where_nobody_looks_at_a_terminal(capsys):
    for shown in (None, False):
        with ProgressBar(TITLES, shown=shown) as bar:
            for event in (started("1"), progress("1", 1, 2), finished("1")):
                bar.on_event(event)

    assert capsys.readouterr().err == ""


def test_a_node_that_ends_beside_the_running_one_does_not_end_its_bar(capsys):
    with ProgressBar(TITLES, shown=True) as bar:
        for event in (started("2"), progress("2", 1, 4), finished("1"), progress("2", 4, 4), finished("2")):
            bar.on_event(event)

    assert capsys.readouterr().err.count("1/2 Sampler:   0%") == 1
