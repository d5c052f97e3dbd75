"""How a run's end becomes a row: outputs, messages, and what a listing shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph_runtime.json_text import json_text
from server.store.rows import Artifact, Finish, Job, State
from server.translation import Translation

__all__ = ["finish_of", "history_entry"]


def finish_of(
    state: State,
    translation: Translation,
    outputs: Mapping[str, Any],
    meta: Mapping[str, Any],
    error: Mapping[str, Any] | None,
    reason: str | None = None,
    artifacts: tuple[Artifact, ...] = (),
) -> Finish:
    """The row of a run that has ended; `translation.end` must have been called."""
    count, preview = _listed(outputs)
    return Finish(
        state=state,
        outputs=json_text(outputs),
        meta=json_text(meta),
        messages=json_text(translation.record),
        error=None if error is None else json_text(error),
        reason=reason,
        outputs_count=count,
        preview_output=None if preview is None else json_text(preview),
        explanations=json_text(translation.explanations),
        artifacts=artifacts,
    )


def history_entry(job: Job) -> dict[str, Any]:
    """The established history entry of a finished job."""
    succeeded = job.state == "succeeded"
    return {
        "prompt": job.queue_item,
        "outputs": job.json("outputs", {}),
        "status": {
            "status_str": "success" if succeeded else "error",
            "completed": succeeded,
            "messages": job.json("messages", []),
        },
        "meta": job.json("meta", {}),
    }


def _listed(outputs: Mapping[str, Any]) -> tuple[int, dict[str, Any] | None]:
    """How many files a run produced, and the one to show: the first saved one, else the first of all."""
    files: list[dict[str, Any]] = []
    for node, ui in outputs.items():
        if not isinstance(ui, Mapping):
            continue
        for kind, items in ui.items():
            for item in items if isinstance(items, list) else []:
                if isinstance(item, Mapping) and isinstance(item.get("filename"), str):
                    place = {key: str(item.get(key, "")) for key in ("filename", "subfolder")}
                    files.append({**place, "type": str(item.get("type", "output")), "nodeId": node, "mediaType": kind})
    saved = [file for file in files if file["type"] == "output"]
    shown = saved or files
    return len(files), shown[0] if shown else None
