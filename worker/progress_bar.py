"""A progress bar with the time that is left, drawn from the events of a run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from graph_runtime import events

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows on standard error which node runs, and how far it is; draws nothing where that is no terminal.

    Args:
        titles: node id → what to call the node.
        shown: None draws only on a terminal; True always; False never.
    """

    def __init__(self, titles: Mapping[str, str], shown: bool | None = None) -> None:
        self._titles = titles
        self._hidden = None if shown is None else not shown
        self._bar: tqdm[Any] | None = None
        self._node: str | None = None
        self._finished = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def on_event(self, event: events.Event) -> None:
        """Take the next event of the run, from any thread."""
        match event:
            case events.NodeStarted(display=node):
                self._open(node, None)
            case events.NodeProgress(display=node, value=value, max=maximum):
                if self._bar is None or self._node != node or self._bar.total != maximum:
                    self._open(node, maximum)
                bar = self._bar
                if bar is not None and value > bar.n:
                    bar.update(value - bar.n)
            case events.NodeFinished(display=node):
                self._finished += 1
                if node == self._node:
                    self._close()

    def _open(self, node: str, total: float | None) -> None:
        self._close()
        self._node = node
        self._bar = tqdm(
            total=total,
            desc=f"{self._finished + 1}/{len(self._titles)} {self._titles.get(node, node)}",
            file=sys.stderr,
            disable=self._hidden,
            leave=total is not None,
            dynamic_ncols=True,
            bar_format=None if total is not None else "{desc} … {elapsed}",
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
