"""Parts of lent objects that are closed to packs: some facts can be read, anything else says that it is closed."""

from __future__ import annotations

from typing import Any

from interop.errors import ClosedAttribute

__all__ = ["ClosedPart"]


class ClosedPart:
    """A closed part.

    Args:
        name: as packs write it, "CLIP.tokenizer".
        facts: what can be read.
    """

    def __init__(self, name: str, advice: str = "", **facts: Any) -> None:
        self.__dict__.update(facts, _name=name, _advice=advice)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_name", "_advice"):
            raise AttributeError(name)
        raise ClosedAttribute(f"{self._name}.{name}", advice=self._advice)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ClosedAttribute(self._name, "called", self._advice)
