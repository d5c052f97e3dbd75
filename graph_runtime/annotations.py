"""Reading a function's annotations into inputs and outputs."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from graph_runtime import sockets
from graph_runtime.catalogue import MISSING, WIDGET_TYPES, InputSpec, OutputSpec
from graph_runtime.context import Context
from graph_runtime.errors import DeclarationError
from graph_runtime.expansion import Subgraph

__all__ = ["Parameter", "read_parameters", "read_returns"]

_SCALARS = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: an input with its spec, or a service ("context", "subgraph").

    `convert` turns the graph's JSON value into what the function expects, where the two differ (paths, enums).
    """

    name: str
    role: Literal["input", "context", "subgraph"]
    spec: InputSpec | None = None
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class _Annotation:
    base: Any
    notes: tuple[Any, ...]
    optional: bool
    others: tuple[Any, ...] = ()

    def note(self, kind: type[Any]) -> Any:
        """Return the outermost note of this kind, or None."""
        return next((item for item in reversed(self.notes) if isinstance(item, kind)), None)


def read_parameters(function: Callable[..., Any], where: str) -> list[Parameter]:
    """Read every parameter of a node function, in order.

    Raises:
        DeclarationError: for parameters that are variadic or not annotated, types that are no socket, and defaults
            that contradict the declared constraints.
    """
    hints = _hints(function, where)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DeclarationError(
                f"parameter '{name}' is variadic or positional-only.", where=where, fix="Name every input."
            )
        if name not in hints:
            raise DeclarationError(
                f"parameter '{name}' is not annotated.", where=where, fix=f"Write '{name}: Image', or int, float, …"
            )
        found.append(_parameter(name, _read(hints[name]), parameter.default, f"{where}, parameter '{name}'"))
    return found


def read_returns(function: Callable[..., Any], where: str, texts: typing.Mapping[str, str]) -> tuple[OutputSpec, ...]:
    """Read the outputs from the return annotation: None, one socket, a tuple, or a NamedTuple whose fields name them.

    Raises:
        DeclarationError: if there is no return annotation, or a type in it is no socket.
    """
    hints = _hints(function, where)
    if "return" not in hints:
        raise DeclarationError("the return value is not annotated.", where=where, fix="Write '-> None' for nothing.")
    returned = hints["return"]
    if returned is None or returned is type(None):
        return ()
    if isinstance(returned, type) and issubclass(returned, tuple) and hasattr(returned, "_fields"):
        fields = typing.get_type_hints(returned, include_extras=True)
        named = [(name, _read(hint)) for name, hint in fields.items()]
    elif get_origin(returned) is tuple:
        named = [("", _read(hint)) for hint in get_args(returned)]
    else:
        named = [("", _read(returned))]
    return tuple(_output(name, annotation, where, texts) for name, annotation in named)


def _hints(function: Callable[..., Any], where: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"an annotation names '{error.name}', which does not exist when the module runs.",
            where=where,
            fix="Import it outside of TYPE_CHECKING, or use a socket of yours: Annotated[Any, Socket('NAME')].",
        ) from error


def _read(hint: Any) -> _Annotation:
    notes: tuple[Any, ...] = ()
    optional = False
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            inner, *outer = get_args(hint)
            notes = (*outer, *notes)
            hint = inner
        elif origin in (Union, types.UnionType):
            parts = [part for part in get_args(hint) if part is not type(None)]
            optional = optional or len(parts) < len(get_args(hint))
            if len(parts) > 1:
                return _Annotation(Union, notes, optional, tuple(parts))
            hint = parts[0]
        else:
            return _Annotation(hint, notes, optional)


def _parameter(name: str, annotation: _Annotation, default: Any, where: str) -> Parameter:
    if annotation.base is Context:
        return Parameter(name, "context")
    if annotation.base is Subgraph:
        return Parameter(name, "subgraph")
    hidden = annotation.note(sockets.Hidden)
    if hidden is not None:
        return Parameter(name, "input", InputSpec(name, hidden.kind, required=False, hidden=hidden.kind))
    required = default is inspect.Parameter.empty
    marked = any(isinstance(note, sockets._Optional) for note in annotation.notes)
    if default is None and not annotation.optional:
        raise DeclarationError("the default is None, but the type does not allow it.", where=where, fix="Add '| None'.")
    if required and marked:
        raise DeclarationError("it is OPTIONAL but has no default.", where=where, fix="Give it a default.")
    optional = not required and (marked or annotation.optional)
    received = annotation.note(sockets._Received)
    type_name, combo = _socket(annotation, where), _combo(annotation)
    options = _options(annotation, type_name)
    plain = _plain_default(default)
    _check_default(plain, type_name, options, combo, where)
    mode: sockets.Mode = received.mode if received else "value"
    if mode == "lazy":
        options["lazy"] = True
    elif mode == "ref":
        options["rawLink"] = True
    alias, show_if = annotation.note(sockets.Alias), annotation.note(sockets.ShowIf)
    spec = InputSpec(
        name,
        type_name,
        mode=mode,
        required=not optional,
        default=plain,
        widget=type_name in WIDGET_TYPES and not options.get("forceInput") and mode in ("value", "lazy"),
        options=options,
        **combo,
        aliases=alias.names if alias else (),
        show_if={"input": show_if.input, "values": list(show_if.values)} if show_if else None,
    )
    return Parameter(name, "input", spec, _converter(annotation.base))


def _socket(annotation: _Annotation, where: str) -> str:
    socket = annotation.note(sockets.Socket)
    if socket is not None:
        return typing.cast(str, socket.type)
    if annotation.note(sockets.Choice) or annotation.note(sockets.FileIn):
        return "COMBO"
    base = annotation.base
    if annotation.others:
        return ",".join(dict.fromkeys(_socket(_read(part), where) for part in annotation.others))
    if get_origin(base) is Literal or (isinstance(base, type) and issubclass(base, enum.Enum)):
        return "COMBO"
    if base in (Any, object) or isinstance(base, TypeVar):
        return "*"
    for scalar, name in _SCALARS.items():
        if base is scalar:
            return name
    raise DeclarationError(
        f"{getattr(base, '__name__', base)!r} is no socket type.",
        where=where,
        fix="Use int, float, str, bool, a socket such as Image, or Annotated[YourType, Socket('YOUR_TYPE')].",
    )


def _combo(annotation: _Annotation) -> dict[str, Any]:
    choice, file = annotation.note(sockets.Choice), annotation.note(sockets.FileIn)
    base = annotation.base
    if file is not None:
        values = tuple(choice.values) if choice else None
        return {"choices": values, "choices_from": {"folder": file.folder}, "combo_form": file.form}
    if choice is not None:
        return {"choices": tuple(choice.values), "combo_form": choice.form}
    if get_origin(base) is Literal:
        return {"choices": get_args(base), "combo_form": "old"}
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return {"choices": tuple(item.value for item in base), "combo_form": "old"}
    return {}


def _options(annotation: _Annotation, type_name: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    bounds = annotation.note(sockets.Range)
    if bounds is not None:
        number = float if type_name == "FLOAT" else lambda value: value
        for key in ("min", "max", "step", "round"):
            value = getattr(bounds, key)
            if value is not None:
                options[key] = value if isinstance(value, bool) else number(value)
    text = annotation.note(sockets.Text)
    if text is not None:
        names = {"multiline": "multiline", "dynamic_prompts": "dynamicPrompts", "placeholder": "placeholder"}
        options |= {key: getattr(text, name) for name, key in names.items() if getattr(text, name) is not None}
    choice, file = annotation.note(sockets.Choice), annotation.note(sockets.FileIn)
    if (choice is not None and choice.form == "new") or (file is not None and file.form == "new"):
        several = choice.multiple if choice is not None else False
        options |= {} if several is None else {"multiselect": several}
    if file is not None and file.upload:
        options[f"{file.upload}_upload"] = True
    for note in annotation.notes:
        if isinstance(note, sockets.Options):
            options |= note.values
    return options


def _plain_default(default: Any) -> Any:
    if default is inspect.Parameter.empty or default is None:
        return MISSING
    if isinstance(default, enum.Enum):
        return default.value
    return str(default) if isinstance(default, Path) else default


def _check_default(default: Any, type_name: str, options: dict[str, Any], combo: dict[str, Any], where: str) -> None:
    if default is MISSING:
        return
    if type_name in ("INT", "FLOAT") and isinstance(default, int | float):
        low, high = options.get("min"), options.get("max")
        if (low is not None and default < low) or (high is not None and default > high):
            raise DeclarationError(
                f"the default {default} is outside of {low}..{high}.", where=where, fix="Change one of them."
            )
    choices = combo.get("choices")
    if choices is not None and "choices_from" not in combo and not isinstance(default, list) and default not in choices:
        raise DeclarationError(
            f"the default {default!r} is not among the choices.{_near(default, choices)}", where=where
        )


def _near(default: Any, choices: Iterable[Any]) -> str:
    from graph_runtime.errors import did_you_mean

    return did_you_mean(str(default), [str(choice) for choice in choices])


def _converter(base: Any) -> Callable[[Any], Any] | None:
    if isinstance(base, type) and issubclass(base, enum.Enum | Path):
        return base
    return None


def _output(name: str, annotation: _Annotation, where: str, texts: typing.Mapping[str, str]) -> OutputSpec:
    is_list = get_origin(annotation.base) is list and annotation.note(sockets.Socket) is None
    if is_list:
        inner = _read(get_args(annotation.base)[0])
        annotation = _Annotation(inner.base, (*inner.notes, *annotation.notes), False, inner.others)
    type_name = _socket(annotation, f"{where}, output '{name}'")
    note = annotation.note(sockets.Output)
    shown = note.name if note else name or type_name
    tooltip = (note.tooltip if note else None) or texts.get(shown) or texts.get(name or type_name)
    return OutputSpec(shown, type_name, is_list, tooltip)
