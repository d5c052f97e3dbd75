"""Opening workflows from files: JSON in any known format, and pictures that carry the workflow that made them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_runtime.documents import read_json, read_media
from graph_runtime.errors import HeddleError, did_you_mean

__all__ = ["OpenedWorkflow", "UnreadableWorkflow", "open_workflow"]


class UnreadableWorkflow(HeddleError):
    """A workflow file that is not there or cannot be read."""


@dataclass(frozen=True, slots=True)
class OpenedWorkflow:
    """What a file holds.

    Attributes:
        data: the workflow, in any known format. Of a picture that carries both it is the API prompt: that says
            exactly what ran, with seeds and dynamic prompts as they were.
        workflow: the editor's document that a picture carries beside its prompt, if any.
    """

    data: Any
    workflow: Any = None


def open_workflow(path: Path) -> OpenedWorkflow:
    """Read a JSON file, or a picture or other media file that carries a workflow.

    Raises:
        UnreadableWorkflow: if the file is not there or cannot be read.
        InvalidDocument: if it is of another kind, broken, or carries no workflow.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableWorkflow(f"'{path}' does not exist.{_nearby(path)}", fix="Check the name.") from error
    except OSError as error:
        raise UnreadableWorkflow(f"'{path}' cannot be read: {error.strerror}.", fix="Check the file.") from error
    if content.lstrip()[:1] in (b"{", b"[") or path.suffix.lower() == ".json":
        return OpenedWorkflow(read_json(content))
    found = read_media(content)
    prompt, workflow = found.texts.get("prompt"), found.texts.get("workflow")
    if prompt and workflow:
        return OpenedWorkflow(read_json(prompt), read_json(workflow))
    return OpenedWorkflow(found.workflow_data())


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f" There is no folder '{path.parent}'."
    return did_you_mean(path.name, [item.name for item in path.parent.iterdir()])
