"""The real program with real packs, asked from outside as established clients ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.conformance.client import Client
from tests.conformance.program import Host, base_folder


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One server for all tests that need no flags of their own."""
    host = Host(base_folder(tmp_path_factory.mktemp("base") / "base"), "--cache-classic")
    try:
        yield host.wait_until_ready()
    finally:
        host.stop()


@pytest.fixture
async def client(host: Host) -> AsyncIterator[Client]:
    """A client of the common server; its queue is empty again afterwards."""
    async with aiohttp.ClientSession() as session:
        client = Client(host, session)
        yield client
        await client.post("/queue", {"clear": True})
        async with session.post(f"{host.url}/interrupt"):
            pass
        async with asyncio.timeout(20):
            while (await client.get("/prompt"))["exec_info"]["queue_remaining"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
