"""Everything a run needs, put together."""

import logging
from typing import Annotated, Any

import pytest

from graph_runtime.api import Catalogue, Context, Socket, node
from graph_runtime.cancel import CancelToken
from worker import memory
from worker.memory_limits import Limit
from worker.runtime import Job, Runtime
from worker.settings import CacheChoice, Settings

THING = Annotated[Any, Socket("THING")]
calls: list[str] = []


@node("Make", device=False)
def make(*, name: str = "a") -> THING:
    """Make a thing."""
    calls.append(f"make {name}")
    return name


@node("Show", terminal=True, device=False)
def show(*, thing: THING, ctx: Context) -> None:
    """Show a thing."""
    calls.append(f"show {thing}")
    ctx.show({"text": [thing]})


@node("Hungry", terminal=True, device=False)
def hungry(*, times: int = 1, words: str = "") -> None:
    """Run out of memory so many times."""
    calls.append("hungry")
    if len(calls) <= times:
        raise RuntimeError(words) if words else MemoryError("no memory for 8 bytes")


@pytest.fixture
async def runtime(data_dir):
    calls.clear()
    made = Runtime(Settings(data_dir))
    made.engine.catalogue = Catalogue([item.__node_spec__ for item in (make, show, hungry)])
    yield made
    await made.close()


def run(runtime, prompt, targets, **options):
    return runtime.run(Job("j", prompt, tuple(targets), **options), lambda event: None, CancelToken())


SHOW = {
    "1": {"class_type": "Make", "inputs": {"name": "a"}},
    "2": {"class_type": "Show", "inputs": {"thing": ["1", 0]}},
}


async def test_a_run_gives_what_its_outputs_show_and_which_were_produced(runtime):
    done = await run(runtime, SHOW, ["2"])

    assert (done["outcome"], done["outputs"], done["produced"]) == ("succeeded", {"2": {"text": ["a"]}}, ["2"])


async def test_two_nodes_that_load_the_same_thing_load_it_once(runtime):
    prompt = {**SHOW, "3": SHOW["1"], "4": {"class_type": "Show", "inputs": {"thing": ["3", 0]}}}

    done = await run(runtime, prompt, ["2", "4"])

    assert calls.count("make a") == 1 and done["produced"] == ["2", "4"]


@pytest.mark.parametrize("words", ["", "[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"])
async def test_after_running_out_of_memory_models_are_unloaded_and_the_node_runs_once_more(
    runtime, words, monkeypatch, caplog
):
    released = []
    monkeypatch.setattr(memory, "release_models", lambda: released.append(1) or 5_000_000_000)
    prompt = {"1": {"class_type": "Hungry", "inputs": {"times": 1, "words": words}}}

    with caplog.at_level(logging.WARNING):
        done = await run(runtime, prompt, ["1"])

    assert done["outcome"] == "succeeded" and calls == ["hungry", "hungry"] and released == [1]
    assert "Models of 5.00 GB were unloaded; trying once more" in caplog.text


async def test_running_out_of_memory_twice_fails_with_advice(runtime, monkeypatch):
    monkeypatch.setattr(memory, "release_models", lambda: 0)
    prompt = {"1": {"class_type": "Hungry", "inputs": {"times": 9}}}

    done = await run(runtime, prompt, ["1"])

    assert done["outcome"] == "failed" and calls == ["hungry", "hungry"]
    assert done["error"]["exception_type"] == "MemoryError"
    assert "smaller picture or a smaller batch" in done["error"]["fix"]


async def test_models_are_unloaded_before_a_run_when_little_memory_is_left(runtime, monkeypatch):
    released = []
    monkeypatch.setattr(memory, "release_models", lambda: released.append(1) or 0)
    monkeypatch.setattr(memory, "tightest", lambda own: Limit("a test", total=100, used=99))

    await run(runtime, SHOW, ["2"])

    assert released == [1]


@pytest.mark.parametrize(
    ("choice", "reruns"),
    [
        (CacheChoice("none"), True),
        (CacheChoice("classic"), False),
        (CacheChoice("lru", 5), False),
        (CacheChoice(), False),
    ],
)
async def test_the_cache_mode_is_the_chosen_one(data_dir, choice, reruns):
    calls.clear()
    runtime = Runtime(Settings(data_dir, cache=choice))
    runtime.engine.catalogue = Catalogue([make.__node_spec__, show.__node_spec__])
    try:
        await run(runtime, SHOW, ["2"])
        await run(runtime, SHOW, ["2"])
    finally:
        await runtime.close()

    assert calls.count("make a") == (2 if reruns else 1)


async def test_clearing_results_makes_everything_run_again(runtime):
    await run(runtime, SHOW, ["2"])
    await runtime.free(unload_models=True, clear_results=True)

    await run(runtime, SHOW, ["2"])

    assert calls.count("make a") == 2


async def test_the_built_in_catalogue_is_announced_before_any_pack(data_dir):
    runtime = Runtime(Settings(data_dir))
    try:
        said = runtime.announcement()
    finally:
        await runtime.close()

    assert {"KSampler", "LoadImage", "SaveImage"} <= said["catalogue"].keys()
    assert said["packs"] == [] and said["digest"] == runtime.catalogue.digest()


async def test_the_models_that_ship_are_among_the_checkpoints(data_dir):
    folders = Settings(data_dir).folders()

    assert folders.model_dirs("checkpoints")[-1].parts[-2:] == ("diffusion", "embedded")
