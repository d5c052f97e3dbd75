"""What became of a headless run, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graph_runtime import events
from graph_runtime.errors import HeddleError
from graph_runtime.folders import Folders, confine

__all__ = ["FAILED", "INTERRUPTED", "Report", "RunListener", "tell"]

FAILED, INTERRUPTED = 1, 130
"""Exit status of a run that did not give every output, and of one that was interrupted."""


class RunListener:
    """Remembers of a run's events what a report needs."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self.titles = titles
        self.explained: list[events.NodeExplained] = []
        self.blocked: dict[str, str] = {}
        self.failed: events.RunFailed | None = None
        self._next: Callable[[events.Event], None] | None = None

    def then(self, listener: Callable[[events.Event], None]) -> None:
        """Hand every event on to a listener as well."""
        self._next = listener

    def on_event(self, event: events.Event) -> None:
        """Take the next event, from any thread."""
        match event:
            case events.NodeExplained():
                self.explained.append(event)
            case events.NodeBlocked(node=node, message=message):
                self.blocked[node] = message
            case events.RunFailed():
                self.failed = event
        if self._next is not None:
            self._next(event)


@dataclass(slots=True)
class Report:
    """The result of a headless run.

    Args:
        status: "succeeded", "failed", "cancelled", or "invalid" when nothing could be run.
        problems: what is wrong with the workflow or the command.
        warnings: what is worth knowing.
        files: results on disk, absolute.
        outputs: node id → what it shows.
        missing: titles of outputs that gave nothing.
        error: the failed node.
    """

    status: str
    problems: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    explanations: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """0 only if every output was produced."""
        if self.status == "cancelled":
            return INTERRUPTED
        return 0 if self.status == "succeeded" and not self.missing and not self.problems else FAILED

    def fill(self, done: Mapping[str, Any], listener: RunListener, targets: Iterable[str], folders: Folders) -> None:
        """Take over what a run gave."""
        self.status = done["outcome"]
        self.outputs = dict(done.get("outputs") or {})
        self.files = list(_files(self.outputs, folders))
        titles = listener.titles
        for node, message in listener.blocked.items():
            self.warnings.append(f"{titles.get(node, node)} (node {node}) was not run: {message}")
        self.missing = [f"{titles.get(node, node)} (node {node})" for node in targets if node not in done["produced"]]
        self.explanations = [
            {
                "node": event.node, "title": titles.get(event.node, event.node), "ran": event.ran,
                "reasons": [dict(reason) for reason in event.reasons],
            }
            for event in listener.explained
        ]  # fmt: skip
        if self.status == "failed":
            error = dict(done.get("error") or {})
            node = error.get("node")
            self.error = {**error, "title": f"{titles.get(str(node), 'the run')} (node {node})" if node else "the run"}

    def to_data(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {
            "status": self.status, "exit_status": self.exit_status, "files": self.files, "outputs": self.outputs,
            "missing": self.missing, "problems": self.problems, "warnings": self.warnings, "error": self.error,
            "explanations": self.explanations, "seconds": round(self.seconds, 3),
        }  # fmt: skip


def tell(report: Report, *, explain: bool, verbose: bool, files: bool) -> None:
    """Say a report: where results are on standard output, everything else on standard error.

    Args:
        explain: also why each node ran.
        verbose: also the traceback of a node that failed.
        files: whether standard output is for the files.
    """
    lines = [f"note: {text}" for text in report.warnings]
    lines += [f"problem: {_worded(problem)}" for problem in report.problems]
    for entry in report.explanations if explain else ():
        reasons = "; ".join(str(reason["text"]) for reason in entry["reasons"])
        lines.append(f"{entry['title']} (node {entry['node']}) {'ran' if entry['ran'] else 'was cached'}: {reasons}")
    if report.error is not None:
        if verbose:
            lines.append("".join(report.error.get("traceback") or ()).rstrip())
        message, fix = str(report.error.get("message", "")).strip(), str(report.error.get("fix") or "")
        lines.append(f"error: {report.error['title']}: {message}{'' if fix in message else f' {fix}'}")
    if report.missing and report.status == "succeeded":
        lines.append(f"error: no result from {', '.join(report.missing)}.")
    if report.status == "cancelled":
        lines.append("Interrupted; no file is left half written.")
    sys.stderr.write("".join(f"{line}\n" for line in lines if line))
    if files:
        sys.stdout.write("".join(f"{file}\n" for file in report.files))


def _worded(problem: Mapping[str, Any]) -> str:
    node, name = problem.get("node"), problem.get("input")
    place = (f"node {node}, input '{name}': " if name else f"node {node}: ") if node is not None else ""
    details = problem.get("details") or ""
    what = f"{problem.get('what') or ''}{f' ({details})' if details and details != name else ''}"
    if problem.get("fix") and what[-1:] not in ".!?":
        what += "."
    return f"{place}{what} {problem.get('fix') or ''}".rstrip()


def _files(outputs: Mapping[str, Any], folders: Folders) -> Iterable[str]:
    for shown in outputs.values():
        for entries in (shown or {}).values():
            for entry in entries if isinstance(entries, list | tuple) else ():
                if isinstance(entry, Mapping) and {"filename", "subfolder", "type"} <= entry.keys():
                    try:
                        root = folders.root(str(entry["type"]))
                        yield str(confine(root, f"{entry['subfolder']}/{entry['filename']}".lstrip("/")))
                    except HeddleError:  # a pack's own reference that is no file of ours
                        continue
