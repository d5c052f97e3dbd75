"""The sockets that a V1 class declares, as the engine's input and output specs.

Source: protocol §1.6, §5.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graph_runtime.catalogue import MISSING, WIDGET_TYPES, InputSpec, OutputSpec
from interop.declared import Declared, listed, look_up
from interop.errors import BadPack
from interop.plain import DROPPED, plain

__all__ = ["answers_for_any_name", "input_spec", "input_specs", "output_specs"]

_UPLOADS = {"image_upload": "image", "animated_image_upload": "image", "video_upload": "video", "audio_upload": "audio"}
_PROBE = "a name that nobody declares"


def input_specs(cls: Any) -> tuple[InputSpec, ...]:
    """The inputs that a class lists: required, optional, hidden.

    Raises:
        BadPack: if `INPUT_TYPES()` does not return sections of inputs.
    """
    inputs = cls.INPUT_TYPES()
    if not isinstance(inputs, Mapping):
        raise BadPack(f"INPUT_TYPES() of {cls.__name__} returned a {type(inputs).__name__} instead of a dict.")
    return tuple(input_spec(name, declared) for name, declared in listed(inputs, "required", "optional", "hidden"))


def input_spec(name: str, declared: Declared) -> InputSpec:
    """One input."""
    if declared.section == "hidden":
        kind = plain(declared.type)
        kind = kind if isinstance(kind, str) else "COMBO"  # packs list choices here for their own scripts
        return InputSpec(name, kind, required=False, hidden=kind)
    required = declared.section == "required"
    default = plain(declared.options["default"]) if "default" in declared.options else MISSING
    options = {key: plain(value) for key, value in declared.options.items() if key != "default"}
    options = {key: value for key, value in options.items() if value is not DROPPED}
    if not isinstance(declared.type, str):
        return _choices(name, declared, required, default, options)
    if type_name(declared.type) == "COMBO":  # the type itself may have no hash
        choices = options.pop("options", None)
        return InputSpec(
            name, "COMBO", required=required, default=_known(default), widget=not options.get("forceInput"),
            options=options, choices=None if choices is None else tuple(choices), combo_form="new",
        )  # fmt: skip
    widget = type_name(declared.type) in WIDGET_TYPES and not options.get("forceInput")
    return InputSpec(name, declared.type, required=required, default=_known(default), widget=widget, options=options)


def type_name(declared: str) -> str:
    """The text of a type, whatever its class makes of comparisons."""
    return str.__str__(declared)


def _known(default: Any) -> Any:
    return MISSING if default is DROPPED else default


def _choices(name: str, declared: Declared, required: bool, default: Any, options: dict[str, Any]) -> InputSpec:
    """A list of choices in the old form; what can be uploaded is listed live."""
    try:
        choices = [item for item in map(plain, declared.type) if item is not DROPPED]
    except TypeError:
        return InputSpec(name, str(declared.type), required=required, default=_known(default), options=options)
    source: dict[str, Any] | None = None
    kind = next((kind for option, kind in _UPLOADS.items() if options.get(option)), None)
    if kind is not None:
        folder = options.get("image_folder") or "input"
        if folder in ("input", "output", "temp"):
            source = {"folder": f"{folder}/image"} if kind == "image" else {"folder": folder, "content": kind}
    return InputSpec(
        name, "COMBO", required=required, default=_known(default), widget=not options.get("forceInput"),
        options=options, choices=tuple(choices) if source is None else (), choices_from=source, combo_form="old",
    )  # fmt: skip


def output_specs(cls: Any) -> tuple[tuple[OutputSpec, ...], bool]:
    """The outputs of a class, and whether it answers for outputs that it does not list.

    Raises:
        BadPack: if `RETURN_TYPES` is missing or is not a sequence.
    """
    types = getattr(cls, "RETURN_TYPES", None)
    types = (types,) if isinstance(types, str) else types  # ("IMAGE") is a name in brackets; one output is meant
    if not isinstance(types, Sequence):
        raise BadPack(f"RETURN_TYPES of {cls.__name__} is {types!r}. Write a tuple of types: ('INT',).")
    names = getattr(cls, "RETURN_NAMES", None) or ()
    names = (names,) if isinstance(names, str) else names
    lists = getattr(cls, "OUTPUT_IS_LIST", None) or ()
    tooltips = getattr(cls, "OUTPUT_TOOLTIPS", None) or ()
    tooltips = (tooltips,) if isinstance(tooltips, str) else tooltips
    outputs = []
    for index, declared in enumerate(list(types)):
        choices = None
        if not isinstance(declared, str):
            values = declared if isinstance(declared, list | tuple) else []
            declared, choices = "COMBO", tuple(item for item in map(plain, values) if item is not DROPPED)
        name = plain(names[index]) if index < len(names) else type_name(declared)
        tooltip = plain(tooltips[index]) if index < len(tooltips) else None
        is_list = bool(lists[index]) if index < len(lists) else False
        outputs.append(OutputSpec(str(name), declared, is_list, tooltip if isinstance(tooltip, str) else None, choices))
    return tuple(outputs), _has_more_than_listed(types)


def _has_more_than_listed(types: Sequence[Any]) -> bool:
    """Whether a sequence answers for indices past its end, as tuple subclasses of packs do."""
    if type(types) in (tuple, list):
        return False
    try:
        types[len(types) + 1]
    except Exception:
        return False
    return True


def answers_for_any_name(cls: Any) -> bool:
    """Whether a class declares inputs that it does not list."""
    try:
        return look_up(cls, _PROBE) is not None
    except Exception:
        return False
