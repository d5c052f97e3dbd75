"""Host module `comfy_execution.graph`: the graph of a run, and reading declared inputs."""

from graph_runtime.errors import DependencyCycleError
from graph_runtime.live_prompt import LivePrompt as DynamicPrompt
from graph_runtime.live_prompt import NodeNotFoundError
from interop.blocker import ExecutionBlocker
from interop.declared import get_input_info


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
