"""What goes wrong at the border to foreign packs.

InteropError
├── NotSupported         a host name that this engine does not offer was used
│   └── ClosedAttribute  … as an attribute of an object
├── NoHost               a stand-in was used outside a worker
└── BadPack              a pack declares something that cannot be understood
"""

from __future__ import annotations

__all__ = ["BadPack", "ClosedAttribute", "InteropError", "NoHost", "NotSupported"]


class InteropError(Exception):
    """The root of this package's errors."""


class NotSupported(InteropError, NotImplementedError):
    """A name of the established host that imports here, but does nothing.

    Args:
        name: dotted name as a pack writes it, "comfy.ldm.flux.layers.SingleStreamBlock".
        use: what the pack did with it: "called", "subclassed and instantiated", …
    """

    def __init__(self, name: str, use: str = "used", advice: str = "") -> None:
        self.name = name
        advice = advice or "Use a node that does without it, or ask the pack's author for a version that does."
        super().__init__(f"{name} was {use}, but it is not supported by this engine. {advice}")


class ClosedAttribute(NotSupported, AttributeError):  # type: ignore[misc]  # both have a name: it means the same
    """Something of an object that is closed to packs; `hasattr` says that it is not there."""


class NoHost(InteropError, RuntimeError):
    """A host module was used where no worker has installed the stand-ins."""


class BadPack(InteropError, ValueError):
    """A pack's declaration cannot be read; the message names class and cure."""
