"""The JSON Schema of the workflow document, made from the models that check it.

`python -m graph_runtime.documents.schema` writes `schema.json` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graph_runtime.documents.model import Document

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def document_schema() -> dict[str, Any]:
    """The schema, JSON Schema 2020-12."""
    schema = Document.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The schema as it is stored."""
    return json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
