"""Host module `comfy_execution.graph`: the graph of a run, and reading declared inputs."""

from interop.blocker import ExecutionBlocker
from interop.declared import get_input_info
from interop.expansion import DynamicPrompt, NodeNotFoundError


class DependencyCycleError(Exception):
    """Nodes that wait for each other."""


class NodeInputError(Exception):
    """An input that cannot be provided."""


__all__ = [
    "DependencyCycleError",
    "DynamicPrompt",
    "ExecutionBlocker",
    "NodeInputError",
    "NodeNotFoundError",
    "get_input_info",
]
