"""Our own samplers' nodes, through the host's functions where packs have changed those.

Source: pack_surface, tier 3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace

from graph_runtime.behaviour import Behaviour, Blocker, Invocation, Result
from graph_runtime.catalogue import NodeSpec
from interop.replaced import sampling_is_replaced
from interop.v1 import ClassBehaviour

__all__ = ["through_host"]

SAMPLERS = ("KSampler", "KSamplerAdvanced")


def through_host(specs: Mapping[str, NodeSpec]) -> dict[str, NodeSpec]:
    """The nodes that sample by names, heeding what packs have put in place of the host's functions."""
    from interop.classes import built_in_class

    found: dict[str, NodeSpec] = {}
    for id in SAMPLERS:
        cls, spec = built_in_class(id), specs.get(id)
        if spec is not None and spec.behaviour is not None and cls is not None:
            found[id] = replace(spec, behaviour=_ThroughHost(spec.behaviour, cls))
    return found


class _ThroughHost(Behaviour):
    """Looks before each call whether the host's functions are still ours.

    Args:
        own: what the node does by itself.
        cls: the host's class for it.
    """

    def __init__(self, own: Behaviour, cls: type) -> None:
        self.own, self.through = own, ClassBehaviour(cls, 1)

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Run the node."""
        if not sampling_is_replaced():
            return self.own.call(invocation)
        return self.through.call(replace(invocation, instance=self.through.new_instance()))
