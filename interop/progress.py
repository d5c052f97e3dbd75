"""What packs report while they run, and the files of weights they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graph_runtime.context import Context
from interop import running
from interop.interruption import check

__all__ = ["load_tensors", "report", "report_state"]


Preview = tuple[str, Any, int | None]
"""("JPEG" or "PNG", picture, side of the square that it is scaled to or None)."""


def report(value: float, total: float, preview: Preview | None = None) -> None:
    """Tell clients how far the running node is; outside a node there is nobody to tell.

    Raises:
        InterruptProcessingException: if the run was cancelled.
    """
    call = running.last_call()
    check(call)
    if call is not None and call.context is not None:
        _tell(call.context, value, total, preview, state_only=False)


def report_state(call: running.Call, value: float, total: float, preview: Preview | None = None) -> None:
    """The same for one call, only to clients that follow the state of nodes, and without asking for cancellation."""
    if call.context is not None:
        _tell(call.context, value, total, preview, state_only=True)


def _tell(context: Context, value: float, total: float, preview: Preview | None, *, state_only: bool) -> None:
    """A picture without a largest side is a result that a pack delivers so, such as one for a client to keep."""
    if preview is None or preview[2] is not None:
        context.progress(value, total, None if preview is None else lambda: preview, state_only=state_only)
        return
    context.progress(value, total, state_only=state_only)
    context.preview(tuple(preview), state_only=state_only)


def load_tensors(path: str, device: Any) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Read a file of weights without running what is in it.

    Returns:
        Tensors by name, and the metadata of a safetensors file.
    Raises:
        ValueError: naming the file and the cure.
    """
    from diffusion.errors import ModelFileError
    from diffusion.pickled import PICKLED, read_pickled
    from diffusion.tensor_file import TensorFile

    try:
        if Path(path).suffix.lower() not in PICKLED:
            file = TensorFile(path)
            return {name: _on(tensor, device) for name, tensor in file.items()}, file.metadata
        state = read_pickled(Path(path))
    except ModelFileError as error:
        raise ValueError(str(error)) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    return {name: _on(tensor, device) for name, tensor in state.items()} if device is not None else state, None


def _on(tensor: Any, device: Any) -> Any:
    return tensor if device is None else tensor.to(device)
