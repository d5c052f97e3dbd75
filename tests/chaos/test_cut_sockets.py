"""Clients whose connection is cut: the job goes on, and who comes back gets every event it missed, once."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.checker import check, stored_events
from tests.chaos.site import Site, graph


async def _read(session: aiohttp.ClientSession, since: int, count: int) -> list[int]:
    """Numbers of the next stored events; then the connection is cut without a goodbye."""
    numbers: list[int] = []
    async with session.ws_connect(f"/api/v1/events?since={since}") as connection:
        async with asyncio.timeout(20):
            while len(numbers) < count:
                item = json.loads((await connection.receive()).data)
                if item.get("seq") is not None:
                    numbers.append(item["seq"])
        raw = connection.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection._response.close()  # the peer gets a reset, not a close frame
    return numbers


async def test_a_client_that_is_cut_off_again_and_again_gets_every_event_once(site: Site) -> None:
    before = await asyncio.to_thread(lambda: max([number for number, _ in stored_events(site)], default=0))
    for value in range(6):
        await asyncio.to_thread(site.submit, graph(value, 0.1))
    numbers: list[int] = []
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.port}") as session:
        while len(numbers) < 18:
            numbers += await _read(session, numbers[-1] if numbers else before, 3)

    assert numbers == list(range(before + 1, before + 19))
    await asyncio.to_thread(check, site)


@pytest.mark.chaos
async def test_a_job_does_not_mind_that_its_client_is_gone(site: Site, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.port}") as session:
        async with session.ws_connect("/ws?clientId=me") as connection:
            await connection.receive()
            job = await asyncio.to_thread(site.submit, graph(1, 0.5, journal=str(journal)), None, "me")
            await asyncio.to_thread(site.wait, journal.exists, "the work begins")
            connection._response.close()
    await asyncio.to_thread(site.until, job, "succeeded", "failed")

    assert (await asyncio.to_thread(check, site))[job] == "succeeded"
