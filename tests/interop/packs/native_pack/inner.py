from graph_runtime.api import node


@node("double")
def doubled(value: int) -> int:
    """Twice a number."""
    return value * 2
