"""What a node author writes in a signature: socket types, ways to receive a value, constraints.

Every marker is data placed in `Annotated`; none does anything by itself. `graph_runtime.declare` reads them.

    Image = Annotated[Tensor, Socket("IMAGE", "float32 [batch, h, w, 3] in 0..1")]

    def blur(image: Image, radius: Annotated[float, Range(0, 256)] = 8.0) -> Image: ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

__all__ = [
    "OPTIONAL",
    "Alias",
    "AnyType",
    "Choice",
    "FileIn",
    "Hidden",
    "Lazy",
    "Many",
    "Mode",
    "Options",
    "Output",
    "Range",
    "Ref",
    "Seed",
    "ShowIf",
    "Socket",
    "Text",
    "compatible",
    "is_wildcard",
]

T = TypeVar("T")
Mode = Literal["value", "many", "lazy", "ref"]


@dataclass(frozen=True, slots=True)
class Socket:
    """The type of a wire, and what travels on it.

    Args:
        type: upper-case name; several separated by commas accept any of them; "*" accepts everything.
        doc: layout, units and range of the value, for readers.
    """

    type: str
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both included, and how the editor steps and rounds it.

    `round=False` turns rounding in the editor off; the engine itself never rounds.
    """

    min: float | None = None
    max: float | None = None
    step: float | None = None
    round: float | Literal[False] | None = None


@dataclass(frozen=True, slots=True, init=False)
class Choice:
    """One of a list of texts.

    Args:
        values: the texts, as one sequence or one by one.
        form: "old" lists are checked by the engine; "new" lists are only offered by the editor.
        multiple: several may be chosen (new form only); None leaves it unsaid.
    """

    values: tuple[Any, ...]
    form: Literal["old", "new"]
    multiple: bool | None

    def __init__(self, *values: Any, form: Literal["old", "new"] = "old", multiple: bool | None = False) -> None:
        flat = tuple(values[0]) if len(values) == 1 and not isinstance(values[0], str) else values
        object.__setattr__(self, "values", flat)
        object.__setattr__(self, "form", form)
        object.__setattr__(self, "multiple", multiple)


@dataclass(frozen=True, slots=True)
class FileIn:
    """The name of a file in one of the known folders, listed when asked, never at import.

    Args:
        folder: a key such as "checkpoints", or "input", "output", "temp", or "input/image" for pictures only.
        upload: the editor adds an upload button for this kind: "image", "video", "audio".
        form: see `Choice`.
    """

    folder: str
    upload: str | None = None
    form: Literal["old", "new"] = "old"


@dataclass(frozen=True, slots=True)
class Text:
    """How the editor shows a text input."""

    multiline: bool | None = None
    dynamic_prompts: bool | None = None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True, init=False)
class Options:
    """Further hints for the editor, passed through unchanged (`display="slider"`, `forceInput=True`, …)."""

    values: dict[str, Any]

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "values", values)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.values)))


@dataclass(frozen=True, slots=True, init=False)
class Alias:
    """Former names of an input; graphs that still use one load as if they used the present name."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True, init=False)
class ShowIf:
    """Show this input only while another one has one of these values. The engine ignores it."""

    input: str
    values: tuple[Any, ...]

    def __init__(self, input: str, *values: Any) -> None:
        object.__setattr__(self, "input", input)
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that the engine supplies: UNIQUE_ID, PROMPT, DYNPROMPT, EXTRA_PNGINFO, …"""

    kind: str


@dataclass(frozen=True, slots=True)
class Output:
    """Name and explanation of an output, where the field or type name would not do."""

    name: str
    tooltip: str | None = None


class _Optional:
    """Marks an input that may be left out of a graph altogether; see `OPTIONAL`."""

    def __repr__(self) -> str:
        return "OPTIONAL"


OPTIONAL = _Optional()
"""In `Annotated`: a graph without this input is valid and the default is used. `X | None = None` implies it."""


@dataclass(frozen=True, slots=True)
class _Received:
    """How an input is received; made by `Many`, `Lazy` and `Ref`."""

    mode: Mode


if TYPE_CHECKING:
    Many = list[T]
    Lazy = Awaitable[T]
    Ref = Annotated[T, "a wire"]
else:

    class _Mode:
        """`Many[X]`, `Lazy[X]`, `Ref[X]`: X with a note on how it is received."""

        def __init__(self, mode: Mode) -> None:
            self._marker = _Received(mode)

        def __getitem__(self, item: Any) -> Any:
            return Annotated[item, self._marker]

        def __repr__(self) -> str:
            return self._marker.mode.capitalize()

    Many = _Mode("many")
    Lazy = _Mode("lazy")
    Ref = _Mode("ref")

Seed = Annotated[int, Range(0, 0xFFFFFFFFFFFFFFFF), Options(control_after_generate=True)]
"""A 64-bit random seed; the editor can draw a new one after each run."""


class AnyType(str):
    """A type name that is compatible with every other, as packs build them: it differs from nothing."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


_PROBED = (
    "AUDIO", "BOOLEAN", "CLIP", "CLIP_VISION", "CLIP_VISION_OUTPUT", "CONDITIONING", "CONTROL_NET", "FLOAT", "GUIDER",
    "IMAGE", "INT", "LATENT", "MASK", "MODEL", "NOISE", "SAMPLER", "SIGMAS", "STRING", "STYLE_MODEL", "UPSCALE_MODEL",
    "VAE", "VIDEO",
)  # fmt: skip
"""Types that a pack's own kind of type is asked about, because data cannot carry how it compares."""


class OneOfTypes(str):
    """A type name that is compatible with some others, as packs build them: it does not differ from those.

    Args:
        also: the others.
    """

    also: frozenset[str]

    def __new__(cls, name: str, also: Iterable[str]) -> OneOfTypes:
        made = super().__new__(cls, name)
        made.also = frozenset(also)
        return made

    def __ne__(self, other: object) -> bool:
        return str.__ne__(self, other) and not (isinstance(other, str) and str.__str__(other) in self.also)

    __hash__ = str.__hash__


def also_taken(declared: object) -> tuple[str, ...]:
    """The other types that a type of a pack's own kind takes; none for plain names and for wildcards."""
    if not isinstance(declared, str) or type(declared) is str or is_wildcard(declared):
        return ()
    own = str.__str__(declared)
    return tuple(name for name in _PROBED if name != own and not (name != declared))  # noqa: SIM202


def is_wildcard(declared: object) -> bool:
    """Say whether this declared type claims to differ from nothing, or is plain "*"."""
    if not isinstance(declared, str):
        return False
    if type(declared) is str:
        return declared.strip() == "*"
    return str.__str__(declared).strip() == "*" or not (declared != "\x00no such type\x00")  # noqa: SIM202 - packs override !=, not ==


def compatible(received: object, declared: object) -> bool:
    """Decide whether an output of type `received` may feed an input of type `declared`.

    The declared objects themselves are asked (`received != declared`), because packs build wildcards by overriding
    inequality. Lists of choices match only an equal list. Comma-separated names match if they share one.
    """
    if not (received != declared):  # noqa: SIM202 - packs override !=, not ==
        return True
    if is_wildcard(received) or is_wildcard(declared):
        return True
    if not isinstance(received, str) or not isinstance(declared, str):
        return False
    ours = {part.strip() for part in str.__str__(received).split(",")}
    theirs = {part.strip() for part in str.__str__(declared).split(",")}
    return bool(ours & theirs) or "*" in ours or "*" in theirs
