"""`/view`, `/view_metadata` and uploads (protocol §1.5)."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.conformance.client import Client

SEE_THROUGH = "/view?type=input&filename=see%20through.png"


async def picture(client: Client, path: str) -> tuple[Image.Image, str]:
    """A picture as decoded, and its type."""
    async with client.session.get(client.host.url + path) as answer:
        assert answer.status == 200, await answer.text()
        image = Image.open(io.BytesIO(await answer.read()))
        image.load()
        return image, answer.headers["Content-Type"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("filename=", 400),
        ("filename=/etc/passwd", 400),
        ("filename=../x.png", 400),
        ("filename=a..b.png", 400),
        ("filename=none.png", 404),
        ("filename=red.png", 200),
        ("filename=red.png&type=input", 200),
        ("filename=red.png&type=nowhere", 400),
        ("filename=red.png&subfolder=../..", 403),
        ("filename=red.png&subfolder=/etc", 403),
        ("filename=deep/er/red.png&type=input", 200),
        ("filename=page.html%20[input]", 200),
        ("filename=page.html%20[output]&type=input", 404),
        ("filename=page.html&type=input&preview=webp", 500),
        ("filename=page.html&type=input&channel=rgb", 500),
        ("filename=red.png&rand=0.5", 200),
    ],
)
async def test_files_are_found_or_refused(client: Client, query: str, status: int) -> None:
    assert (await client.ask("GET", f"/view?{query}"))[0] == status


@pytest.mark.parametrize(
    ("name", "kind"),
    [("red.png", "image/png"), ("page.html", "application/octet-stream"), ("drawing.svg", "image/svg+xml")],
)
async def test_a_raw_file_has_its_name_and_an_inert_type(client: Client, name: str, kind: str) -> None:
    status, _, headers = await client.ask("GET", f"/view?type=input&filename={name}")

    assert status == 200
    assert headers["Content-Type"] == kind
    shown = "" if kind == "image/png" else "attachment; "
    assert headers["Content-Disposition"] == f'{shown}filename="{name}"'
    assert headers["ETag"] and headers["Last-Modified"]


async def test_parts_of_a_file_and_unchanged_files_are_served_as_such(client: Client) -> None:
    status, body, headers = await client.ask("GET", "/view?filename=red.png", headers={"Range": "bytes=1-3"})
    assert (status, body) == (206, "PNG")

    status, _, _ = await client.ask("GET", "/view?filename=red.png", headers={"If-None-Match": headers["ETag"]})
    assert status == 304


@pytest.mark.parametrize(
    ("query", "kind", "mode"),
    [
        ("preview=jpeg", "image/jpeg", "RGB"),
        ("preview=jpeg;50", "image/jpeg", "RGB"),
        ("preview=webp;90", "image/webp", "RGBA"),
        ("preview=webp;90&channel=rgb", "image/webp", "RGB"),
        ("preview=png", "image/webp", "RGBA"),
        ("preview=jpeg&channel=a", "image/webp", "RGBA"),
        ("channel=rgb", "image/png", "RGB"),
        ("channel=a", "image/png", "RGBA"),
        ("channel=other", "image/png", "RGBA"),
    ],
)
async def test_a_picture_is_made_in_another_form(client: Client, query: str, kind: str, mode: str) -> None:
    image, content_type = await picture(client, f"{SEE_THROUGH}&{query}")

    assert (content_type, image.mode, image.size) == (kind, mode, (24, 16))


async def test_the_quality_of_a_preview_is_what_stands_last(client: Client) -> None:
    sizes = [len((await client.ask("GET", f"{SEE_THROUGH}&preview=jpeg;{quality}"))[1]) for quality in (5, 100)]

    assert sizes[0] < sizes[1]


async def test_the_alpha_channel_is_black_with_the_pictures_alpha(client: Client) -> None:
    image, _ = await picture(client, f"{SEE_THROUGH}&channel=a")
    opaque, _ = await picture(client, "/view?type=input&filename=red.png&channel=a")

    assert image.getpixel((0, 0)) == (0, 0, 0, 128)
    assert opaque.getpixel((0, 0)) == (0, 0, 0, 255)


@pytest.mark.parametrize(
    ("folder", "name", "status"),
    [
        ("loras", "deep/one.safetensors", 200),
        ("loras", "bare.safetensors", 404),
        ("loras", "notes.txt", 404),
        ("loras", "none.safetensors", 404),
        ("nowhere", "deep/one.safetensors", 404),
        ("loras", "../../input/red.png", 404),
    ],
)
async def test_the_metadata_of_a_model_is_shown(client: Client, folder: str, name: str, status: int) -> None:
    found, body, _ = await client.ask("GET", f"/view_metadata/{folder}?filename={name}")

    assert found == status
    if status == 200:
        assert json.loads(body) == {"title": "one", "n": "2"}


async def test_metadata_without_a_file_name_is_404(client: Client) -> None:
    assert (await client.ask("GET", "/view_metadata/loras"))[0] == 404


def form(data: bytes, name: str, **fields: str) -> aiohttp.FormData:
    """An upload form."""
    found = aiohttp.FormData()
    found.add_field("image", data, filename=name, content_type="application/octet-stream")
    for key, value in fields.items():
        found.add_field(key, value)
    return found


def png(colour: Any = "red", size: tuple[int, int] = (24, 16), mode: str = "RGB") -> bytes:
    """A picture file."""
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")
    return buffer.getvalue()


async def upload(client: Client, kind: str, body: aiohttp.FormData, status: int = 200) -> Any:
    """Upload, and read the answer."""
    found, text, _ = await client.ask("POST", f"/upload/{kind}", data=body)
    assert found == status, text
    return json.loads(text) if status == 200 else text


async def test_an_upload_is_stored_under_its_name(client: Client) -> None:
    name = f"{uuid.uuid4().hex}.wav"

    answer = await upload(client, "image", form(b"any type of file", name))

    assert answer == {"name": name, "subfolder": "", "type": "input"}
    assert (await client.ask("GET", f"/view?type=input&filename={name}"))[1] == "any type of file"


@pytest.mark.parametrize("kind", ["input", "temp", "output"])
async def test_an_upload_goes_where_it_says(client: Client, kind: str) -> None:
    answer = await upload(client, "image", form(b"x", "placed.bin", type=kind, subfolder="new/deep"))

    assert answer == {"name": "placed.bin", "subfolder": "new/deep", "type": kind}
    assert (await client.ask("GET", f"/view?type={kind}&filename=placed.bin&subfolder=new/deep"))[1] == "x"


async def test_names_that_are_taken_are_counted_up(client: Client) -> None:
    name = uuid.uuid4().hex

    names = [
        (await upload(client, "image", form(data, f"{name}.png")))["name"] for data in (b"1", b"1", b"2", b"3", b"2")
    ]

    assert names == [f"{name}{end}.png" for end in ("", "", " (1)", " (2)", " (1)")]


@pytest.mark.parametrize("word", ["true", "1"])
async def test_an_upload_replaces_a_file_when_told_to(client: Client, word: str) -> None:
    await upload(client, "image", form(b"old", "replaced.png"))

    answer = await upload(client, "image", form(word.encode(), "replaced.png", overwrite=word))

    assert answer["name"] == "replaced.png"
    assert (await client.ask("GET", "/view?type=input&filename=replaced.png"))[1] == word


async def test_uploads_without_a_file_are_refused(client: Client) -> None:
    empty = aiohttp.FormData()
    empty.add_field("type", "input")
    empty.add_field("subfolder", "")
    nameless = form(b"x", "")

    await upload(client, "image", form(b"x", "a.png", subfolder="../.."), 400)
    assert (await client.ask("POST", "/upload/image", data=empty))[0] == 400
    assert (await client.ask("POST", "/upload/image", data=nameless))[0] == 400
    for fields in ({"type": "nowhere"},):
        status = (await client.ask("POST", "/upload/image", data=form(b"x", "a.png", **fields)))[0]
        assert status in (400, 500)


async def test_a_mask_becomes_the_alpha_of_its_original(client: Client) -> None:
    mask = png((0, 0, 0, 40), mode="RGBA")
    reference = json.dumps({"filename": "see through.png", "subfolder": "", "type": "input"})

    answer = await upload(client, "mask", form(mask, "masked.png", original_ref=reference, overwrite="true"))

    assert answer == {"name": "masked.png", "subfolder": "", "type": "input"}
    image, _ = await picture(client, "/view?type=input&filename=masked.png")
    assert (image.mode, image.getpixel((0, 0))) == ("RGBA", (200, 100, 50, 40))
    assert image.info["prompt"] == '{"1": {}}'


async def test_the_original_of_a_mask_is_an_output_unless_it_says_otherwise(client: Client) -> None:
    reference = json.dumps({"filename": "red.png"})

    await upload(client, "mask", form(png((0, 0, 0, 9), mode="RGBA"), "m.png", original_ref=reference))

    image, _ = await picture(client, "/view?type=input&filename=m.png")
    assert image.getpixel((0, 0)) == (255, 0, 0, 9)


@pytest.mark.parametrize("name", ["none.png", "../../x.png", "/etc/passwd"])
async def test_a_mask_without_its_original_is_refused(client: Client, name: str) -> None:
    body = form(png(mode="RGBA"), "lost.png", original_ref=json.dumps({"filename": name, "type": "input"}))

    assert (await client.ask("POST", "/upload/mask", data=body))[0] in (400, 404)
    assert not (Path(client.host.base) / "input" / "lost.png").exists()


async def test_a_mask_that_names_no_original_is_refused(client: Client) -> None:
    assert (await client.ask("POST", "/upload/mask", data=form(png(mode="RGBA"), "m.png")))[0] in (400, 500)
