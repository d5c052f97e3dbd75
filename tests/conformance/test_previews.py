"""Progress, and the pictures that are sent while a node runs (protocol §2.4, §2.5)."""

from __future__ import annotations

import io
import json
import struct
import uuid

import pytest
from PIL import Image

from tests.conformance.client import Client, identity, kinds, node


async def test_progress_is_told_after_its_state(client: Client) -> None:
    graph = {"1": node("ProbeSleep", seconds=0.8, value=uuid.uuid4().hex), "2": node("ProbeShow", value=["1", 0])}
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    steps = [index for index, item in enumerate(heard) if item["type"] == "progress"]
    assert len(steps) >= 5
    values = [heard[index]["data"] for index in steps]
    assert all(set(data) == {"value", "max", "prompt_id", "node"} for data in values)
    assert [data["value"] for data in values] == sorted(data["value"] for data in values)
    assert (values[-1]["max"], values[-1]["node"], values[-1]["prompt_id"]) == (10, "1", job)
    for index in steps:
        before = heard[index - 1]
        assert before["type"] == "progress_state"
        state = before["data"]["nodes"]["1"]
        assert (state["value"], state["max"], state["state"]) == (heard[index]["data"]["value"], 10, "running")
    last = [item for item in heard if item["type"] == "progress_state"][-1]["data"]["nodes"]
    assert (last["1"]["value"], last["1"]["state"]) == (10, "finished")


@pytest.mark.parametrize(("kind", "code"), [("JPEG", 1), ("PNG", 2)])
async def test_previews_without_negotiation_have_format_1(client: Client, kind: str, code: int) -> None:
    graph = {"1": node("ProbePreview", kind=kind, width=65, height=32), "2": node("ProbeShow", value=["1", 0])}
    await client.post("/free", {"free_memory": True})
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    pictures = [item for item in heard if isinstance(item, bytes)]
    assert pictures
    assert struct.unpack(">II", pictures[0][:8]) == (1, code)
    assert _size(pictures[0][8:], kind) == (512, 252)
    order = kinds(heard)
    first = order.index("binary 1")
    assert order[first - 2 : first] == ["progress_state", "progress"]


async def test_negotiated_previews_have_format_4_with_metadata(client: Client) -> None:
    graph = {"1": node("ProbePreview", kind="JPEG", width=30, height=60), "2": node("ProbeShow", value=["1", 0])}
    await client.post("/free", {"free_memory": True})
    async with client.listen(flags=True) as listener, client.listen() as other:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()
        assert not [item for item in await other.quiet() if isinstance(item, bytes)]

    pictures = [item for item in heard if isinstance(item, bytes)]
    code, length = struct.unpack(">II", pictures[0][:8])
    assert code == 4
    assert json.loads(pictures[0][8 : 8 + length]) == {**identity("1"), "prompt_id": job, "image_type": "image/jpeg"}
    assert _size(pictures[0][8 + length :], "JPEG") == (256, 512)
    order = kinds(heard)
    first = order.index("binary 4")
    assert (order[first - 1], order[first + 1]) == ("progress_state", "progress")


@pytest.mark.parametrize("negotiated", [False, True])
async def test_every_picture_that_is_delivered_as_a_preview_arrives(client: Client, negotiated: bool) -> None:
    async with client.listen(flags=negotiated) as listener:
        await client.queue({"1": node("ProbeDeliver", count=8)}, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert [_picture(item).getpixel((0, 0)) for item in heard] == list(range(8))
    assert {_picture(item).size for item in heard} == {(600, 3)}


async def test_images_are_sent_over_the_websocket_instead_of_saved(client: Client) -> None:
    images = node("EmptyImage", width=24, height=8, batch_size=3, color=0xFF8000)
    graph = {"1": images, "2": node("SaveImageWebsocket", images=["1", 0])}
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert [_picture(item).getpixel((5, 5)) for item in heard] == [(255, 128, 0)] * 3
    assert (await client.finished(job))["outputs"] == {}


async def test_outputs_that_a_node_does_not_return_are_missed_aloud(client: Client) -> None:
    async with client.listen() as listener:
        await client.queue({"1": node("ProbeReturns", form="short")}, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert heard[0][:9] == b"\0\0\0\3\0\0\0\x011"
    assert heard[0][9:].startswith(b"Returns.run returned 1 of its 2 outputs")


async def test_a_pack_sends_a_picture_as_a_binary_event(client: Client) -> None:
    async with client.listen() as listener:
        await client.queue({"1": node("ProbeSend")}, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert [(_picture(item).size, _picture(item).getpixel((0, 0))) for item in heard] == [((600, 3), 7)]


def _picture(message: bytes) -> Image.Image:
    """The picture of a binary message of either kind."""
    code, second = struct.unpack(">II", message[:8])
    assert code in (1, 4)
    return Image.open(io.BytesIO(message[8:] if code == 1 else message[8 + second :]))


async def test_schema_progress_has_no_legacy_message(client: Client) -> None:
    await client.post("/free", {"free_memory": True})
    async with client.listen(flags=True) as listener:
        await client.queue({"1": node("SchemaProgress")}, client_id=listener.sid)
        heard = await listener.run()

    order = kinds(heard)
    assert "progress" not in order and "binary 1" not in order
    assert "binary 4" in order
    states = [
        item["data"]["nodes"]["1"] for item in heard if isinstance(item, dict) and item["type"] == "progress_state"
    ]
    assert (1, 4) in [(state["value"], state["max"]) for state in states]


def _size(picture: bytes, kind: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == kind
        return image.size
