"""Built-in nodes through the host's classes, where packs have put something of their own there.

Two nodes sample by names, through functions that packs replace at any time; of the others, packs replace the method of
the class while they are imported.
Source: pack_surface, tier 3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graph_runtime.behaviour import Behaviour, Blocker, Invocation, Result
from graph_runtime.catalogue import NodeSpec
from interop.replaced import is_own, sampling_is_replaced
from interop.v1 import ClassBehaviour

__all__ = ["through_host"]

SAMPLERS = ("KSampler", "KSamplerAdvanced")
_OWN_MODULES = ("interop.classes", "nodes")
"""Where the methods of the host's classes come from: made for a node, or written for the host's module `nodes`."""


def through_host(specs: Mapping[str, NodeSpec]) -> dict[str, NodeSpec]:
    """The built-in nodes that go through the host's classes, or may."""
    from interop.classes import built_in_class

    found: dict[str, NodeSpec] = {}
    for id, spec in specs.items():
        cls = built_in_class(id)
        if cls is None or spec.behaviour is None or spec.behaviour.asynchronous:
            continue
        replaced = _is_replaced(cls)
        if replaced or id in SAMPLERS:
            found[id] = replace(spec, behaviour=_ThroughHost(spec, spec.behaviour, cls, always=replaced))
    return found


def _is_replaced(cls: Any) -> bool:
    """Whether a pack has put a method of its own into a class of ours."""
    method = getattr(cls, str(getattr(cls, "FUNCTION", "")), None)
    function = getattr(method, "__func__", method)
    return hasattr(cls, "SPEC") and not any(is_own(function, module) for module in _OWN_MODULES)


class _ThroughHost(Behaviour):
    """Calls the host's class; without `always`, only while a pack has replaced a function that sampling goes through.

    Args:
        own: what the node does by itself.
    """

    def __init__(self, spec: NodeSpec, own: Behaviour, cls: type, *, always: bool) -> None:
        self.own, self.always = own, always
        self.through = ClassBehaviour(cls, len(spec.outputs))
        self.lazy, self.replaces = own.lazy, own.replaces
        self.function = getattr(own, "function", None)  # nodes that expand find others by it
        self._many = tuple(input.name for input in spec.inputs if input.mode == "many")

    def new_instance(self) -> Any:
        """What the node keeps by itself."""
        return self.own.new_instance()

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Run the node."""
        if not self.always and not sampling_is_replaced():
            return self.own.call(invocation)
        inputs = dict(invocation.inputs)
        for name in self._many:
            if len(inputs[name]) == 1:
                (inputs[name],) = inputs[name]
        return self.through.call(replace(invocation, inputs=inputs, instance=self.through.new_instance()))

    def accepts(self, name: str) -> bool:
        """As the node itself."""
        return self.own.accepts(name)

    def needed(self, invocation: Invocation) -> Sequence[str] | Awaitable[Sequence[str] | None] | None:
        """As the node itself."""
        return self.own.needed(invocation)

    def fingerprint(self, invocation: Invocation) -> Any:
        """As the node itself."""
        return self.own.fingerprint(invocation)

    def check(self, invocation: Invocation, input_types: Mapping[str, Any]) -> Any:
        """As the node itself."""
        return self.own.check(invocation, input_types)
