"""Commits change threads only where the disk makes them wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from server.store import inline_sqlite
from server.store.inline_sqlite import connect_inline


@pytest.mark.parametrize(("seconds", "beside"), [(0.0002, False), (0.02, True)], ids=["quick disk", "slow disk"])
async def test_a_slow_disk_is_waited_for_in_a_thread_and_a_quick_one_is_not(
    seconds: float, beside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def timed(commit: Callable[[], object]) -> float:
        commit()
        threads.append(threading.get_ident())
        return seconds

    monkeypatch.setattr(inline_sqlite, "_timed", timed)
    connection = await connect_inline(str(tmp_path / "jobs.sqlite"), 1.0)
    for number in range(60):
        await connection.start_transaction()
        connection.run("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)", ())
        connection.run("INSERT INTO numbers VALUES (?)", (number,))
        await connection.commit()
    stored = await (await connection.execute("SELECT count(*) FROM numbers")).fetchone()
    await connection.close()

    assert stored == (60,)
    assert threads[0] != threading.get_ident()  # nothing is known of the disk yet
    assert (threads[-1] != threading.get_ident()) is beside
