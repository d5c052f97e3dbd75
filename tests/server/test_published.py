"""What the server knows of nodes while workers come and go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from graph_runtime.folders import Folders
from server.pools.fake_nodes import CATALOGUE
from server.pools.protocol import CataloguePublished
from server.published import Published

BUILT_IN = {"FakeSource": CATALOGUE["FakeSource"]}
WITH_PACK = {**BUILT_IN, "pack.Node": {**CATALOGUE["FakeImage"], "id": "pack.Node", "module": "custom_nodes.pack"}}
PACK: dict[str, Any] = {"name": "pack", "ok": True}


@pytest.fixture
async def published(data_dir: Path) -> Published:
    return Published(Folders(data_dir))


def said(worker: str, entries: dict[str, Any], complete: bool) -> CataloguePublished:
    packs = [PACK] if complete else []
    return CataloguePublished(worker, entries, f"digest of {len(entries)}", packs, complete)


@pytest.mark.parametrize("late", ["worker-2", "worker-1 replaced"])
async def test_a_worker_that_comes_up_takes_no_nodes_away_that_others_have(published: Published, late: str) -> None:
    published.take(said("worker-1", BUILT_IN, complete=False))
    published.take(said("worker-1", WITH_PACK, complete=True))
    before = published.digest
    published.take(said(late, BUILT_IN, complete=False))

    assert set(published.entries) == set(WITH_PACK)
    assert (published.digest, published.packs) == (before, [PACK])
    assert "pack.Node" in await published.catalogue_with(["pack.Node"], within=0.0)


async def test_a_worker_that_has_lost_a_pack_says_so_once_it_is_complete(published: Published) -> None:
    published.take(said("worker-1", WITH_PACK, complete=True))
    published.take(said("worker-2", BUILT_IN, complete=False))
    published.take(said("worker-2", BUILT_IN, complete=True))

    assert set(published.entries) == set(BUILT_IN)


async def test_packs_of_the_last_server_stay_until_they_have_been_loaded_again(published: Published) -> None:
    published.remember("old", WITH_PACK, [PACK])
    published.take(said("worker-1", BUILT_IN, complete=False))

    assert set(published.entries) == set(WITH_PACK)


async def test_a_newer_catalogue_is_waited_for_only_while_packs_are_loading(published: Published) -> None:
    published.take(said("worker-1", BUILT_IN, complete=False))
    early = json.loads((await published.catalogue_body()).plain)
    waiting = asyncio.create_task(published.catalogue_body(early["digest"]))
    await asyncio.sleep(0.02)
    waited = not waiting.done()
    published.take(said("worker-1", WITH_PACK, complete=True))
    late = json.loads((await waiting).plain)

    assert waited and not early["complete"] and "pack.Node" not in early["nodes"]
    assert late["complete"] and "pack.Node" in late["nodes"]
    assert json.loads((await published.catalogue_body(late["digest"])).plain) == late


async def test_packs_without_nodes_end_the_waiting_too(published: Published) -> None:
    published.take(said("worker-1", BUILT_IN, complete=False))
    waiting = asyncio.create_task(published.catalogue_body(published.digest))
    await asyncio.sleep(0)
    published.take(said("worker-1", BUILT_IN, complete=True))

    assert json.loads((await waiting).plain)["complete"]


async def test_model_folders_that_packs_add_are_looked_into(data_dir: Path) -> None:
    folders = Folders(data_dir)
    for name in ("more/a.safetensors", "own/b.gguf", "own/c.txt"):
        file = data_dir / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    added = [["loras", str(data_dir / "more"), True, []], ["gguf", str(data_dir / "own"), False, [".gguf"]]]

    Published(folders).take(CataloguePublished("worker-1", BUILT_IN, "digest", [{**PACK, "folders": added}], False))

    assert (folders.choices("loras"), folders.choices("gguf")) == (["a.safetensors"], ["b.gguf"])
