"""Host module `comfy_execution.utils`: which node call is running here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from interop import running as _running


class ExecutionContext(NamedTuple):
    """The running call."""

    prompt_id: str
    node_id: str
    list_index: int | None


def get_executing_context() -> Any:
    """(prompt id, node id, list index) of the call of this task or thread, or None."""
    call = _running.executing()
    return None if call is None else ExecutionContext(call.job, call.node_id, call.list_index)


@contextmanager
def CurrentNodeContext(prompt_id: Any, node_id: Any, list_index: Any = None) -> Iterator[None]:
    """Let the body count as a call of another node."""
    last = _running.last_call()
    context = None if last is None else last.context
    with _running.call(_running.Call(node_id, context, prompt_id, None, list_index)):
        yield
