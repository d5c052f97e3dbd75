"""`ComfyNode`, the base of V3 node classes.

Every member is a class method; each call runs on a locked subclass that carries the hidden values.
Source: protocol §5.3.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from interop.v3.schema import HiddenHolder, NodeOutput, Schema
from interop.v3.sockets import Input

__all__ = ["ComfyNode", "is_overridden", "locked"]


class _Derived:
    """An attribute of a class that follows from its schema; V1-style readers use these."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._read(owner.GET_SCHEMA())


class ComfyNode:
    """A node: `define_schema` says what it is, `execute` does its work."""

    RELATIVE_PYTHON_MODULE: Any = None
    SCHEMA: Schema | None = None
    hidden: Any = None

    @classmethod
    def define_schema(cls) -> Schema:
        """Describe the node."""
        raise NotImplementedError(f"{cls.__name__} has no define_schema. Add it as a class method.")

    @classmethod
    def execute(cls, **kwargs: Any) -> Any:
        """Do the node's work: inputs come as keywords."""
        raise NotImplementedError(f"{cls.__name__} has no execute. Add it as a class method.")

    @classmethod
    def validate_inputs(cls, **kwargs: Any) -> bool | str:
        """Check values before anything runs; True, or what is wrong."""
        raise NotImplementedError

    @classmethod
    def fingerprint_inputs(cls, **kwargs: Any) -> Any:
        """A value that differs whenever the node must run again."""
        raise NotImplementedError

    @classmethod
    def check_lazy_status(cls, **kwargs: Any) -> list[str]:
        """Which lazy inputs are needed; by default those that are not there."""
        return [name for name, value in kwargs.items() if value is None]

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        """The checked schema; read once."""
        found = cls.__dict__.get("_schema_read")
        if found is None:
            found = cls.define_schema()
            found.finalize()
            found.validate()
            type.__setattr__(cls, "_schema_read", found)
            type.__setattr__(cls, "SCHEMA", found)
        return found

    @classmethod
    def FINALIZE_SCHEMA(cls) -> Schema:
        """The checked schema, read anew."""
        type.__setattr__(cls, "_schema_read", None)
        return cls.GET_SCHEMA()

    @classmethod
    def INPUT_TYPES(cls, include_hidden: bool = True, return_schema: bool = False) -> Any:
        """The inputs as V1 classes declare them."""
        schema = cls.FINALIZE_SCHEMA()
        sections: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
        for input in all_inputs(schema):
            section = "optional" if input.optional else "required"
            sections[section][input.id] = (input.get_io_type(), input.as_dict())
        if include_hidden and schema.hidden:
            sections["hidden"] = {kind.name: (kind.value,) for kind in schema.hidden}
        result = {name: inputs for name, inputs in sections.items() if inputs}
        return (result, schema) if return_schema else result

    @classmethod
    def EXECUTE_NORMALIZED(cls, *args: Any, **kwargs: Any) -> NodeOutput:
        """Call `execute` from outside; the result is always a `NodeOutput`."""
        found = cls.execute(*args, **kwargs)
        if isinstance(found, NodeOutput):
            return found
        if isinstance(found, Mapping):
            return NodeOutput.from_dict(found)
        return NodeOutput(*(found or ()))

    FUNCTION = "EXECUTE_NORMALIZED"
    CATEGORY = _Derived(lambda schema: schema.category)
    DESCRIPTION = _Derived(lambda schema: schema.description)
    OUTPUT_NODE = _Derived(lambda schema: schema.is_output_node)
    INPUT_IS_LIST = _Derived(lambda schema: schema.is_input_list)
    DEPRECATED = _Derived(lambda schema: schema.is_deprecated)
    EXPERIMENTAL = _Derived(lambda schema: schema.is_experimental)
    API_NODE = _Derived(lambda schema: schema.is_api_node)
    NOT_IDEMPOTENT = _Derived(lambda schema: schema.not_idempotent)
    RETURN_TYPES = _Derived(lambda schema: [output.get_io_type() for output in schema.outputs])
    RETURN_NAMES = _Derived(lambda schema: [output.display_name or _type_text(output) for output in schema.outputs])
    OUTPUT_IS_LIST = _Derived(lambda schema: [output.is_output_list for output in schema.outputs])
    OUTPUT_TOOLTIPS = _Derived(lambda schema: [output.tooltip for output in schema.outputs])


def _type_text(output: Any) -> str:
    kind = output.get_io_type()
    return str.__str__(kind) if isinstance(kind, str) else "COMBO"


def all_inputs(schema: Schema) -> list[Input]:
    """Every input, those that appear with others included."""
    return [found for input in schema.inputs for found in copy.copy(input).get_all()]


def is_overridden(cls: Any, name: str) -> bool:
    """Whether a class has a method of its own in place of `ComfyNode`'s."""
    own = getattr(cls, name, None)
    base = getattr(ComfyNode, name, None)
    return getattr(own, "__func__", own) is not getattr(base, "__func__", base)


def locked(cls: Any, hidden: Mapping[str, Any]) -> Any:
    """A subclass for one call: it has the hidden values, and nothing can be set on it."""
    members = {"hidden": HiddenHolder(hidden), "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    meta = type(cls)
    return _locking(meta)(cls.__name__, (cls,), members)


_locking_types: dict[type, type] = {}


def _locking(meta: type) -> Any:
    if meta not in _locking_types:

        def refuse(cls: Any, name: str, value: object) -> None:
            raise AttributeError(
                f"Cannot set {name!r} on {cls.__name__}: a V3 node class keeps nothing between calls. "
                "Keep the value outside of the class, or return it."
            )

        _locking_types[meta] = type("_Locked", (meta,), {"__setattr__": refuse})
    return _locking_types[meta]
