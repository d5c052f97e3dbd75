"""Engines for tests: closed when the test ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from graph_runtime.engine import Engine


@pytest.fixture
async def make_engine() -> AsyncIterator[Callable[..., Engine]]:
    """Make engines with the arguments of `Engine`."""
    engines: list[Engine] = []

    def make(*arguments: object, **options: object) -> Engine:
        engine = Engine(*arguments, **options)  # type: ignore[arg-type]
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        await asyncio.to_thread(engine.close)
