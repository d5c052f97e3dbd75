"""Running node code on this worker's device: without gradients, and with one name for "out of memory"."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from graph_runtime.behaviour import Blocker, Invocation, Result
from graph_runtime.runner import ThreadRunner
from graph_runtime.spec import NodeSpec
from worker.memory_watch import NodeCalls

__all__ = ["DeviceRunner"]


class DeviceRunner(ThreadRunner):
    """Threads whose nodes run in torch's inference mode.

    Attributes:
        needs_torch: the coming run has nodes that use the device, so torch is brought in before they start. Values
            made inside inference mode cannot be changed in place outside of it, so a run is inside from its start.
        calls: knows which threads run nodes.
        save_memory: the next call on the device is another try after memory ran out, and works in pieces.
    """

    def __init__(self, beside: int = 4) -> None:
        super().__init__(beside, self._inference_mode)
        self.needs_torch = False
        self.calls = NodeCalls()
        self.save_memory = False

    def call(self, spec: NodeSpec, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Call a node once; what torch words as a RuntimeError when the machine's memory ends is a MemoryError here."""
        device = spec.lane == "device"
        self.calls.enter(device)
        try:
            with self._plan(device):
                return super().call(spec, invocation)
        except RuntimeError as error:
            if "can't allocate memory" in str(error):
                raise MemoryError(str(error)) from error
            raise
        finally:
            self.calls.leave()

    def _plan(self, device: bool) -> AbstractContextManager[Any]:
        if not (device and self.save_memory):
            return nullcontext()
        self.save_memory = False
        from diffusion.economy import economy

        return economy()

    def _inference_mode(self) -> AbstractContextManager[Any]:
        if not self.needs_torch and "torch" not in sys.modules:
            return nullcontext()
        import torch

        return torch.inference_mode()
