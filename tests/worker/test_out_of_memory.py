"""A call that runs out of memory is tried once more with less; then its failure says how much was wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from diffusion.economy import is_economical
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue
from graph_runtime.testing import function_spec
from worker.runtime import Job, Runtime
from worker.settings import Settings


class OutOfMemoryError(RuntimeError):
    """What torch raises, by name."""


class Hungry:
    """A node that runs out of memory the first few times."""

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.tries: list[bool] = []

    def __call__(self) -> int:
        self.tries.append(is_economical())
        if len(self.tries) <= self.fails:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. 1.50 GiB is free.")
        return 1

    async def later(self) -> int:
        return self()


async def run(data_dir: Path, hungry: Hungry, asynchronous: bool) -> dict[str, Any]:
    runtime = Runtime(Settings(data_dir, cpu=True))
    spec = function_spec(
        "Hungry", hungry.later if asynchronous else lambda: hungry(), terminal=True, device=True,
        behaviour={"asynchronous": asynchronous},
    )  # fmt: skip
    runtime.engine.catalogue = Catalogue([spec])
    try:
        job = Job("job", {"1": {"class_type": "Hungry", "inputs": {}}}, ("1",))
        return await runtime.run(job, lambda event: None, CancelToken())
    finally:
        await runtime.close()


@pytest.mark.parametrize("asynchronous", [False, True], ids=["device", "async"])
async def test_a_call_is_tried_once_more_after_models_were_unloaded(data_dir, asynchronous: bool) -> None:
    hungry = Hungry(fails=1)
    done = await run(data_dir, hungry, asynchronous)

    assert done["outcome"] == "succeeded"
    assert hungry.tries == [False, not asynchronous], "the second try on the device saves memory"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["device", "async"])
async def test_the_second_failure_is_told_with_sizes_and_what_to_do(data_dir, asynchronous: bool) -> None:
    hungry = Hungry(fails=5)
    done = await run(data_dir, hungry, asynchronous)

    assert (done["outcome"], len(hungry.tries)) == ("failed", 2)
    assert "20.00 GiB" in done["error"]["message"] and "smaller picture" in done["error"]["fix"]
