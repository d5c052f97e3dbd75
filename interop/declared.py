"""Reading what a V1 class declares, from the objects it declares it with.

`INPUT_TYPES()` returns mappings that may answer for more names than they list (packs with dynamic inputs), and types
may be string subclasses that equal everything. So mappings are asked with `in` and `[]` and never copied, and types
are passed on as they are. The Python frame of `get_input_info` matters: some packs look for it on the call stack to
learn that their inputs are being looked up for validation.
Source: protocol §5.2; pack_surface, "Traps".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["HIDDEN_KINDS", "SECTIONS", "Declared", "entry", "get_input_info", "listed", "look_up"]

SECTIONS = ("required", "optional", "hidden")
HIDDEN_KINDS = frozenset(
    {"PROMPT", "DYNPROMPT", "EXTRA_PNGINFO", "UNIQUE_ID", "AUTH_TOKEN_COMFY_ORG", "API_KEY_COMFY_ORG"}
)


class Declared(NamedTuple):
    """One declared input.

    Attributes:
        type: the object a class declared: a name, a string subclass, or a list of choices.
        section: "required", "optional" or "hidden".
        options: its options, {} without any.
    """

    type: Any
    section: str
    options: Mapping[str, Any]


def entry(value: Any) -> tuple[Any, Mapping[str, Any]]:
    """Split what stands beside an input's name into type and options; a bare string is a type."""
    if isinstance(value, tuple | list) and len(value) > 0 and not isinstance(value, str):
        options = value[1] if len(value) > 1 else None
        return value[0], options if isinstance(options, Mapping) else {}
    return value, {}


def get_input_info(
    class_def: Any, input_name: str, valid_inputs: Mapping[str, Any] | None = None
) -> tuple[Any, str | None, Mapping[str, Any] | None]:
    """Ask a class about one input.

    Args:
        class_def: the node class.
        input_name: any name; a class may answer for names that it does not list.
        valid_inputs: what `INPUT_TYPES()` returned, if it was called already.
    Returns:
        (type, section, options), or (None, None, None) for an input that the class does not have.
    """
    inputs = class_def.INPUT_TYPES() if valid_inputs is None else valid_inputs
    for section in SECTIONS:
        if inputs.get(section) is not None and input_name in inputs[section]:
            return (entry(inputs[section][input_name])[0], section, entry(inputs[section][input_name])[1])
    return None, None, None


def look_up(class_def: Any, name: str) -> Declared | None:
    """The declaration of one input, asked of the live class; None if the class does not have it."""
    declared, section, options = get_input_info(class_def, name)
    return None if section is None else Declared(declared, section, options or {})


def listed(inputs: Mapping[str, Any], *sections: str) -> list[tuple[str, Declared]]:
    """The inputs that a class lists, in its order; unlike `look_up` without those it would answer for."""
    found = []
    for section in sections:
        for name in list(inputs[section]) if inputs.get(section) is not None else ():
            found.append((name, Declared(*_split(inputs[section][name], section))))
    return found


def _split(value: Any, section: str) -> tuple[Any, str, Mapping[str, Any]]:
    declared, options = entry(value)
    return declared, section, options
