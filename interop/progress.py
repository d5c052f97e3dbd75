"""What packs report while they run, and the files of weights they read."""

from __future__ import annotations

import io
from typing import Any

from interop import running
from interop.interruption import check

__all__ = ["encode_preview", "load_tensors", "report"]


def report(value: float, total: float, preview: tuple[str, Any, int | None] | None = None) -> None:
    """Tell clients how far the running node is; outside a node there is nobody to tell.

    Args:
        preview: ("JPEG" or "PNG", picture, largest side or None).
    Raises:
        InterruptProcessingException: if the run was cancelled.
    """
    call = running.last_call()
    check(call)
    if call is not None and call.context is not None:
        thunk = None if preview is None else lambda: (preview[0], encode_preview(*preview))
        call.context.progress(value, total, thunk)


def encode_preview(kind: str, picture: Any, largest: int | None) -> bytes:
    """Encode a picture as `kind` ("JPEG" or "PNG"), no side longer than `largest`."""
    if largest is not None and max(picture.size) > largest:
        picture = picture.copy()
        picture.thumbnail((largest, largest))
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {"compress_level": 1}))
    return buffer.getvalue()


def load_tensors(path: str, device: Any) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Read a file of weights without running what is in it.

    Returns:
        Tensors by name, and the metadata of a safetensors file.
    Raises:
        ValueError: naming the file and the cure.
    """
    import torch

    if path.lower().endswith((".safetensors", ".sft")):
        from diffusion.tensor_file import TensorFile

        file = TensorFile(path)
        return {name: _on(tensor, device) for name, tensor in file.items()}, file.metadata
    try:
        state = torch.load(path, map_location=device or "cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"'{path}' cannot be read as tensors alone: {type(error).__name__}: {error}. "
            "Files that carry code are refused; use the safetensors version of the model."
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    return state, None


def _on(tensor: Any, device: Any) -> Any:
    return tensor if device is None else tensor.to(device)
