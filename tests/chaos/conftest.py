"""Sites for disasters, and how long a form of them is wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.site import Site


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Make a site that is not started yet: `new_site("--workers", "2", name="other")`."""
    made: list[Site] = []

    def make(*flags: str, name: str = "data", environment: dict[str, str] | None = None, **more: Any) -> Site:
        made.append(Site(tmp_path / name, *flags, environment=environment, **more))
        return made[-1]

    yield make
    for site in made:
        if site.alive:
            site.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server with one worker, for all tests that leave it running; its jobs add up."""
    site = Site(tmp_path_factory.mktemp("site") / "data").start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def kills() -> int:
    """How many processes the random tests kill: HEDDLE_CHAOS_KILLS, else a few."""
    return int(os.environ.get("HEDDLE_CHAOS_KILLS", "6"))
