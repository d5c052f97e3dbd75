"""What earlier runs knew of their nodes, in a file, so that a later process can say what has changed since.

Only keys and literals are kept, never results. A file that cannot be read counts as no memory.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graph_runtime.errors import HeddleError
from graph_runtime.explain import RunRecord
from graph_runtime.keys import encode
from graph_runtime.prompt import load_prompt, to_prompt

__all__ = ["load_runs", "save_runs"]

_VERSION = 1
_MOST_NODES = 20_000
"""Runs are kept, newest first, as long as they have no more nodes than this together."""
_log = logging.getLogger(__name__)


def save_runs(path: Path, records: Iterable[RunRecord]) -> None:
    """Write runs, newest first; whole or not at all.

    Raises:
        OSError: if the file cannot be written.
    """
    kept: list[dict[str, Any]] = []
    nodes = 0
    for record in records:
        nodes += len(record.graph)
        if nodes > _MOST_NODES:
            break
        kept.append(_to_data(record))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, "runs": kept}, file, separators=(",", ":"))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_runs(path: Path) -> list[RunRecord]:
    """Read runs, newest first; none if there is no file, or none that this version understands."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [_from_data(item) for item in data["runs"]] if data["version"] == _VERSION else []
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, HeddleError) as error:
        _log.warning("What earlier runs left in %s cannot be read and is not compared with: %s", path, error)
        return []


def _to_data(record: RunRecord) -> dict[str, Any]:
    return {
        "graph": json.dumps(to_prompt(record.graph), default=repr),
        "keys": {node: None if key is None else key.hex() for node, key in record.keys.items()},
        "tokens": {node: token for node, token in record.tokens.items() if _is_kept(token)},
        "versions": record.versions,
        "finished": sorted(record.finished),
    }


def _from_data(data: dict[str, Any]) -> RunRecord:
    return RunRecord(
        load_prompt(data["graph"]),
        {node: None if key is None else bytes.fromhex(key) for node, key in data["keys"].items()},
        dict(data["tokens"]),
        dict(data["versions"]),
        finished=set(data["finished"]),
    )


def _is_kept(token: Any) -> bool:
    """Whether a token means the same after a visit to a file."""
    if encode(token) is None:
        return False
    try:
        return bool(json.loads(json.dumps(token)) == token)
    except (TypeError, ValueError, RecursionError):
        return False
