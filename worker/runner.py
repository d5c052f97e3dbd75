"""Running node code on this worker's device: without gradients, and once more when memory ran out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from graph_runtime.behaviour import Blocker, Invocation, Result
from graph_runtime.runner import ThreadRunner
from graph_runtime.spec import NodeSpec
from worker.memory import is_exhausted, release_models

__all__ = ["DeviceRunner"]

_log = logging.getLogger(__name__)


class DeviceRunner(ThreadRunner):
    """Threads whose nodes run in torch's inference mode.

    Attributes:
        needs_torch: the coming run has nodes that use the device, so torch is brought in before they start. Values
            made inside inference mode cannot be changed in place outside of it, so a run is inside from its start.
    """

    def __init__(self, beside: int = 4) -> None:
        super().__init__(beside, self._inference_mode)
        self.needs_torch = False

    def call(self, spec: NodeSpec, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Call a node; if memory runs out, unload every model and call it once more."""
        try:
            return super().call(spec, invocation)
        except Exception as error:
            if not is_exhausted(error):
                raise
            what = str(error)
        released = release_models()
        _log.warning(
            "Memory ran out in %s (%s). Models holding %.1f GB were unloaded; trying once more.",
            spec.display_name, what.splitlines()[0] if what else "no details", released / 1e9,
        )  # fmt: skip
        try:
            return super().call(spec, invocation)
        except RuntimeError as error:
            if is_exhausted(error) and type(error) is RuntimeError:
                raise MemoryError(f"{error} (models holding {released / 1e9:.1f} GB had been unloaded)") from error
            raise

    def _inference_mode(self) -> AbstractContextManager[Any]:
        if not self.needs_torch and "torch" not in sys.modules:
            return nullcontext()
        import torch

        return torch.inference_mode()
