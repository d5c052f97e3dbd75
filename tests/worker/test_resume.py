"""A worker that is killed in the middle of sampling, and the next one, which goes on from there."""

from __future__ import annotations

import asyncio
import copy
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.worker.test_process import PROMPT
from tests.worker.worker_process import WorkerProcess, worker

STEPS = 60


def _prompt() -> dict[str, Any]:
    prompt = copy.deepcopy(PROMPT)
    prompt["5"]["inputs"] |= {"steps": STEPS, "sampler_name": "dpmpp_3m_sde"}
    return prompt


async def _until_step(process: WorkerProcess, step: int) -> None:
    while True:
        frame = await process.next()
        assert frame is not None, "the worker ended"
        event = frame[0].get("event", {})
        assert frame[0]["t"] != "done", "the job ended before it could be interrupted"
        if event.get("kind") == "node_progress" and event["value"] >= step:
            return


def _picture(data_dir: Path) -> Image.Image:
    file, *_ = sorted((data_dir / "output" / "sub").glob("*.png"))
    return Image.open(file).convert("RGB")


def _flags(tiny_checkpoint: Path) -> tuple[Any, ...]:
    return "--models-dir", tiny_checkpoint.parent.parent, "--no-warm-up", "--disk-cache", "100MB"


@pytest.fixture(scope="module")
def whole(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a worker that ran the whole job, and ended."""
    folder = tmp_path_factory.mktemp("whole")

    async def run() -> None:
        async with worker(folder, *_flags(tiny_checkpoint)) as process:
            ready = await process.until("ready")
            assert ready["devices"] == [], "torch is brought in only when a job needs it"
            assert (await process.run("whole", _prompt(), ["7"]))["outcome"] == "succeeded"
            assert (await process.until("ready"))["devices"][0]["type"] == "cpu"

    asyncio.run(run())
    return folder


async def test_a_killed_worker_is_continued_by_the_next_and_the_picture_is_the_same(
    tiny_checkpoint: Path, whole: Path, data_dir: Path
) -> None:
    saving = (*_flags(tiny_checkpoint), "--checkpoint-steps", "2")
    async with worker(data_dir, *saving) as process:
        process.start("job", _prompt(), ["7"])
        await _until_step(process, STEPS // 2)
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
    async with worker(data_dir, *saving) as process:
        done = await process.run("job", _prompt(), ["7"], attempt=2)
        events = process.events("job")
        lines = [entry["m"] for header, _ in process.frames if header["t"] == "log" for entry in header["entries"]]

    assert done["outcome"] == "succeeded"
    (resumed,) = [line for line in lines if "Sampling resumes after" in line]
    assert int(resumed.split("after ")[1].split()[0]) >= STEPS // 2 - 2
    assert ImageChops.difference(_picture(data_dir), _picture(whole)).getbbox() is None
    explained = {event["node"]: event for event in events if event["kind"] == "node_explained"}
    assert explained["5"]["ran"], "sampling was not finished"
    assert not list((data_dir / "cache" / "checkpoints").rglob("*.safetensors")), "nothing is kept once it is done"


async def test_a_sampled_latent_is_taken_from_disk_by_the_next_worker(tiny_checkpoint: Path, whole: Path) -> None:
    async with worker(whole, *_flags(tiny_checkpoint)) as process:
        done = await process.run("second", _prompt(), ["7"])
        explained = {event["node"]: event for event in process.events("second") if event["kind"] == "node_explained"}

    assert done["outcome"] == "succeeded"
    assert explained["5"]["ran"] is False and explained["5"]["reasons"][0]["kind"] == "from_disk"
    assert explained["7"]["ran"] is True
    assert len(list((whole / "output" / "sub").glob("*.png"))) == 2
