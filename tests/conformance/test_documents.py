"""Pictures carry what made them, as other programs read it, and are opened again (protocol §3.9)."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conformance.client import Client, Graph, node

WORKFLOW = {
    "id": "w",
    "revision": 0,
    "last_node_id": 2,
    "last_link_id": 1,
    "version": 0.4,
    "groups": [],
    "config": {},
    "extra": {},
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "pos": [0, 0],
            "size": [200, 100],
            "flags": {},
            "order": 0,
            "mode": 0,
            "inputs": [],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
            "properties": {},
            "widgets_values": [8, 8, 1, 255],
        },
        {
            "id": 2,
            "type": "SaveImage",
            "pos": [300, 0],
            "size": [200, 100],
            "flags": {},
            "order": 1,
            "mode": 0,
            "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
            "outputs": [],
            "properties": {},
            "widgets_values": ["ü"],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
}


async def saved(client: Client, kind: str, **inputs: Any) -> tuple[bytes, Graph]:
    """A file that a node saved, and the prompt that it was made with."""
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=2, color=uuid.uuid4().int % 2**24),
        "2": node(kind, images=["1", 0], filename_prefix=f"carried_{uuid.uuid4().hex}", **inputs),
    }
    entry = await client.run(graph, extra_data={"extra_pnginfo": {"workflow": WORKFLOW, "more": {"n": 1}}})
    assert entry["status"]["status_str"] == "success", entry["status"]
    file = entry["outputs"]["2"]["images"][0]
    return (Path(client.host.base) / "output" / file["subfolder"] / file["filename"]).read_bytes(), entry["prompt"][2]


async def test_a_png_has_one_text_chunk_a_key(client: Client) -> None:
    data, prompt = await saved(client, "SaveImage")

    texts = Image.open(io.BytesIO(data)).text
    assert json.loads(texts["prompt"]) == prompt
    assert json.loads(texts["workflow"]) == WORKFLOW
    assert json.loads(texts["more"]) == {"n": 1}
    assert texts["workflow"].isascii() and data.count(b"tEXt") == 3
    assert data.find(b"tEXt") < data.find(b"IDAT")


async def test_an_animated_png_has_its_own_chunks_after_the_first_picture(client: Client) -> None:
    data, prompt = await saved(client, "SaveAnimatedPNG", fps=6.0, compress_level=4)

    first = data.find(b"comf")
    assert first > data.find(b"IDAT")
    length = int.from_bytes(data[first - 4 : first], "big")
    key, _, text = data[first + 4 : first + 4 + length].partition(b"\0")
    assert (key, json.loads(text.decode("latin-1"))) == (b"prompt", prompt)


async def test_a_webp_has_them_in_its_exif(client: Client) -> None:
    data, prompt = await saved(client, "SaveAnimatedWEBP", fps=6.0, lossless=True, quality=80, method="default")

    exif = Image.open(io.BytesIO(data)).getexif()
    assert exif[0x0110] == f"prompt:{json.dumps(prompt)}"
    assert json.loads(exif[0x010F].removeprefix("workflow:")) == WORKFLOW
    assert json.loads(exif[0x010E].removeprefix("more:")) == {"n": 1}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("SaveImage", {}),
        ("SaveAnimatedPNG", {"fps": 6.0, "compress_level": 4}),
        ("SaveAnimatedWEBP", {"fps": 6.0, "lossless": True, "quality": 80, "method": "default"}),
    ],
)
async def test_a_picture_is_opened_as_the_workflow_that_made_it(
    client: Client, kind: str, inputs: dict[str, Any]
) -> None:
    data, _ = await saved(client, kind, **inputs)

    status, body, _ = await client.ask("POST", "/api/v1/documents/convert", data=io.BytesIO(data))

    assert status == 200, body
    found = json.loads(body)
    assert found["source"] == "saved"
    assert found["document"]["nodes"]["2"]["inputs"] == {"images": {"link": ["1", "IMAGE"]}, "filename_prefix": "ü"}


async def test_a_jpeg_with_exif_is_opened_too(client: Client) -> None:
    exif = Image.Exif()
    exif[0x010F] = f"workflow:{json.dumps(WORKFLOW)}"
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)

    status, body, _ = await client.ask("POST", "/api/v1/documents/convert", data=buffer.getvalue())

    assert status == 200, body
    assert list(json.loads(body)["document"]["nodes"]) == ["1", "2"]


async def test_a_picture_without_a_workflow_is_refused_in_words(client: Client) -> None:
    status, body, _ = await client.ask("GET", "/view?filename=red.png")
    async with client.session.get(f"{client.host.url}/view?filename=red.png") as answer:
        data = await answer.read()

    status, body, _ = await client.ask("POST", "/api/v1/documents/convert", data=data)

    assert status == 422
    assert "carries no workflow" in body
