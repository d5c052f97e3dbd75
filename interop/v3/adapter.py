"""V3 node classes as `NodeSpec`s of this engine.

Source: protocol §4, §5.3.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from graph_runtime.behaviour import Behaviour, Blocker, Invocation, Result
from graph_runtime.catalogue import InputSpec, NodeSpec, OutputSpec
from graph_runtime.errors import NodeReturnedWrongly
from interop import running
from interop.calling import begin
from interop.declared import Declared
from interop.models import lend, take_back_all
from interop.plain import DROPPED, plain
from interop.signature import named
from interop.v1_inputs import input_spec
from interop.v3.dynamic import DynamicCombo, _Group, gather
from interop.v3.node import all_inputs, is_overridden, locked
from interop.v3.schema import NodeOutput, Schema

__all__ = ["SchemaBehaviour", "from_class"]


def from_class(id: str, cls: Any, *, module: str, display_name: str | None = None) -> NodeSpec:
    """Read a class's schema.

    Raises:
        BadPack: if it cannot be understood.
    """
    if not is_overridden(cls, "execute"):
        cls.execute()
    schema = cls.FINALIZE_SCHEMA()
    return NodeSpec(
        id=id,
        inputs=(*_inputs(schema), *_hidden(schema)),
        outputs=tuple(_output(output) for output in schema.outputs),
        display_name=display_name or schema.display_name or id,
        description=schema.description,
        category=schema.category,
        module=module,
        terminal=schema.is_output_node is True,
        deprecated=schema.is_deprecated,
        experimental=schema.is_experimental,
        api_node=schema.is_api_node,
        not_idempotent=schema.not_idempotent,
        input_is_list=schema.is_input_list,
        checks_inputs=named(cls.validate_inputs) if is_overridden(cls, "validate_inputs") else None,
        fingerprint=is_overridden(cls, "fingerprint_inputs"),
        dynamic_inputs=schema.accept_all_inputs,
        convention="v3",
        behaviour=SchemaBehaviour(cls, schema),
    )


def _inputs(schema: Schema) -> list[InputSpec]:
    found = []
    for section in ("required", "optional"):
        for input in all_inputs(schema):
            if input.optional == (section == "optional"):
                found.append(input_spec(input.id, Declared(input.get_io_type(), section, input.as_dict())))
    return found


def _hidden(schema: Schema) -> list[InputSpec]:
    return [InputSpec(kind.name, kind.value, required=False, hidden=kind.value) for kind in schema.hidden]


def _output(output: Any) -> OutputSpec:
    kind = output.get_io_type()
    choices = None
    if not isinstance(kind, str):
        kind, choices = "COMBO", tuple(item for item in map(plain, kind) if item is not DROPPED)
    name = output.display_name or str.__str__(kind)
    return OutputSpec(name, kind, bool(output.is_output_list), output.tooltip, choices)


class SchemaBehaviour(Behaviour):
    """Calls the class methods of a V3 node."""

    def __init__(self, cls: Any, schema: Schema) -> None:
        self.cls = cls
        self.schema = schema
        self.asynchronous = inspect.iscoroutinefunction(cls.execute)
        has_lazy = any(input.lazy for input in all_inputs(schema))
        self.lazy = "check" if is_overridden(cls, "check_lazy_status") or has_lazy else "none"
        self._hidden = frozenset(kind.name for kind in schema.hidden)
        self._groups = tuple(input.id for input in schema.inputs if isinstance(input, _Group))
        self._choices = frozenset(input.id for input in schema.inputs if isinstance(input, DynamicCombo.Input))

    def accepts(self, name: str) -> bool:
        """Only schemas that say so take undeclared inputs."""
        return self.schema.accept_all_inputs

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Run `execute`."""
        cls = self._locked(invocation)
        if self.asynchronous:
            return self._wait(cls, invocation)
        with running.call(begin(invocation)):
            returned = cls.execute(**self._arguments(invocation))
            return self._finish(returned) if inspect.isawaitable(returned) else self.read(cls, returned)

    async def _wait(self, cls: Any, invocation: Invocation) -> Result | Blocker:
        with running.call(begin(invocation)):
            return self.read(cls, await cls.execute(**self._arguments(invocation)))

    async def _finish(self, returned: Awaitable[Any]) -> Result | Blocker:
        return self.read(self.cls, await returned)

    def read(self, cls: Any, returned: Any) -> Result | Blocker:
        """Understand what `execute` may return.

        Raises:
            NodeReturnedWrongly: if it is none of these.
        """
        if isinstance(returned, Blocker):
            return returned
        if isinstance(returned, Mapping):
            returned = NodeOutput.from_dict(returned)
        elif isinstance(returned, tuple):
            returned = NodeOutput(*returned)
        elif returned is None:
            returned = NodeOutput()
        if not isinstance(returned, NodeOutput):
            raise NodeReturnedWrongly(
                f"{cls.__name__}.execute returned {type(returned).__name__}.",
                fix="Return io.NodeOutput(…), a tuple, or None.",
            )
        if returned.expand is not None and not self.schema.enable_expand:
            raise NodeReturnedWrongly(
                f"{cls.__name__}.execute returned nodes to expand into.", fix="Set enable_expand=True in its schema."
            )
        ui = returned.ui.as_dict() if hasattr(returned.ui, "as_dict") else returned.ui
        if returned.block_execution is not None:
            blocker = Blocker(returned.block_execution)
            values: Sequence[Any] = [blocker] * max(1, len(self.schema.outputs))
            return blocker if ui is None else Result(values, ui)
        kinds = [output.get_io_type() for output in self.schema.outputs]
        return Result(take_back_all(kinds, returned.args), ui, returned.expand)

    def needed(self, invocation: Invocation) -> Any:
        """Ask `check_lazy_status`."""
        with running.call(begin(invocation)):
            return self._locked(invocation).check_lazy_status(**self._lazy_arguments(invocation))

    def _lazy_arguments(self, invocation: Invocation) -> dict[str, Any]:
        """All inputs for a check of the node's own; only the lazy ones for the default check."""
        arguments = self._arguments(invocation)
        if is_overridden(self.cls, "check_lazy_status"):
            return arguments
        lazy = {input.id for input in all_inputs(self.schema) if input.lazy}
        return {name: value for name, value in arguments.items() if name in lazy}

    def fingerprint(self, invocation: Invocation) -> Any:
        """Ask `fingerprint_inputs`."""
        with running.call(begin(invocation)):
            return self._locked(invocation).fingerprint_inputs(**self._arguments(invocation))

    def check(self, invocation: Invocation, input_types: Mapping[str, Any]) -> Any:
        """Ask `validate_inputs`."""
        arguments = dict(invocation.inputs)
        if "input_types" in named(self.cls.validate_inputs):
            arguments["input_types"] = dict(input_types)
        with running.call(begin(invocation)):
            return self._locked(invocation).validate_inputs(**arguments)

    def _locked(self, invocation: Invocation) -> Any:
        hidden = {kind.value: invocation.hidden.get(kind.value) for kind in self.schema.hidden}
        return locked(self.cls, hidden)

    def _arguments(self, invocation: Invocation) -> dict[str, Any]:
        plain_inputs = {name: value for name, value in invocation.inputs.items() if name not in self._hidden}
        return lend(gather(plain_inputs, self._groups) if self._groups else plain_inputs)
