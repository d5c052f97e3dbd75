"""Running a pack's function: without gradients, and known as the running call."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from graph_runtime.behaviour import Invocation

from interop.running import Call

__all__ = ["begin", "run", "run_async"]


def begin(invocation: Invocation) -> Call:
    """Describe the call that an invocation starts."""
    context = invocation.context
    return Call(
        node_id=str(invocation.hidden.get("UNIQUE_ID", "") if context is None else context.node_id),
        context=context,
        job="" if context is None else context.job,
        client_id=None if context is None else context.extra.client_id,
        list_index=invocation.list_index,
    )


def _without_gradients() -> AbstractContextManager[Any]:
    """Torch's inference mode, as packs know it, if torch is there at all."""
    mode = getattr(sys.modules.get("torch"), "inference_mode", None)
    return nullcontext() if mode is None else mode()


def run(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function without gradients; a coroutine it returns runs without them too."""
    with _without_gradients():
        returned = function(**arguments)
    return run_async(returned) if hasattr(returned, "__await__") else returned


async def run_async(awaitable: Awaitable[Any]) -> Any:
    """Await something without gradients, leaving other tasks on the loop alone."""
    return await _Stepped(awaitable)


class _Stepped:
    """Enters the mode anew for every step, because the mode belongs to the thread and not to the task."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaitable.__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                with _without_gradients():
                    if error is None:
                        waited = steps.send(sent)
                    else:
                        waited = steps.throw(error)
            except StopIteration as stop:
                return stop.value
            error = None
            try:
                sent = yield waited
            except BaseException as raised:
                error = raised
