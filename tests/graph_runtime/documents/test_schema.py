"""The stored JSON Schema says what the models check."""

import json

from jsonschema import Draft202012Validator

from graph_runtime.documents.schema import SCHEMA_FILE, document_schema, schema_text

DOCUMENT = {
    "format": "heddle-workflow",
    "version": 1,
    "nodes": {"3": {"type": "KSampler", "inputs": {"seed": 2**64 - 1, "model": {"link": ["4", "MODEL"]}}}},
    "layout": {"nodes": {"3": {"pos": [1, 2.5]}}},
}


def test_the_stored_schema_is_current():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m graph_runtime.documents.schema"


def test_the_schema_is_a_valid_schema_and_accepts_a_document():
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(DOCUMENT)) == []


def test_the_schema_refuses_unknown_keys_and_bare_lists():
    validator = Draft202012Validator(document_schema())

    assert list(validator.iter_errors(DOCUMENT | {"nodez": {}}))
    assert list(validator.iter_errors(DOCUMENT | {"nodes": {"3": {"type": "K", "inputs": {"a": ["4", 0]}}}}))
    assert list(validator.iter_errors(DOCUMENT | {"nodes": {"3": {"type": "K", "inputs": {"a": {"lnk": 1}}}}}))
