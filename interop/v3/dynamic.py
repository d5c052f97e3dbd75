"""Inputs that appear with other inputs, and types that follow a link. The established API calls these experimental.

In a graph, an input that appears with another is named "<its parent>.<its own name>"; the node receives one dict.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from interop.v3 import sockets
from interop.v3.sockets import Input, WidgetInput

__all__ = ["Autogrow", "DynamicCombo", "MatchType", "gather"]


class MatchType:
    """Sockets that take the type of what is linked to one of them."""

    io_type = "COMFY_MATCHTYPE_V3"
    Type = Any

    class Template:
        """A type to be found out.

        Args:
            template_id: joins the sockets that share it.
            allowed_types: what it can be; a type class, several, or none for everything.
        """

        def __init__(self, template_id: str, allowed_types: Any = None) -> None:
            self.template_id = template_id
            kinds = [] if allowed_types is None else allowed_types
            self.allowed_types = list(kinds) if isinstance(kinds, Sequence) else [kinds]

        @property
        def io_type(self) -> str:
            """The allowed types, joined by commas."""
            return ",".join(str(kind.io_type) for kind in self.allowed_types) or "*"

    class Input(sockets.Input):
        """An input of the type to be found out."""

        def __init__(self, id: str, template: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(id, *args, **kwargs)
            self.template = template

        @property
        def io_type(self) -> str:
            """What can be linked."""
            return str(self.template.io_type)

    class Output(sockets.Output):
        """An output of the type to be found out."""

        def __init__(self, template: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.template = template

        @property
        def io_type(self) -> str:
            """What it can give."""
            return str(self.template.io_type)


class _Group(WidgetInput):
    """An input that brings others."""

    def children(self) -> list[Input]:
        """The inputs that can appear, under their own names."""
        raise NotImplementedError

    def get_all(self) -> list[Input]:
        """This input and those that can appear, named below it; all of these may be absent."""
        found = []
        for child in self.children():
            for input in copy.copy(child).get_all():
                input.id = f"{self.id}.{input.id}"
                input.optional = True
                found.append(input)
        return found


class DynamicCombo:
    """A choice that brings inputs of its own."""

    io_type = "COMFY_DYNAMICCOMBO_V3"
    Type = dict

    class Option:
        """One choice and its inputs."""

        def __init__(self, key: str, inputs: Sequence[Input]) -> None:
            self.key = key
            self.inputs = list(inputs)

    class Input(_Group):
        """The list of choices."""

        io_type_name = "COMBO"

        def __init__(self, id: str, options: Sequence[Any], *args: Any, **kwargs: Any) -> None:
            super().__init__(id, *args, **kwargs)
            self.options = list(options)

        def as_dict(self) -> dict[str, Any]:
            """The options as clients see them."""
            return super().as_dict() | {"options": [option.key for option in self.options]}

        def children(self) -> list[Input]:
            """Every choice's inputs; of those with one name, the first."""
            inputs = [input for option in self.options for input in option.inputs]
            return list({input.id: input for input in reversed(inputs)}.values())[::-1]

        def get_all(self) -> list[Input]:
            """The choice, and what it brings."""
            return [self, *super().get_all()]


class Autogrow:
    """As many inputs as are linked."""

    io_type = "COMFY_AUTOGROW_V3"
    Type = dict

    class TemplatePrefix:
        """Inputs named by a prefix and a number."""

        def __init__(self, input: Input, prefix: str, min: int = 1, max: int = 10) -> None:
            self.input, self.min = input, min
            self.names = [f"{prefix}{index}" for index in range(max)]

    class TemplateNames:
        """Inputs of given names."""

        def __init__(self, input: Input, names: Sequence[str], min: int = 1) -> None:
            self.input, self.names, self.min = input, list(names), min

    class Input(_Group):
        """The inputs that can be linked."""

        def __init__(self, id: str, template: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(id, *args, **kwargs)
            self.template = template

        def children(self) -> list[Input]:
            """One input a name."""
            found = []
            for name in self.template.names:
                input = copy.copy(self.template.input)
                input.id = name
                found.append(input)
            return found


def gather(inputs: Mapping[str, Any], groups: Sequence[str]) -> dict[str, Any]:
    """Put inputs named "<group>.<name>" into one dict a group, with the group's own value under its own name."""
    result: dict[str, Any] = {}
    for name, value in inputs.items():
        group, dot, child = name.partition(".")
        if group not in groups:
            result[name] = value
        elif dot:
            result.setdefault(group, {})[child] = value
        else:
            result.setdefault(group, {})[group] = value
    return result | {group: {} for group in groups if group not in result}
