"""Host module `comfy_execution.graph_utils`: building graphs to expand into."""

from interop.blocker import ExecutionBlocker
from interop.expansion import GraphBuilder, add_graph_prefix, is_link
from interop.expansion import PromptNode as Node

__all__ = ["ExecutionBlocker", "GraphBuilder", "Node", "add_graph_prefix", "is_link"]
