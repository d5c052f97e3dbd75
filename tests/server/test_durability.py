"""What is accepted is on disk, runs again after a death, and is given up only after the second."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.store.database import open_database
from server.store.jobs import JobTable
from server.store.reads import JobReads
from server.store.rows import Finish, NewJob
from server.store.writer import Writer


def crash(times: int) -> dict[str, Any]:
    return {
        "1": {"class_type": "FakeCrash", "inputs": {"times": times}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }


async def test_a_job_whose_worker_dies_runs_again_and_succeeds(bench) -> None:
    job = (await bench.prompt(crash(1)))["prompt_id"]
    entry = await bench.finished(job)
    detail = (await bench.json(f"/api/v1/jobs/{job}"))["job"]

    assert entry["status"]["completed"] is True
    assert (detail["attempt"], detail["deaths"]) == (2, 1)
    assert list(await bench.json("/history")) == [job]


async def test_a_job_that_kills_two_workers_is_dead_with_the_reason_and_can_be_queued_again(bench, listen) -> None:
    me = await listen("me")
    job = (await bench.prompt(crash(2), client_id="me"))["prompt_id"]
    messages = [message for message in await me.until_idle(job) if isinstance(message, dict)]
    detail = (await bench.json(f"/api/v1/jobs/{job}"))["job"]

    assert (detail["state"], detail["deaths"], detail["reason"]) == ("dead", 2, "the fake worker crashed")
    error = next(m for m in messages if m["type"] == "execution_error")["data"]
    assert (error["node_id"], error["node_type"], error["exception_type"]) == ("1", "FakeCrash", "WorkerLost")
    assert (await bench.finished(job))["status"]["messages"][-1][1]["node_id"] == "1"
    assert (await bench.client.post(f"/api/v1/jobs/{job}/retry", json={})).status == 202
    await bench.until(job, "succeeded")


async def test_the_queue_survives_a_restart_and_what_ran_runs_again(start, waiting, picture) -> None:
    async with start() as first:
        await first.prompt(waiting(30.0), prompt_id="running")
        await first.until("running", "running")
        for name in ("a", "b"):
            await first.prompt(picture, prompt_id=name)
        await first.client.post("/api/v1/jobs/b/cancel", json={})
    async with start() as second:
        await second.until("running", "running")
        queue = await second.json("/queue")
        detail = (await second.json("/api/v1/jobs/running"))["job"]
        number = (await second.prompt(picture))["number"]

    assert [item[1] for item in queue["queue_pending"]] == ["a"]
    assert (detail["attempt"], detail["deaths"]) == (2, 0)
    assert number == 3, "the counter must not give numbers again that are in the queue"


async def test_every_submission_under_load_is_in_history_exactly_once(start, picture) -> None:
    async with start(workers=3) as bench:
        answers = await asyncio.gather(*(bench.prompt(picture) for _ in range(200)))
        async with asyncio.timeout(30):
            while (await bench.json("/prompt"))["exec_info"]["queue_remaining"]:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.05)
        history = await bench.json("/history")

    assert len(history) == 200 == len({answer["prompt_id"] for answer in answers})
    assert sorted(answer["number"] for answer in answers) == list(range(200))


async def test_a_second_server_on_the_same_data_is_refused(data_dir) -> None:
    from server.errors import SettingsError
    from server.lock import lock_data_folder

    with lock_data_folder(data_dir):
        with pytest.raises(SettingsError, match=r"Another server .* uses the data folder"):
            with lock_data_folder(data_dir):
                pass


class Table:
    """A job table in a file, without anything around it."""

    def __init__(self, path: Any) -> None:
        self.url = f"sqlite+aiosqlite:///{path}"
        self.events: list[Any] = []

    async def __aenter__(self) -> Table:
        self.database = await open_database(self.url)
        self.writer = Writer(self.database, self.events.extend)
        await self.writer.start()
        self.jobs, self.reads = JobTable(self.writer), JobReads(self.database)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.writer.close()
        await self.database.close()


@pytest.fixture
async def table(tmp_path):
    async with Table(tmp_path / "jobs.sqlite3") as table:
        yield table


def job(name: str, number: float = 0, **more: Any) -> NewJob:
    return NewJob(name, "{}", ("1",), "{}", number, int(number), **more)


async def test_a_stale_attempt_can_change_nothing(table) -> None:
    await table.jobs.submit(job("a"))
    first = await table.jobs.claim("w1", 1000)
    await table.jobs.lose("a", first.attempt, "it died", Finish("dead"))
    second = await table.jobs.claim("w2", 1000)

    assert (first.attempt, second.attempt) == (1, 2)
    assert await table.jobs.finish("a", first.attempt, Finish("failed")) is False
    assert await table.jobs.lose("a", first.attempt, "late", Finish("dead")) is None
    assert await table.jobs.finish("a", second.attempt, Finish("succeeded")) is True
    assert [event.kind for event in table.events] == ["queued", "running", "lost", "running", "succeeded"]


async def test_concurrent_claims_never_take_the_same_job(table) -> None:
    for number in range(20):
        await table.jobs.submit(job(f"j{number}", number))
    claimed = await asyncio.gather(*(table.jobs.claim(f"w{i}", 1000) for i in range(30)))

    taken = [item.id for item in claimed if item is not None]
    assert taken == [f"j{number}" for number in range(20)]


async def test_equal_numbers_run_in_the_order_of_their_ids(table) -> None:
    for name in ("b", "a", "c"):
        await table.jobs.submit(job(name, 1))

    assert [(await table.jobs.claim("w", 1)).id for _ in range(3)] == ["a", "b", "c"]


async def test_an_expired_lease_queues_the_job_again(table) -> None:
    await table.jobs.submit(job("a"))
    await table.jobs.claim("w", -1)

    assert await table.jobs.reap() == 1
    assert (await table.jobs.claim("w", 1000)).attempt == 2
    assert await table.jobs.reap() == 0


async def test_event_numbers_have_no_gaps_and_continue_after_a_restart(tmp_path) -> None:
    async with Table(tmp_path / "jobs.sqlite3") as first:
        await first.jobs.submit(job("a"))
        await first.jobs.finish("a", 7, Finish("failed"))
        await first.jobs.claim("w", 1)
    async with Table(tmp_path / "jobs.sqlite3") as second:
        await second.jobs.recover()
        stored = await second.reads.events_since(0)

    assert [(event.seq, event.kind) for event in stored] == [(1, "queued"), (2, "running"), (3, "lost")]
    assert [event.seq for event in second.events] == [3]


async def test_one_failing_operation_does_not_take_others_of_its_transaction_with_it(table) -> None:
    async def broken(transaction: Any) -> None:
        transaction.happened("x", 0, "never", {})
        raise ValueError("no")

    results = await asyncio.gather(
        table.jobs.submit(job("a")), table.writer.write(broken), table.jobs.submit(job("b")), return_exceptions=True
    )

    assert [type(result).__name__ for result in results] == ["Submitted", "ValueError", "Submitted"]
    assert [(event.seq, event.job) for event in await table.reads.events_since(0)] == [(1, "a"), (2, "b")]


async def test_ten_thousand_queued_jobs_are_listed_and_claimed_by_index(table) -> None:
    await asyncio.gather(*(table.jobs.submit(job(f"j{n:05}", n)) for n in range(10_000)))
    page, total = await table.reads.listing(["queued"], 50, 0)

    assert total == 10_000 and [item.id for item in page] == [f"j{n:05}" for n in range(50)]
    assert (await table.jobs.claim("w", 1000)).id == "j00000"


async def test_trimming_drops_the_oldest_finished_jobs_and_keeps_the_newest_event(table) -> None:
    for name in ("a", "b", "c"):
        await table.jobs.submit(job(name))
        claimed = await table.jobs.claim("w", 1000)
        await table.jobs.finish(name, claimed.attempt, Finish("succeeded"))
    await table.jobs.trim(1, 2)

    assert [item.id for item in await table.reads.history()] == ["c"]
    assert [event.seq for event in await table.reads.events_since(0)] == [8, 9]


async def test_a_database_of_another_version_is_refused(tmp_path) -> None:
    import sqlite3

    from server.errors import StoreError

    path = tmp_path / "jobs.sqlite3"
    async with Table(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE facts SET value = '99' WHERE name = 'schema'")
    connection.close()

    with pytest.raises(StoreError, match="version 99"):
        await open_database(f"sqlite+aiosqlite:///{path}")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite:///jobs.sqlite",
        "nonsense",
        "oracle+what://x",
        "postgresql://someone@host/jobs",
        "sqlite+aiosqlite:////no/such/dir/x",
    ],
)
async def test_an_unusable_database_is_said_clearly(url: str) -> None:
    from server.errors import StoreError

    with pytest.raises(StoreError, match="database"):
        await open_database(url)


async def test_a_change_waits_for_another_process_that_holds_the_lock_and_nothing_else_does(table, tmp_path) -> None:
    import sqlite3

    other = sqlite3.connect(tmp_path / "jobs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(table.jobs.submit(job("a")))
    await asyncio.sleep(0.1)
    read = await asyncio.wait_for(table.reads.remaining(), 1)
    still_waiting = not waiting.done()
    other.execute("COMMIT")
    other.close()

    assert (read, still_waiting) == (0, True)
    assert (await asyncio.wait_for(waiting, 5)).id == "a"
