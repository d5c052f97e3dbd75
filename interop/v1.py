"""Node classes in the V1 convention as `NodeSpec`s of this engine.

Source: protocol §4.3-§4.9, §5.2.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from graph_runtime.behaviour import Behaviour, Blocker, Invocation, Result
from graph_runtime.catalogue import NodeSpec
from graph_runtime.errors import NodeReturnedWrongly
from interop import running
from interop.calling import begin
from interop.declared import look_up
from interop.errors import BadPack
from interop.models import lend, take_back_all
from interop.plain import plain
from interop.signature import named
from interop.v1_inputs import answers_for_any_name, input_specs, output_specs

__all__ = ["ClassBehaviour", "from_class"]


def from_class(id: str, cls: Any, *, module: str, display_name: str | None = None) -> NodeSpec:
    """Read what a class declares.

    Args:
        id: its key in NODE_CLASS_MAPPINGS.
        module: "custom_nodes.<pack>".
    Raises:
        BadPack: if a declaration cannot be understood, with the cure.
    """
    outputs, more_outputs = output_specs(cls)
    api_node = getattr(cls, "API_NODE", None)
    return NodeSpec(
        id=id,
        inputs=input_specs(cls),
        outputs=outputs,
        display_name=display_name or id,
        description=_text(cls, "DESCRIPTION"),
        category=_text(cls, "CATEGORY") or "sd",
        module=module,
        terminal=getattr(cls, "OUTPUT_NODE", False) is True,
        deprecated=bool(getattr(cls, "DEPRECATED", False)),
        experimental=bool(getattr(cls, "EXPERIMENTAL", False)),
        api_node=None if api_node is None else bool(api_node),
        not_idempotent=bool(getattr(cls, "NOT_IDEMPOTENT", False)),
        input_is_list=bool(getattr(cls, "INPUT_IS_LIST", False)),
        checks_inputs=named(cls.VALIDATE_INPUTS) if hasattr(cls, "VALIDATE_INPUTS") else None,
        fingerprint=hasattr(cls, "IS_CHANGED"),
        dynamic_inputs=answers_for_any_name(cls),
        dynamic_outputs=more_outputs,
        convention="v1",
        behaviour=ClassBehaviour(cls, len(outputs)),
    )


def _text(cls: Any, name: str) -> str:
    value = plain(getattr(cls, name, None))
    return value.strip() if isinstance(value, str) else ""


class ClassBehaviour(Behaviour):
    """Calls the method of a V1 class.

    Args:
        cls: the class; asked anew for its inputs whenever an undeclared name turns up.
        outputs: how many outputs it declares.
    """

    def __init__(self, cls: Any, outputs: int) -> None:
        self.cls = cls
        self.outputs = outputs
        self.asynchronous = inspect.iscoroutinefunction(getattr(cls, str(getattr(cls, "FUNCTION", "")), None))
        self.lazy = "check" if hasattr(cls, "check_lazy_status") else "none"

    def new_instance(self) -> Any:
        """One object per node id: what it keeps on itself lasts while the node is used."""
        return self.cls()

    def accepts(self, name: str) -> bool:
        """Ask the live declaration."""
        return look_up(self.cls, name) is not None

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Run the class's method.

        Raises:
            BadPack: if FUNCTION names none; such a class is listed all the same, because editors may need it.
        """
        function = getattr(self.cls, "FUNCTION", None)
        method = getattr(invocation.instance, str(function), None)
        if not callable(method):
            name = self.cls.__name__
            raise BadPack(
                f"FUNCTION of {name} is {function!r}, which is no method of it. Ask its author to correct it."
            )
        arguments = lend(invocation.inputs)
        if self.asynchronous:
            return self._wait(method, arguments, invocation)
        with running.call(begin(invocation)):
            return self._counted(self.read(method(**arguments)), invocation)

    async def _wait(self, method: Any, arguments: Mapping[str, Any], invocation: Invocation) -> Result | Blocker:
        with running.call(begin(invocation)):
            return self._counted(self.read(await method(**arguments)), invocation)

    def _counted(self, result: Result | Blocker, invocation: Invocation) -> Result | Blocker:
        """Warn where outputs are missing: what is linked to them gets None, as packs are used to."""
        if isinstance(result, Result) and 0 < len(result.values) < self.outputs and invocation.context is not None:
            invocation.context.warn(
                f"{self.cls.__name__}.{self.cls.FUNCTION} returned {len(result.values)} of its {self.outputs} outputs; "
                "the others are None."
            )
        return result

    def read(self, returned: Any) -> Result | Blocker:
        """Understand what a V1 function may return.

        Raises:
            NodeReturnedWrongly: if it is none of these.
        """
        if isinstance(returned, Blocker):
            return returned
        if isinstance(returned, Mapping):
            ui, expand = (self._section(returned, name) for name in ("ui", "expand"))
            return Result(self._values(returned.get("result", ())), ui, expand)
        return Result(self._values(returned))

    def _section(self, returned: Mapping[Any, Any], name: str) -> Mapping[Any, Any] | None:
        section = returned.get(name)
        if section is None or isinstance(section, Mapping):
            return section
        raise NodeReturnedWrongly(
            f"{self.cls.__name__}.{self.cls.FUNCTION} returned {type(section).__name__} as its {name!r}.",
            fix="Return a dict there.",
        )

    def _values(self, values: Any) -> Sequence[Any]:
        if isinstance(values, Blocker):
            return [values] * max(1, self.outputs)
        if values is None and self.outputs == 0:
            return ()
        if not hasattr(values, "__len__") or not hasattr(values, "__getitem__"):
            raise NodeReturnedWrongly(
                f"{self.cls.__name__}.{self.cls.FUNCTION} returned {type(values).__name__} instead of a tuple.",
                fix="Return a tuple with one item an output; one item needs a comma: return (image,).",
            )
        return take_back_all(getattr(self.cls, "RETURN_TYPES", ()), values)

    def needed(self, invocation: Invocation) -> Sequence[str] | Awaitable[Sequence[str] | None] | None:
        """Ask `check_lazy_status`."""
        with running.call(begin(invocation)):
            wanted: Sequence[str] | None = invocation.instance.check_lazy_status(**lend(invocation.inputs))
            return wanted

    def fingerprint(self, invocation: Invocation) -> Any:
        """Ask `IS_CHANGED`."""
        with running.call(begin(invocation)):
            return self.cls.IS_CHANGED(**invocation.inputs)

    def check(self, invocation: Invocation, input_types: Mapping[str, Any]) -> Any:
        """Ask `VALIDATE_INPUTS`."""
        arguments = dict(invocation.inputs)
        if "input_types" in named(self.cls.VALIDATE_INPUTS):
            arguments["input_types"] = dict(input_types)
        with running.call(begin(invocation)):
            return self.cls.VALIDATE_INPUTS(**arguments)
