"""Documents that are opened while packs are still loading."""

from __future__ import annotations

import asyncio
from pathlib import Path

from graph_runtime.catalogue import Catalogue
from graph_runtime.documents import Converted, convert
from graph_runtime.folders import Folders
from server.api.opening import opened
from server.published import Published
from tests.server.test_published import BUILT_IN, WITH_PACK, said

SAVED = {
    "version": 0.4,
    "nodes": [{"id": 1, "type": "pack.Node", "pos": [0, 0], "inputs": [], "outputs": [], "widgets_values": []}],
    "links": [],
}


async def test_a_document_with_nodes_of_a_slow_pack_is_read_with_its_declarations(data_dir: Path) -> None:
    published = Published(Folders(data_dir))
    published.take(said("worker-1", BUILT_IN, complete=False))
    reading = asyncio.create_task(opened(published, _read))
    await asyncio.sleep(0.05)
    waited = not reading.done()
    published.take(said("worker-1", WITH_PACK, complete=True))
    converted, catalogue = await reading

    assert waited and "pack.Node" in catalogue
    assert [warning.code for warning in converted.warnings] == []


async def test_a_document_of_known_nodes_does_not_wait_for_packs(data_dir: Path) -> None:
    published = Published(Folders(data_dir))
    published.take(said("worker-1", WITH_PACK, complete=False))

    assert (await asyncio.wait_for(opened(published, _read), 1))[0].warnings == ()


def _read(catalogue: Catalogue) -> Converted:
    return convert(SAVED, catalogue)
