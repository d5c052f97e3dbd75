#!/usr/bin/env python3
"""TypeScript types of our own API, made from its OpenAPI document: `python tools/api_types.py` writes them.

`tests/architecture/test_api_types.py` fails while the stored file is not what this makes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
TARGET = PROJECT / "web" / "src" / "api" / "schema.ts"
HEAD = """/**
 * The shapes of our own API, made from its OpenAPI document. Not to be edited: run `python tools/api_types.py`.
 */
"""
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_SENT = ("Body", "Query", "Headers")
"""Endings of the names of what a client sends: there, what has a default may be left out."""


def type_of(schema: Mapping[str, Any]) -> str:
    """The TypeScript type of one JSON Schema.

    Raises:
        ValueError: for a schema that this does not know, so that no type is made up.
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(type_of(each) for each in schema[key]))
    kind = schema.get("type")
    if kind == "array":
        inner = type_of(schema.get("items", {}))
        return f"readonly ({inner})[]" if " | " in inner else f"readonly {inner}[]"
    if kind == "object":
        rest = schema.get("additionalProperties", True)
        inner = type_of(rest) if isinstance(rest, Mapping) else "unknown"
        return f"Readonly<Record<string, {inner}>>"
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is None and not set(schema) - {"title", "description", "default", "examples"}:
        return "unknown"
    raise ValueError(f"no TypeScript type for {json.dumps(schema)[:300]}")


def declaration(name: str, schema: Mapping[str, Any]) -> str:
    """One exported interface, or type where the schema has no properties of its own."""
    doc = f"/** {' '.join(str(schema['description']).split())} */\n" if schema.get("description") else ""
    if "properties" not in schema:
        return f"{doc}export type {name} = {type_of(schema)};\n"
    required = set(schema.get("required", ()))
    lines = []
    for key, each in schema["properties"].items():
        always = key in required or ("default" in each and not name.endswith(_SENT))
        if each.get("description"):
            lines.append(f"  /** {' '.join(str(each['description']).split())} */")
        label = key if key.isidentifier() else json.dumps(key)
        lines.append(f"  readonly {label}{'' if always else '?'}: {type_of(each)};")
    return f"{doc}export interface {name} {{\n" + "\n".join(lines) + "\n}\n"


def api_types() -> str:
    """The whole file."""
    sys.path.insert(0, str(PROJECT))
    from server.api.operations import described

    schemas = described()["components"]["schemas"]
    return HEAD + "\n" + "\n".join(declaration(name, schemas[name]) for name in sorted(schemas))


if __name__ == "__main__":
    TARGET.write_text(api_types(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.relative_to(PROJECT)}\n")
