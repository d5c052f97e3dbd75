"""The engine: graphs, catalogues, validation, keys, cache, plan and the loop that runs them. No torch, no HTTP."""

from __future__ import annotations

__all__: list[str] = []
