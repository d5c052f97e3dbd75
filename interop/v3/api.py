"""`ComfyExtension` and `ComfyAPI`: how V3 packs declare themselves and talk to the engine.

Source: protocol §5.3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from interop import progress, running
from interop.v3.replacement import NodeReplace, register

__all__ = ["ComfyAPI", "ComfyAPISync", "ComfyExtension"]


class ComfyExtension(ABC):
    """A pack: what `comfy_entrypoint` returns."""

    async def on_load(self) -> None:
        """Prepare; awaited before the nodes are listed."""
        return

    @abstractmethod
    async def get_node_list(self) -> list[type]:
        """The node classes."""


def _set_progress(
    value: float, max_value: float, node_id: str | None, preview_image: Any, ignore_size_limit: bool
) -> None:
    call = running.last_call()
    if call is None or call.context is None:
        raise ValueError("set_progress was called where no node runs. Call it inside execute.")
    if node_id is not None and node_id != call.node_id:
        call = running.call_of(node_id)
        if call is None:
            raise ValueError(f"set_progress names node {node_id!r}, which does not run.")
    preview = None
    if preview_image is not None:
        preview = ("JPEG", _picture(preview_image), None if ignore_size_limit else 512)
    progress.report_state(call, value, max_value, preview)


def _picture(image: Any) -> Any:
    if hasattr(image, "thumbnail"):
        return image
    from PIL import Image

    from nodes.pictures import to_bytes

    return Image.fromarray(to_bytes(image[0] if image.ndim == 4 else image))


class _Execution:
    async def set_progress(
        self,
        value: float,
        max_value: float,
        node_id: str | None = None,
        preview_image: Any = None,
        ignore_size_limit: bool = False,
    ) -> None:
        """Say how far the running node is.

        Raises:
            ValueError: outside a node.
        """
        _set_progress(value, max_value, node_id, preview_image, ignore_size_limit)


class _ExecutionSync:
    def set_progress(
        self,
        value: float,
        max_value: float,
        node_id: str | None = None,
        preview_image: Any = None,
        ignore_size_limit: bool = False,
    ) -> None:
        """Say how far the running node is; see `_Execution.set_progress`."""
        _set_progress(value, max_value, node_id, preview_image, ignore_size_limit)


class _NodeReplacement:
    async def register(self, node_replace: NodeReplace) -> None:
        """Let a node take the place of one that is gone."""
        register(node_replace)


class _NodeReplacementSync:
    def register(self, node_replace: NodeReplace) -> None:
        """Let a node take the place of one that is gone."""
        register(node_replace)


class ComfyAPI:
    """The engine, for code that awaits."""

    VERSION = "latest"
    STABLE = False

    def __init__(self) -> None:
        self.execution = _Execution()
        self.node_replacement = _NodeReplacement()


class ComfyAPISync:
    """The engine, for code that blocks."""

    def __init__(self) -> None:
        self.execution = _ExecutionSync()
        self.node_replacement = _NodeReplacementSync()
