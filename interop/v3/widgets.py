"""The types with widgets: numbers, texts, choices; and types made of others.

Source: protocol §5.3.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from interop.v3.sockets import Input, Output, TypeName, WidgetInput, comfytype, without_none

__all__ = [
    "Boolean",
    "Combo",
    "ControlAfterGenerate",
    "Float",
    "FolderType",
    "Int",
    "MultiCombo",
    "MultiType",
    "NumberDisplay",
    "RemoteOptions",
    "String",
    "UploadType",
]


class FolderType(enum.StrEnum):
    """A folder of files."""

    input = "input"
    output = "output"
    temp = "temp"


class UploadType(enum.StrEnum):
    """What an upload button takes; the value is the option's name."""

    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


class NumberDisplay(enum.StrEnum):
    """How a number is shown."""

    number = "number"
    slider = "slider"
    color = "color"
    gradient_slider = "gradientslider"


class ControlAfterGenerate(enum.StrEnum):
    """What happens to a value after each run."""

    fixed = "fixed"
    increment = "increment"
    decrement = "decrement"
    randomize = "randomize"


class RemoteOptions:
    """Choices that the client fetches."""

    def __init__(
        self,
        route: str,
        refresh_button: bool,
        control_after_refresh: str = "first",
        timeout: int | None = None,
        max_retries: int | None = None,
        refresh: int | None = None,
        **more: Any,
    ) -> None:
        self.options = without_none(
            {
                "route": route,
                "refresh_button": refresh_button,
                "control_after_refresh": control_after_refresh,
                "timeout": timeout,
                "max_retries": max_retries,
                "refresh": refresh,
            }
            | more
        )

    def as_dict(self) -> dict[str, Any]:
        """The options as clients see them."""
        return self.options


def _value(option: Any) -> Any:
    return option.value if isinstance(option, enum.Enum) else option


class _Extended(WidgetInput):
    """A widget input with further options, given by keyword, under the names that clients know."""

    names: dict[str, str] = {}

    def __init__(self, id: str, *args: Any, **kwargs: Any) -> None:
        found = {key: kwargs.pop(key) for key in list(kwargs) if key in self.names}
        super().__init__(id, *args, **kwargs)
        for key in self.names:
            setattr(self, key, found.get(key))

    def as_dict(self) -> dict[str, Any]:
        """The options as clients see them."""
        return super().as_dict() | without_none({out: _value(getattr(self, key)) for key, out in self.names.items()})


_NUMBER = {"min": "min", "max": "max", "step": "step", "display_mode": "display"}


@comfytype("BOOLEAN")
class Boolean:
    """True or false."""

    Type = bool

    class Input(_Extended):
        """A switch."""

        names = {"label_on": "label_on", "label_off": "label_off"}


@comfytype("INT")
class Int:
    """A whole number."""

    Type = int

    class Input(_Extended):
        """A number field."""

        names = _NUMBER | {"control_after_generate": "control_after_generate"}


@comfytype("FLOAT")
class Float:
    """A number."""

    Type = float

    class Input(_Extended):
        """A number field."""

        names = _NUMBER | {"round": "round"}


@comfytype("STRING")
class String:
    """Text."""

    Type = str

    class Input(_Extended):
        """A text field."""

        names = {"multiline": "multiline", "placeholder": "placeholder", "dynamic_prompts": "dynamicPrompts"}

        def as_dict(self) -> dict[str, Any]:
            """The options as clients see them; `multiline` always."""
            return {"multiline": bool(self.multiline)} | super().as_dict()  # type: ignore[attr-defined]


@comfytype("COMBO")
class Combo:
    """One of several choices."""

    Type = str

    class Input(_Extended):
        """A list of choices.

        Args:
            options: texts, or an Enum.
        """

        names = {
            "control_after_generate": "control_after_generate",
            "image_folder": "image_folder",
        }
        multiselect = False

        def __init__(
            self, id: str, options: Any = None, *args: Any, upload: Any = None, remote: Any = None, **kwargs: Any
        ):
            super().__init__(id, *args, **kwargs)
            if isinstance(options, type) and issubclass(options, enum.Enum):
                options = [member.value for member in options]
            self.options = None if options is None else list(options)
            self.default = _value(self.default)
            self.upload = upload
            self.remote = remote

        def as_dict(self) -> dict[str, Any]:
            """The options as clients see them."""
            upload = {} if self.upload is None else {str(_value(self.upload)): True}
            remote = None if self.remote is None else self.remote.as_dict()
            return (
                without_none({"multiselect": self.multiselect, "options": self.options})
                | super().as_dict()
                | upload
                | without_none({"remote": remote})
            )

    class Output(Output):
        """A choice; `options` are what it can be."""

        def __init__(self, id: str | None = None, display_name: str | None = None, options: Any = None, **kwargs: Any):
            super().__init__(id, display_name, **kwargs)
            self.options = list(options or [])

        def get_io_type(self) -> Any:
            """The list of choices is the type."""
            return self.options if self.options else TypeName("COMBO")


@comfytype("COMBO")
class MultiCombo:
    """Some of several choices."""

    Type = list

    class Input(Combo.Input):
        """A list of choices of which several can be taken."""

        multiselect = True

        def __init__(self, id: str, options: Any, *args: Any, placeholder: Any = None, chip: Any = None, **kwargs: Any):
            super().__init__(id, options, *args, **kwargs)
            self.placeholder, self.chip = placeholder, chip

        def as_dict(self) -> dict[str, Any]:
            """The options as clients see them."""
            return (
                super().as_dict()
                | {"multi_select": True}
                | without_none({"placeholder": self.placeholder, "chip": self.chip})
            )


class MultiType:
    """One of several types."""

    io_type = "COMFY_MULTITYPE_V3"
    Type = Any

    class Input(Input):
        """An input of several types; with a widget input given as `id`, that widget is shown.

        Args:
            id: a name, or an input to take name, options and widget of.
            types: the type classes.
        """

        def __init__(
            self,
            id: str | Input,
            types: Sequence[Any],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            extra_dict: dict[str, Any] | None = None,
            raw_link: bool | None = None,
            advanced: bool | None = None,
            **more: Any,
        ) -> None:
            self.input_override = id if isinstance(id, Input) else None
            if isinstance(id, Input):
                display_name, tooltip = display_name or id.display_name, tooltip or id.tooltip
                optional, lazy, name = optional or id.optional, lazy if lazy is not None else id.lazy, id.id
            else:
                name = id
            super().__init__(name, display_name, optional, tooltip, lazy, extra_dict, raw_link, advanced, **more)
            self._io_types = list(types)

        @property
        def io_types(self) -> list[Any]:
            """The types, the widget's first."""
            return self._io_types

        @property
        def io_type(self) -> str:
            """The names of the types, joined by commas."""
            names = [str(kind.io_type) for kind in self._io_types]
            if self.input_override is not None:
                names.insert(0, str(self.input_override.get_io_type()))
            return ",".join(dict.fromkeys(names))

        def as_dict(self) -> dict[str, Any]:
            """The options as clients see them."""
            if not isinstance(self.input_override, WidgetInput):
                return super().as_dict()
            shown = {"widgetType": str(self.input_override.get_io_type())}
            return super().as_dict() | self.input_override.as_dict() | shown
