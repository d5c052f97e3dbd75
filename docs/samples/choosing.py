"""Lazy inputs: only the branch that is awaited is ever computed."""

from typing import TypeVar

from graph_runtime.api import Lazy, node

T = TypeVar("T")


@node("choose", category="logic")
async def choose(when: bool, if_true: Lazy[T], if_false: Lazy[T]) -> T:
    """Pass on one of two values; whatever the other one needs is not run."""
    return await (if_true if when else if_false)
