"""The value that stops what depends on it, under the name packs know.

Source: protocol §4.7.
"""

from __future__ import annotations

from graph_runtime.behaviour import Blocker as ExecutionBlocker

__all__ = ["ExecutionBlocker"]
