"""The editor's types of our API are those that the server declares."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "api_types.py"
_spec = importlib.util.spec_from_file_location("api_types", TOOL)
assert _spec is not None and _spec.loader is not None
api_types = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(api_types)


def test_the_stored_types_are_current():
    stored = api_types.TARGET.read_text(encoding="utf-8")
    assert stored == api_types.api_types(), "run: python tools/api_types.py"


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "integer"}, "number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "array", "items": {"enum": ["a", 1]}}, 'readonly ("a" | 1)[]'),
        ({"type": "object", "additionalProperties": {"$ref": "#/x/Job"}}, "Readonly<Record<string, Job>>"),
        ({}, "unknown"),
    ],
)
def test_every_shape_has_its_type(schema, type_):
    assert api_types.type_of(schema) == type_


def test_what_may_be_left_out_depends_on_who_sends_it():
    schema = {"type": "object", "properties": {"limit": {"type": "integer", "default": 1}}}

    assert "limit?: number" in api_types.declaration("ListQuery", schema)
    assert "limit: number" in api_types.declaration("ListAnswer", schema)


def test_an_unknown_shape_is_refused_and_not_made_up():
    with pytest.raises(ValueError, match="no TypeScript type"):
        api_types.type_of({"type": "quaternion"})
