"""A node that expands into other nodes, which are cached and shown like any others."""

from typing import Annotated

from first_node import repeat

from graph_runtime.api import Range, Ref, Subgraph, node


@node("echo", category="text")
def echo(text: Ref[str], graph: Subgraph, passes: Annotated[int, Range(1, 16)] = 3) -> str:
    """Double a text again and again."""
    for _ in range(passes):
        text = graph.add(repeat, text=text, times=2)
    return graph.result(text)
