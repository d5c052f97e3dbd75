"""Describing the call of a pack's function that is about to run."""

from __future__ import annotations

from graph_runtime.behaviour import Invocation
from interop.running import Call

__all__ = ["begin"]


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
