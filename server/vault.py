"""Secrets that clients send along with a job: kept in memory, given to the worker, never written anywhere.

A key for a paid service comes in `extra_data`. The database, history, events, logs and saved pictures see the rest of
it only; the row of a job holds a handle that means nothing outside this process. A job that outlives the server has
lost its secrets, and its log says so.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Vault", "split"]

log = logging.getLogger("heddle.security")

_WORDS = ("token", "api_key", "apikey", "api-key", "secret", "password", "authorization", "credential")
"""What the name of a secret contains."""
_ANY = re.compile("|".join(_WORDS), re.IGNORECASE)
_EMBEDDED = "extra_pnginfo"
"""What is written into saved pictures."""
_NAMES = frozenset(
    {"api_key", "apikey", "auth_token", "access_token", "authorization", "password", "secret"}
    | {"api_key_comfy_org", "auth_token_comfy_org"}
)
"""Names of secrets inside a workflow, where other names contain such words too (`max_tokens`)."""
_MOST = 10_000


class Vault:
    """Secrets by handle; beyond ten thousand the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    def keep(self, values: Mapping[str, Any]) -> str | None:
        """Keep secrets and return their handle; None when there are none."""
        if not values:
            return None
        handle = secrets.token_urlsafe(12)
        self._kept[handle] = values
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return handle

    def open(self, handle: str | None, job: str) -> Mapping[str, Any]:
        """The secrets of a job; empty when it has none, or the server that knew them has ended."""
        if handle is None:
            return {}
        if handle not in self._kept:
            log.warning("job=%s runs without the secrets it came with: they are not stored. Submit it again.", job)
        return self._kept.get(handle, {})

    def forget(self, handle: str | None) -> None:
        """Drop secrets that nothing needs any more."""
        if handle is not None:
            self._kept.pop(handle, None)


def split(extra_data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part `extra_data` into what may be stored and shown, and the values that only the worker may see in its place.

    What is written into pictures loses its secrets for good.
    """
    shown: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for key, value in extra_data.items():
        if key == _EMBEDDED:
            shown[key] = _redacted(value, lambda name: name.lower() in _NAMES)
        elif _is_secret(key):
            hidden[key] = value
        else:
            shown[key] = _redacted(value, _is_secret)
            if shown[key] is not value:
                hidden[key] = value
    return shown, hidden


def _is_secret(name: str) -> bool:
    lower = name.lower()
    return any(word in lower for word in _WORDS)


def _redacted(value: Any, is_secret: Callable[[str], bool]) -> Any:
    """As `_without`, but without a look at every key of a large workflow in which no such word occurs."""
    return _without(value, is_secret) if _ANY.search(json.dumps(value)) else value


def _without(value: Any, is_secret: Callable[[str], bool]) -> Any:
    """The value without the keys that name secrets, at any depth; the value itself when there are none."""
    if isinstance(value, dict):
        kept = {key: _without(item, is_secret) for key, item in value.items() if not is_secret(key)}
        same = len(kept) == len(value) and all(kept[key] is item for key, item in value.items())
        return value if same else kept
    if isinstance(value, list):
        items = [_without(item, is_secret) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value
