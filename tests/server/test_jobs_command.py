"""`main.py jobs` against a server that runs."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.jobs_command import main

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def run(bench: Any, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command on the server: status, output, errors."""

    async def command(*arguments: str) -> tuple[int, str, str]:
        address = str(bench.client.make_url("/"))
        status = await asyncio.to_thread(main, [*arguments, "--server", address])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


@pytest.fixture
async def three(bench: Any, picture: dict[str, Any]) -> None:
    """A paused queue of three jobs."""
    await bench.client.post("/api/v1/queue/pause")
    for name in ("a", "b", "c"):
        body = {"prompt": picture, "id": name, "name": f"Job {name}"}
        assert (await bench.client.post("/api/v1/jobs", json=body)).status == 202


@pytest.mark.usefixtures("three")
async def test_the_queue_is_listed_reordered_and_run(bench, run) -> None:
    _, listed, _ = await run("list")
    moved = await run("move", "c", "--front")
    await run("priority", "b", "5")
    _, reordered, _ = await run("list", "--json")
    _, paused, _ = await run("queue")
    resumed = await run("resume")
    for name in ("a", "b", "c"):
        await bench.until(name, "succeeded")
    _, shown, _ = await run("show", "a")

    assert listed.splitlines()[0].split() == ["ID", "STATE", "ATTEMPT", "CAME", "TOOK", "NAME"]
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["a", "b", "c", "3"]
    assert moved[:2] == (0, "Job c stands at -1 with priority 0.\n")
    assert [job["id"] for job in json.loads(reordered)["jobs"]] == ["b", "c", "a"]
    assert paused == "The queue is paused: 3 queued, 0 running.\n" and resumed[0] == 0
    assert "Job a" in shown and "succeeded" in shown


@pytest.mark.usefixtures("three")
async def test_jobs_are_cancelled_queued_again_and_forgotten(run) -> None:
    some = await run("cancel", "a", "x")
    every = await run("cancel", "--all")
    again = await run("retry", "--state", "cancelled")
    await run("cancel", "--all")
    gone = await run("forget", "a", "b", "c")

    assert some[0] == 1 and "1 job(s) cancelled." in some[1] and some[1].rstrip().endswith(": x")
    assert (every[1], again[1]) == ("2 job(s) cancelled.\n", "3 job(s) queued again.\n")
    assert gone[:2] == (0, "3 job(s) removed from history.\n")
    assert (await run("list"))[1] == "No jobs.\n"


@pytest.mark.usefixtures("three")
async def test_jobs_are_searched(run) -> None:
    found = json.loads((await run("list", "--search", "job b", "--json"))[1])

    assert [job["id"] for job in found["jobs"]] == ["b"]


async def test_what_the_server_refuses_is_said_as_the_server_says_it(run) -> None:
    status, _, said = await run("show", "nothing")

    assert status == 1 and said == "heddle: There is no job 'nothing'. List jobs at /api/v1/jobs.\n"


async def test_a_missing_server_is_said_with_what_to_do(capsys) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    status = await asyncio.to_thread(main, ["list", "--server", address])
    said = capsys.readouterr().err

    assert status == 1
    assert said.startswith(f"heddle: No server answers at http://{address}: Connection refused. Start one with")


async def test_a_password_is_asked_for_and_taken(start, capsys) -> None:
    async with start(token="sesame") as bench:
        address = str(bench.client.make_url("/"))
        without = await asyncio.to_thread(main, ["queue", "--server", address])
        said = capsys.readouterr().err
        with_it = await asyncio.to_thread(main, ["queue", "--server", address, "--token", "sesame"])

    assert (without, with_it) == (1, 0)
    assert "--token SECRET" in said


@pytest.mark.parametrize("arguments", [[], ["cancel"], ["move", "a"], ["nothing"], ["cancel", "a", "--all"]])
def test_a_wrong_command_line_ends_with_status_2(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2 and "usage: main.py jobs" in capsys.readouterr().err
