"""What a node can ask of its context."""

from __future__ import annotations

from typing import Any

import pytest

from graph_runtime.api import Cancelled, CancelToken, Context, HeddleError, SavedFile
from graph_runtime.context import RunExtra, Services
from graph_runtime.testing import Recorder


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make(**changes: Any) -> tuple[Context, Recorder, Services]:
    record = Recorder()
    services = Services("job", record, CancelToken(), **changes)
    return Context(services, "2.a", "Kind", display_id="2", parent_id="2", real_id="1"), record, services


def test_progress_is_told_with_the_nodes_identity() -> None:
    context, record, _ = make()

    context.progress(3, 20)

    assert record.events[0].to_data() == {
        "kind": "node_progress",
        "node": "2.a",
        "display": "2",
        "parent": "2",
        "real": "1",
        "value": 3,
        "max": 20,
        "state_only": False,
    }


def test_progress_stops_a_cancelled_run_before_it_tells_anything() -> None:
    context, record, services = make()
    services.cancel.cancel()

    with pytest.raises(Cancelled):
        context.progress(1, 2)
    with pytest.raises(Cancelled):
        context.check_cancelled()
    assert record.events == []


def test_previews_are_made_only_if_somebody_watches_and_not_too_often() -> None:
    made: list[int] = []
    clock, watching = Clock(), [False]

    def thunk() -> tuple[str, bytes]:
        made.append(1)
        return "JPEG", b"picture"

    context, record, _ = make(clock=clock, extra=RunExtra(previews=lambda: watching[0]))
    context.progress(1, 9, thunk)
    watching[0] = True
    for step in range(2, 9):
        clock.now += 0.04
        context.progress(step, 9, thunk)

    assert len(made) == 3
    assert [(event.format, event.blob) for event in record.of("node_preview")] == [("JPEG", b"picture")] * 3
    context.progress(9, 9, thunk)
    assert len(made) == 4


def test_pictures_are_encoded_by_the_host() -> None:
    context, record, _ = make(encode_preview=lambda picture: ("PNG", str(picture).encode()))

    context.preview(42)
    context.preview(None)

    assert [(event.format, event.blob, event.kept) for event in record.of("node_preview")] == [("PNG", b"42", True)]


def test_parts_fill_their_share_and_nest() -> None:
    context, record, _ = make()

    context.part(0.5, 0.5).part(0, 0.5).progress(1, 2)

    assert (record.events[0].value, record.events[0].max) == (625.0, 1000)  # type: ignore[attr-defined]


def test_what_is_shown_is_joined_also_from_parts() -> None:
    context, _, _ = make()
    context.show(SavedFile("a.png", "", "output"), {"text": ["x"]})
    context.part(0, 1).show({"text": "y"})

    assert context.shown == {
        "images": [{"filename": "a.png", "subfolder": "", "type": "output"}],
        "text": ["x", "y"],
    }


def test_warnings_are_told_and_kept() -> None:
    context, record, _ = make()
    context.warn("careful")

    assert context.warnings == ("careful",) and record.of("node_text")[0].text == "careful"


def test_messages_of_a_nodes_own_carry_data_or_bytes() -> None:
    context, record, _ = make()
    context.send("mine", {"a": 1}, "client")
    context.send(7, b"raw")

    assert [(e.type, e.data, e.sid, e.bytes) for e in record.of("custom")] == [
        ("mine", {"a": 1}, "client", b""),
        (7, None, None, b"raw"),
    ]


def test_writing_without_a_place_says_what_to_do() -> None:
    context, _, _ = make()

    with pytest.raises(HeddleError, match="no place to write files"):
        context.files  # noqa: B018


def test_clean_up_knows_only_node_and_run() -> None:
    context, _, services = make()
    context.on_cleanup(print, after="run")

    assert services.after_run == [print]
    with pytest.raises(ValueError, match="use 'node' or 'run'"):
        context.on_cleanup(print, after="never")


def test_facts_about_the_job() -> None:
    context, _, _ = make(extra=RunExtra({"1": {}}, {"workflow": 1}))

    assert (context.job, context.prompt, context.extra_pnginfo, context.previews) == (
        "job",
        {"1": {}},
        {"workflow": 1},
        False,
    )


def test_a_token_calls_back_once_even_if_it_was_set_before() -> None:
    called: list[str] = []
    token = CancelToken()
    token.on_cancel(lambda: called.append("first"))
    token.cancel()
    token.cancel()
    token.on_cancel(lambda: called.append("late"))

    assert called == ["first", "late"]
