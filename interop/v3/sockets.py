"""Inputs and outputs as V3 schemas declare them.

Source: protocol §5.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = ["Input", "Output", "TypeName", "WidgetInput", "comfytype", "custom", "without_none"]


class TypeName(str):
    """A socket type: equal to another if the set of names of one contains that of the other, or one is "*"."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        if not isinstance(other, str):
            return True
        if "*" in (str.__str__(self), str.__str__(other)):
            return False
        mine, others = set(str.__str__(self).split(",")), set(str.__str__(other).split(","))
        return not (mine <= others or others <= mine)

    def __eq__(self, other: object) -> bool:
        return not self != other

    __hash__ = str.__hash__


def without_none(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {key: value for key, value in options.items() if value is not None}


class _Socket:
    """What inputs and outputs share: the type they belong to."""

    Parent: ClassVar[Any] = None
    io_type_name: ClassVar[str] = "*"

    @property
    def io_type(self) -> str:
        """The name of the type."""
        return type(self).io_type_name

    def get_io_type(self) -> Any:
        """The type as it is compared."""
        return TypeName(self.io_type)


class Input(_Socket):
    """An input.

    Args:
        id: its name, unique in the schema.
        display_name: shown instead.
        optional: may be left out.
        lazy: evaluated only when asked for.
        extra_dict: further options for clients.
        raw_link: the wire itself is passed.
        more: options of newer versions, passed on to clients.
    """

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: Mapping[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
        **more: Any,
    ) -> None:
        self.id = id
        self.display_name = display_name
        self.optional = optional
        self.tooltip = tooltip
        self.lazy = lazy
        self.extra_dict = dict(extra_dict or {})
        self.rawLink = raw_link
        self.advanced = advanced
        self.more = more

    def as_dict(self) -> dict[str, Any]:
        """The options as clients see them."""
        return without_none(
            {
                "display_name": self.display_name,
                "tooltip": self.tooltip,
                "lazy": self.lazy,
                "rawLink": self.rawLink,
                "advanced": self.advanced,
            }
            | self.extra_dict
            | self.more
        )

    def get_all(self) -> list[Input]:
        """This input, and those that appear with it."""
        return [self]


class WidgetInput(Input):
    """An input that an editor shows as a widget.

    Args:
        default: the value it starts with.
        socketless: cannot be linked.
        widget_type: another widget than the type's own.
        force_input: a socket only.
    """

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        default: Any = None,
        socketless: bool | None = None,
        widget_type: str | None = None,
        force_input: bool | None = None,
        extra_dict: Mapping[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
        **more: Any,
    ) -> None:
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, raw_link, advanced, **more)
        self.default = default
        self.socketless = socketless
        self.widget_type = widget_type
        self.force_input = force_input

    def as_dict(self) -> dict[str, Any]:
        """The options as clients see them."""
        return super().as_dict() | without_none(
            {
                "default": self.default,
                "socketless": self.socketless,
                "widgetType": self.widget_type,
                "forceInput": self.force_input,
            }
        )

    def get_io_type(self) -> Any:
        """The type as it is compared; a widget of another type stands for that type."""
        return TypeName(self.widget_type if self.widget_type is not None else self.io_type)


class Output(_Socket):
    """An output.

    Args:
        id: unique in the schema; by default made from its place and type.
        is_output_list: gives a list of values.
    """

    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
        **more: Any,
    ) -> None:
        self.id = id
        self.display_name = display_name
        self.tooltip = tooltip
        self.is_output_list = is_output_list
        self.more = more


def comfytype(io_type: str, **kwargs: Any) -> Any:
    """Make a class a socket type; `Input` and `Output` classes in it become the type's."""

    def decorate(cls: Any) -> Any:
        cls.io_type = io_type
        cls.Type = kwargs.get("Type", cls.__dict__.get("Type", Any))
        for name, base in (("Input", Input), ("Output", Output)):
            own: Any = cls.__dict__.get(name) or type(name, (getattr(cls, name, base),), {})
            own.Parent = cls
            own.io_type_name = io_type
            setattr(cls, name, own)
        return cls

    return decorate


def custom(io_type: str) -> Any:
    """A new socket type of that name."""
    return comfytype(io_type)(type(io_type, (), {}))
