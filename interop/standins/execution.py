"""Host module `execution`: names of the executor that packs read.

The engine does what these did; what packs can still call of them is thin.
"""

from typing import Any

from graph_runtime.catalogue import Catalogue as _Catalogue
from interop.blocker import ExecutionBlocker
from interop.declared import get_input_info
from interop.expansion import GraphBuilder, add_graph_prefix, is_link
from interop.host import current as _current
from interop.placeholders import placeholder as _placeholder

__all__ = [
    "ExecutionBlocker", "GraphBuilder", "add_graph_prefix", "full_type_name", "get_input_info", "is_link",
    "validate_prompt",
]  # fmt: skip

MAXIMUM_HISTORY_SIZE = 10000
SENSITIVE_EXTRA_DATA_KEYS = ("auth_token_comfy_org", "api_key_comfy_org")


class PromptExecutor:
    """Stands for the executor. Packs replace its methods to learn of runs; the engine does not call them."""

    handle_execution_error = _placeholder("execution.PromptExecutor.handle_execution_error")
    execute = _placeholder("execution.PromptExecutor.execute")
    execute_async = _placeholder("execution.PromptExecutor.execute_async")


async def validate_prompt(prompt_id: Any, prompt: Any, partial_execution_list: Any = None) -> Any:
    """Check a prompt against every node that is there by now; checks that nodes make themselves are left to the run.

    Returns:
        (whether something can run, the error or None, the ids of outputs that can run, errors by node).
    """
    from graph_runtime.established_errors import node_errors, prompt_error
    from graph_runtime.prompt import parse_prompt
    from graph_runtime.validate import validate

    host = _current()
    assert host.everything is not None, "packs are loaded by load_packs"
    catalogue = _Catalogue.from_data(host.everything().to_data())
    found = validate(parse_prompt(prompt), catalogue, host.folders.choices, partial_execution_list)
    errors = node_errors(found, catalogue) if found.problems else {}
    error = prompt_error(found)
    return error is None, error, list(found.good_outputs), errors


def full_type_name(klass: Any) -> Any:
    """The name of a class with its module, without for built-in ones."""
    module = klass.__module__
    return klass.__qualname__ if module == "builtins" else f"{module}.{klass.__qualname__}"


def format_value(x: Any) -> Any:
    """A value as an error report shows it."""
    return x if x is None or isinstance(x, int | float | bool | str) else str(x)
