"""Change tokens: what a node reads from outside the graph, asked before keys are made."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graph_runtime.behaviour import Invocation
from graph_runtime.context import Context
from graph_runtime.errors import Cancelled
from graph_runtime.failure import RAISED, exception_type, message_of
from graph_runtime.graph import Link, Node, NotALink
from graph_runtime.keys import NO_TOKEN
from graph_runtime.spec import HIDDEN_KINDS, NodeSpec

if TYPE_CHECKING:
    from graph_runtime.run import Run

__all__ = ["change_token", "literal_arguments"]

_log = logging.getLogger(__name__)


def literal_arguments(spec: NodeSpec, node: Node, hidden: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's arguments before anything ran: literals as they are, links None, hidden values by name."""
    arguments: dict[str, Any] = {}
    for name, value in node.inputs.items():
        if type(value) is Link:
            arguments[name] = None
        elif name in spec.by_name or (spec.behaviour is not None and spec.behaviour.accepts(name)):
            arguments[name] = value.value if type(value) is NotALink else value
    for item in spec.hidden_inputs:
        if item.hidden in HIDDEN_KINDS:
            arguments[item.name] = hidden.get(item.hidden)
    return {name: [value] for name, value in arguments.items()} if spec.input_is_list else arguments


def change_token(run: Run, node: Node) -> Any:
    """Return a node's change token, or `NO_TOKEN`.

    A token that came with the graph is trusted. A function that fails gives NaN, which never matches: the node runs
    and reports the failure itself.
    """
    if node.change_token is not None:
        return node.change_token
    spec = run.catalogue.get(node.type)
    if spec is None or not spec.fingerprint or spec.behaviour is None:
        return NO_TOKEN
    hidden = run.hidden(node.id)
    context = Context(run.services, node.id, node.type)
    invocation = Invocation(literal_arguments(spec, node, hidden), hidden, context)
    try:
        token = spec.behaviour.fingerprint(invocation)
        if inspect.isawaitable(token):
            token = run.coroutines.wait_for(token)
    except Cancelled:
        raise
    except RAISED as error:
        text = f"{exception_type(error)}: {message_of(error)}"
        run.record.token_errors[node.id] = text
        _log.warning("Node %s (%s): its change token cannot be computed, so it runs. %s", node.id, node.type, text)
        return float("nan")
    return [token]
