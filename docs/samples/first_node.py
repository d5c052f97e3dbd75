"""The smallest node: a typed function."""

from typing import Annotated

from graph_runtime.api import Range, node


@node("repeat", title="Repeat text", category="text")
def repeat(text: str, times: Annotated[int, Range(1, 100)] = 2) -> str:
    """Say the same thing several times.

    Args:
        times: how often.
    """
    return " ".join([text] * times)
