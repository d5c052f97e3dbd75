"""The pretend nodes of the fake worker: values, waiting with progress, failing, crashing, being deaf."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

__all__ = ["CATALOGUE", "Cancelled", "Crash", "FakeRun"]

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
"""The start and end of a JPEG; enough for a preview that nobody decodes."""


class Crash(Exception):
    """The node takes the worker with it."""


class Cancelled(Exception):
    """The run was cancelled at a node."""

    def __init__(self, where: Mapping[str, Any]) -> None:
        super().__init__("cancelled")
        self.where = where


class Send(Protocol):
    """Writes one frame."""

    def __call__(self, header: Mapping[str, Any], blob: bytes = b"") -> Awaitable[None]: ...


class FakeRun:
    """One attempt at a prompt of pretend nodes.

    Args:
        header: the `run` frame.
        send: writes a frame to the server.
    """

    def __init__(self, header: Mapping[str, Any], send: Send) -> None:
        self.job: str = header["job"]
        self.attempt: int = header["attempt"]
        self.executed: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self._prompt: Mapping[str, Mapping[str, Any]] = header["prompt"]
        self._targets: list[str] = list(header["targets"])
        self._previews: bool = header["previews"]
        self._send = send
        self._seq = 0
        self._at = ""
        self._cancelled = asyncio.Event()

    def cancel(self) -> None:
        """Ask for the end."""
        self._cancelled.set()

    async def emit(self, event: Mapping[str, Any], blob: bytes = b"") -> None:
        """Send one engine event."""
        self._seq += 1
        header = {"t": "event", "job": self.job, "attempt": self.attempt, "seq": self._seq, "event": event}
        await self._send(header, blob)

    def failure(self, error: ValueError) -> dict[str, Any]:
        """The facts of a failed run."""
        return {
            "node": self._at, "node_type": self._prompt[self._at]["class_type"], "executed": self.executed,
            "message": str(error), "exception_type": "ValueError", "traceback": ["  File fake\n"],
            "current_inputs": {name: [value] for name, value in self._prompt[self._at].get("inputs", {}).items()},
            "current_outputs": self.executed, "fix": "Use another value.",
        }  # fmt: skip

    async def execute(self) -> None:
        """Run every node that the targets need, in order."""
        await self.emit({"kind": "run_started"})
        await self.emit({"kind": "nodes_cached", "nodes": []})
        for node in self._order():
            await self._node(node)

    def _order(self) -> list[str]:
        order: dict[str, None] = {}

        def visit(node: str) -> None:
            for value in self._prompt[node].get("inputs", {}).values():
                if isinstance(value, list) and value[0] not in order:
                    visit(value[0])
            order.setdefault(node)

        for target in self._targets:
            visit(target)
        return list(order)

    async def _node(self, node: str) -> None:
        self._at = node
        place = {"node": node, "display": node, "parent": None, "real": node}
        await self.emit({"kind": "node_started", **place})
        inputs = self._prompt[node].get("inputs", {})
        ui: dict[str, Any] | None = None
        match self._prompt[node]["class_type"]:
            case "FakeWait":
                await self._wait(place, float(inputs.get("seconds", 0.0)), int(inputs.get("steps", 1)))
            case "FakeDeaf":
                await asyncio.sleep(float(inputs.get("seconds", 0.0)))
            case "FakeFail":
                raise ValueError(str(inputs.get("text", "it failed")))
            case "FakeCrash" if self.attempt <= int(inputs.get("times", 1)):
                raise Crash
            case "FakeImage":
                ui = {"images": [{"filename": f"fake_{node}.png", "subfolder": "", "type": "output"}]}
            case "FakeChecked":
                ui = {"text": [str(inputs.get("text"))]}
        if ui is not None:
            self.outputs[node] = ui
            self.meta[node] = {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}
            await self.emit({"kind": "node_shown", **place, "ui": ui})
        await self.emit({"kind": "node_finished", **place, "cached": False, "seconds": 0.0})
        reasons = [{"kind": "never_seen", "text": "It was never run before."}]
        await self.emit({"kind": "node_explained", "node": node, "ran": True, "reasons": reasons})
        self.executed.append(node)

    async def _wait(self, place: Mapping[str, Any], seconds: float, steps: int) -> None:
        for step in range(1, steps + 1):
            try:
                await asyncio.wait_for(self._cancelled.wait(), seconds / steps)
            except TimeoutError:
                pass
            if self._cancelled.is_set():
                node_type = self._prompt[self._at]["class_type"]
                raise Cancelled({"node": self._at, "node_type": node_type})
            await self.emit({"kind": "node_progress", **place, "value": step, "max": steps})
            if self._previews:
                await self.emit({"kind": "node_preview", **place, "format": "JPEG"}, JPEG)


def _entry(name: str, inputs: list[dict[str, Any]], output: str | None, **more: Any) -> dict[str, Any]:
    outputs = [{"name": output, "type": output, "is_list": False, "tooltip": None}] if output else []
    return {
        "id": name, "display_name": name, "description": "A pretend node.", "category": "fake", "module": "nodes",
        "version": 1, "terminal": output is None, "cache": True, "deprecated": False, "experimental": False,
        "api_node": None, "not_idempotent": False, "input_is_list": False, "inputs": inputs, "outputs": outputs,
        "checks_inputs": None, "fingerprint": False, **more,
    }  # fmt: skip


def _input(name: str, kind: str, default: Any = None, *, required: bool = True) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": name, "type": kind, "mode": "value", "required": required, "hidden": None,
        "widget": kind != "IMAGE", "options": {}, "choices": None, "choices_from": None, "combo_form": None,
    }  # fmt: skip
    return data if default is None else {**data, "default": default}


_CHOOSE = {**_input("model", "COMBO"), "choices_from": {"folder": "checkpoints"}, "combo_form": "old"}
_OPTIONAL = _input("image", "IMAGE", required=False)

CATALOGUE: dict[str, Any] = {
    entry["id"]: entry
    for entry in (
        _entry("FakeSource", [_input("value", "INT", 0)], "IMAGE"),
        _entry("FakeLoad", [_CHOOSE], "IMAGE"),
        _entry("FakeWait", [_OPTIONAL, _input("seconds", "FLOAT", 0.1), _input("steps", "INT", 2)], "IMAGE"),
        _entry("FakeDeaf", [_input("seconds", "FLOAT", 1.0)], "IMAGE"),
        _entry("FakeFail", [_OPTIONAL, _input("text", "STRING", "it failed")], "IMAGE"),
        _entry("FakeCrash", [_input("times", "INT", 1)], "IMAGE"),
        _entry("FakeImage", [_input("image", "IMAGE")], None),
        _entry("FakeChecked", [_input("text", "STRING", "")], None, checks_inputs=["text"]),
    )
}
"""The pretend nodes as workers publish theirs."""
