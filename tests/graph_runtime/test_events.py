"""Events survive the journey as JSON, blobs beside it."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_runtime import events

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
BY_NAME: dict[str, Any] = {
    "nodes": st.lists(st.text()).map(tuple),
    "executed": st.lists(st.text()).map(tuple),
    "current_outputs": st.lists(st.text()).map(tuple),
    "traceback": st.lists(st.text()).map(tuple),
    "reasons": st.lists(st.dictionaries(st.text(), st.text()), max_size=3).map(tuple),
    "ui": st.none() | st.dictionaries(st.text(), json_values),
    "current_inputs": st.dictionaries(st.text(), st.lists(st.integers())),
    "data": json_values,
    "value": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "max": st.integers(),
    "seconds": st.floats(0, 100),
    "cached": st.booleans(),
    "ran": st.booleans(),
}


@st.composite
def any_event(draw: st.DrawFn) -> events.Event:
    kind = draw(st.sampled_from(sorted(events.EVENTS)))
    cls = events.EVENTS[kind]
    values = {}
    for name in get_type_hints(cls):
        if name == "kind":
            continue
        if name == "blob":
            values[name] = draw(st.binary(min_size=1))
        else:
            values[name] = draw(BY_NAME.get(name, st.text()))
    return cls(**values)


@given(any_event())
def test_any_event_survives_the_journey(event: events.Event) -> None:
    data = json.loads(json.dumps(event.to_data()))

    assert events.from_data(data, event.bytes) == event
    assert "blob" not in data and data["kind"] == event.kind


@pytest.mark.parametrize(
    "data", [{"kind": "unheard_of"}, {}, {"kind": "node_text", "node": "1"}, {"kind": "run_started", "x": 1}]
)
def test_what_is_no_event_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"event kind|cannot be read"):
        events.from_data(data)
