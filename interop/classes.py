"""Our built-in nodes as V1 classes, for packs that call, subclass or look them up.

Source: protocol §5.2, §5.6 ("nodes module").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph_runtime.behaviour import Blocker, Invocation, Result
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import NodeSpec
from graph_runtime.context import Context, Services
from graph_runtime.context import current as current_context
from graph_runtime.files import Files
from graph_runtime.object_info import object_info
from interop.errors import NotSupported
from interop.host import current
from interop.method_names import METHODS, ORDERS
from interop.models import lend, take_back_as
from interop.v3.schema import NodeOutput

__all__ = ["BuiltInNode", "NodeClasses", "built_in_class", "call_built_in", "class_for"]


class BuiltInNode:
    """Base of the classes that stand for built-in nodes; `SPEC` is the node."""

    SPEC: NodeSpec

    @classmethod
    def execute(cls, *args: Any, **kwargs: Any) -> NodeOutput:
        """Run the node as V3 classes are called; the result can be indexed and unpacked."""
        found = call_built_in(cls.SPEC, args, kwargs)
        return NodeOutput.from_dict(found) if isinstance(found, dict) else NodeOutput(*found)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:
        """The inputs, with choices as they are now."""
        sections = object_info(cls.SPEC, current().folders.choices)["input"]
        return {
            section: {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in inputs.items()}
            for section, inputs in sections.items()
        }


def _method(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call_built_in(type(self).SPEC, args, kwargs)

    method.__name__ = name
    method.__doc__ = "Run the node; arguments are its inputs, the result is a tuple, or a dict with `ui`."
    return method


def class_for(spec: NodeSpec, base: type = BuiltInNode) -> type:
    """Make the class of a built-in node."""
    function = METHODS.get(spec.id, "execute")
    members: dict[str, Any] = {
        "SPEC": spec,
        "FUNCTION": function,
        **({} if function == "execute" else {function: _method(function)}),
        "RETURN_TYPES": tuple(output.wire_type for output in spec.outputs),
        "RETURN_NAMES": tuple(output.name for output in spec.outputs),
        "OUTPUT_IS_LIST": tuple(output.is_list for output in spec.outputs),
        "CATEGORY": spec.category,
        "DESCRIPTION": spec.description,
        "OUTPUT_NODE": spec.terminal,
        "INPUT_IS_LIST": spec.input_is_list,
        "RELATIVE_PYTHON_MODULE": spec.module,
        "__module__": "nodes",
        "__doc__": spec.description,
    }
    for choice in ("upscale_method", "crop"):
        declared = spec.input(choice)
        if declared is not None and declared.choices is not None:
            members["upscale_methods" if choice == "upscale_method" else "crop_methods"] = list(declared.choices)
    return type(spec.id, (base,), members)


def call_built_in(spec: NodeSpec, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a built-in node outside the graph, as packs do.

    Args:
        args: its inputs by position, see `method_names.ORDERS`.
    Returns:
        A tuple with one item an output; {"ui": …, "result": …} where the node shows something.
    Raises:
        NotSupported: if the node needs the graph around it.
        TypeError: for inputs that it does not have, or that are missing.
    """
    behaviour = spec.behaviour
    if behaviour is None or behaviour.asynchronous or any(input.mode in ("lazy", "ref") for input in spec.inputs):
        raise NotSupported(f"nodes.{spec.id}", "called directly", "Expand into the node instead.")
    inputs = _bind(spec, args, kwargs)
    context = _context(spec.id)
    invocation = Invocation(inputs, {}, context, behaviour.new_instance())
    result = behaviour.call(invocation)
    if isinstance(result, Blocker):
        return (result,) * max(1, len(spec.outputs))
    assert isinstance(result, Result), "a synchronous behaviour returns its result"
    if result.expand is not None:
        raise NotSupported(f"nodes.{spec.id}", "called directly", "It expands into other nodes; do that yourself.")
    values = tuple(lend({"value": value})["value"] for value in result.values)
    ui = {**context.shown, **(result.ui or {})}
    return {"ui": ui, "result": values} if ui else values


def _bind(spec: NodeSpec, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    names = [input.name for input in spec.visible]
    hidden = {input.name for input in spec.hidden_inputs}
    order = [*ORDERS.get(spec.id, tuple(names)), *(name for name in names if name not in ORDERS.get(spec.id, names))]
    if len(args) > len(order) + len(hidden):
        raise TypeError(f"{spec.id} takes {len(order)} inputs ({', '.join(order)}), {len(args)} were given.")
    given = dict(zip([*order, *sorted(hidden)], args, strict=False)) | dict(kwargs)
    unknown = sorted(set(given) - set(names) - hidden)
    if unknown and not spec.dynamic_inputs:
        raise TypeError(f"{spec.id} has no input {unknown[0]!r}. It has: {', '.join(names)}.")
    inputs: dict[str, Any] = {}
    for input in spec.visible:
        if input.name in given:
            value = take_back_as(input.type, given[input.name])
            many = input.mode == "many" and not isinstance(value, list)
            inputs[input.name] = [value] if many else value
        elif input.default is not _missing():
            inputs[input.name] = input.default
        elif input.required:
            raise TypeError(f"{spec.id} needs the input {input.name!r}.")
    return inputs


def _missing() -> Any:
    from graph_runtime.catalogue import MISSING

    return MISSING


def _context(node_type: str) -> Context:
    """The running node's context with a display of its own, or one that nobody listens to."""
    running = current_context()
    if running is not None:
        return running.beside()
    services = Services("", lambda event: None, CancelToken(), files=Files(current().folders))
    return Context(services, "", node_type)


class NodeClasses(dict[str, Any]):
    """`NODE_CLASS_MAPPINGS` as packs see it: built-in nodes and the classes of every pack loaded so far.

    Packs may add to it; `added` tells what they did.
    """

    def __init__(self, catalogue: Mapping[str, NodeSpec], own: Mapping[str, type]) -> None:
        super().__init__({id: own.get(id) or class_for(spec) for id, spec in catalogue.items()})
        for id, cls in own.items():
            self.setdefault(id, cls)
        self._known = dict(self)

    def adopt(self, classes: Mapping[str, Any]) -> None:
        """Add the classes of a pack that was read."""
        self.update(classes)
        self._known.update(classes)

    def added(self) -> dict[str, Any]:
        """What packs put here themselves since this was asked last."""
        new = {id: cls for id, cls in self.items() if self._known.get(id) is not cls}
        self._known.update(new)
        return new


def built_in_class(id: str) -> type | None:
    """The class of a built-in node, as the stand-in for `nodes` has it; None for other names."""
    from interop.importing import active

    imports = active()
    found = None if imports is None else imports.module("nodes").NODE_CLASS_MAPPINGS.get(id)
    return found if isinstance(found, type) else None
