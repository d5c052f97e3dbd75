"""Values that the engine supplies to hidden inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graph_runtime.context import RunExtra
from graph_runtime.spec import HIDDEN_KINDS

__all__ = ["SECRET_KINDS", "HiddenValues"]

SECRET_KINDS = frozenset({"AUTH_TOKEN_COMFY_ORG", "API_KEY_COMFY_ORG"})
"""Kinds of values that a node may use and nobody may see."""


class HiddenValues(Mapping[str, Any]):
    """The hidden values of one node, by kind; those that cost something are made when they are read.

    Args:
        prompt: makes the submitted graph in the API format.
        live_prompt: makes the object that shows the graph as it grows; None outside of a run.
    """

    __slots__ = ("_extra", "_live_prompt", "_node_id", "_prompt")

    def __init__(
        self,
        node_id: str,
        extra: RunExtra,
        prompt: Callable[[], Mapping[str, Any]],
        live_prompt: Callable[[], Any] | None = None,
    ) -> None:
        self._node_id = node_id
        self._extra = extra
        self._prompt = prompt
        self._live_prompt = live_prompt

    def __getitem__(self, kind: str) -> Any:
        match kind:
            case "UNIQUE_ID":
                return self._node_id
            case "PROMPT":
                return self._prompt()
            case "DYNPROMPT":
                return None if self._live_prompt is None else self._live_prompt()
            case "EXTRA_PNGINFO":
                return self._extra.extra_pnginfo
            case "AUTH_TOKEN_COMFY_ORG":
                return self._extra.auth_token
            case "API_KEY_COMFY_ORG":
                return self._extra.api_key
        raise KeyError(kind)

    def __iter__(self) -> Iterator[str]:
        return iter(HIDDEN_KINDS)

    def __len__(self) -> int:
        return len(HIDDEN_KINDS)
