"""What nodes exist: the `Catalogue` maps ids to specs, and travels as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from graph_runtime.errors import DuplicateNode, UnknownNode
from graph_runtime.spec import BUILT_IN, HIDDEN_KINDS, MISSING, WIDGET_TYPES, ChoicesOf, InputSpec, NodeSpec, OutputSpec

__all__ = ["HIDDEN_KINDS", "MISSING", "WIDGET_TYPES", "Catalogue", "ChoicesOf", "InputSpec", "NodeSpec", "OutputSpec"]


class Catalogue(Mapping[str, NodeSpec]):
    """An unchangeable map from node id to spec, in registration order."""

    __slots__ = ("_by_function", "_specs")

    def __init__(self, specs: Iterable[NodeSpec] = ()) -> None:
        self._specs: dict[str, NodeSpec] = {}
        self._by_function: dict[Any, NodeSpec] | None = None
        for spec in specs:
            other = self._specs.get(spec.id)
            if other is not None:
                raise DuplicateNode(
                    f"Two nodes have the id '{spec.id}': one in {other.module}, one in {spec.module}.",
                    fix="Rename one of them, or remove one of the packs.",
                )
            self._specs[spec.id] = spec

    @classmethod
    def collect(cls, *modules: ModuleType, module: str | None = None, prefix: str = "") -> Catalogue:
        """Gather the nodes declared in modules, in the order of their definition.

        Args:
            module: recorded as the specs' origin, such as "custom_nodes.acme_glow"; default "nodes".
            prefix: put before every id, with a dot ("acme_glow" → "acme_glow.bloom").
        """
        specs: list[NodeSpec] = []
        for source in modules:
            for value in vars(source).values():
                spec = getattr(value, "__node_spec__", None)
                if isinstance(spec, NodeSpec) and getattr(value, "__module__", None) == source.__name__:
                    changes: dict[str, Any] = {"module": module or BUILT_IN}
                    if prefix:
                        changes["id"] = f"{prefix}.{spec.id}"
                        if spec.display_name == spec.id:
                            changes["display_name"] = spec.id
                    specs.append(replace(spec, **changes))
        return cls(specs)

    def __getitem__(self, node_id: str) -> NodeSpec:
        return self._specs[node_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._specs

    def get(self, node_id: str, default: None = None) -> NodeSpec | None:  # type: ignore[override]
        """Return the spec of this id, or None; asked several times for every node of every run."""
        return self._specs.get(node_id)

    def spec(self, node_id: str, *, where: str = "") -> NodeSpec:
        """Return the spec of this id, or raise `UnknownNode` with the nearest known name."""
        try:
            return self._specs[node_id]
        except KeyError:
            raise UnknownNode(node_id, self._specs, where=where) from None

    def merged(self, *others: Iterable[NodeSpec]) -> Catalogue:
        """Return a catalogue with further specs; a duplicate id is an error."""
        return Catalogue([*self._specs.values(), *(spec for other in others for spec in _specs_of(other))])

    def spec_of(self, function: Any) -> NodeSpec:
        """Return the spec declared by this function, under the id it has in this catalogue."""
        if self._by_function is None:
            found = {getattr(spec.behaviour, "function", None): spec for spec in self._specs.values()}
            found.pop(None, None)
            self._by_function = found
        spec = self._by_function.get(function)
        if spec is None:
            raise UnknownNode(getattr(function, "__name__", repr(function)), self._specs)
        return spec

    def to_data(self) -> dict[str, dict[str, Any]]:
        """Return `{id: entry}` as JSON-ready data."""
        return {node_id: spec.to_data() for node_id, spec in self._specs.items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Mapping[str, Any]]) -> Catalogue:
        """Read what `to_data` wrote."""
        return cls(NodeSpec.from_data(entry) for entry in data.values())

    def digest(self) -> str:
        """Return a hash of the data; equal catalogues have equal digests."""
        text = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"), default=repr)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _specs_of(other: Iterable[NodeSpec]) -> Iterable[NodeSpec]:
    return other.values() if isinstance(other, Catalogue) else other
