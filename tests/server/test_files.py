"""View, upload and metadata: what is served, how, and what is not."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import aiohttp
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def png(color: Any = (255, 0, 0), size: tuple[int, int] = (8, 6), mode: str = "RGB", **texts: str) -> bytes:
    info = PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    buffer = io.BytesIO()
    Image.new(mode, size, color).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


async def upload(bench: Any, data: bytes, name: str = "a.png", path: str = "/upload/image", **fields: str) -> Any:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("image", data, filename=name, content_type="image/png")
    for key, value in fields.items():
        form.add_field(key, value)
    return await bench.client.post(path, data=form)


async def test_an_upload_is_stored_whole_and_served_back(bench) -> None:
    data = png()
    stored = await (await upload(bench, data, subfolder="new/deep")).json()
    answer = await bench.client.get("/view", params={"filename": "a.png", "type": "input", "subfolder": "new/deep"})

    assert stored == {"name": "a.png", "subfolder": "new/deep", "type": "input"}
    assert (answer.status, await answer.read()) == (200, data)
    assert answer.headers["Content-Type"] == "image/png" and answer.headers["Content-Disposition"] == 'filename="a.png"'
    assert list((bench.settings.data_dir / "input").rglob("*.part")) == []


async def test_equal_uploads_share_a_name_and_others_are_numbered(bench) -> None:
    names = [(await (await upload(bench, data)).json())["name"] for data in (png(), png(), png("blue"), png("green"))]
    replaced = await (await upload(bench, png("white"), overwrite="true")).json()

    assert names == ["a.png", "a.png", "a (1).png", "a (2).png"]
    assert replaced["name"] == "a.png"
    assert (bench.settings.data_dir / "input" / "a.png").read_bytes() == png("white")


@pytest.mark.parametrize(
    ("fields", "name", "status"),
    [
        ({"type": "etc"}, "a.png", 400),
        ({"subfolder": "../.."}, "a.png", 400),
        ({"subfolder": "/tmp"}, "a.png", 400),
        ({}, "..", 400),
    ],
)
async def test_uploads_outside_their_folder_are_refused(bench, fields, name, status) -> None:
    assert (await upload(bench, png(), name, **fields)).status == status


async def test_an_upload_name_with_folders_keeps_only_its_last_part(bench) -> None:
    stored = await (await upload(bench, png(), "../../evil.png")).json()

    assert stored["name"] == "evil.png" and (bench.settings.data_dir / "input" / "evil.png").is_file()


async def test_an_upload_without_a_file_is_told_so(bench) -> None:
    form = aiohttp.FormData()
    form.add_field("image", "just text")
    text = await bench.client.post("/upload/image", data=form)
    none = await bench.client.post("/upload/image", data=b"x")

    assert (text.status, none.status) == (400, 400)


async def test_a_mask_replaces_the_alpha_and_keeps_the_texts(bench) -> None:
    await upload(bench, png((255, 0, 0), workflow="{}"), "picture.png")
    reference = json.dumps({"filename": "picture.png", "type": "input"})
    mask = png((0, 0, 0, 77), mode="RGBA")
    stored = await (await upload(bench, mask, "masked.png", "/upload/mask", original_ref=reference)).json()
    with Image.open(bench.settings.data_dir / "input" / stored["name"]) as image:
        pixel, texts = image.getpixel((0, 0)), image.text

    assert pixel == (255, 0, 0, 77)
    assert texts == {"workflow": "{}"}


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        (None, 400),
        ('{"filename": "gone.png"}', 404),
        ('{"filename": "../x"}', 400),
        ("{", 400),
        ('{"filename": 3}', 400),
    ],
)
async def test_a_mask_without_its_picture_is_refused(bench, reference, status) -> None:
    fields = {} if reference is None else {"original_ref": reference}

    assert (await upload(bench, png(), "m.png", "/upload/mask", **fields)).status == status


async def test_previews_and_channels_are_made_of_the_file(bench) -> None:
    await upload(bench, png((10, 200, 30, 40), mode="RGBA"), "p.png")

    async def fetch(**query: str) -> tuple[str, Image.Image]:
        answer = await bench.client.get("/view", params={"filename": "p.png [input]", **query})
        return answer.headers["Content-Type"], Image.open(io.BytesIO(await answer.read()))

    kind, image = await fetch(preview="jpeg;80")
    assert (kind, image.mode, image.size) == ("image/jpeg", "RGB", (8, 6))
    kind, image = await fetch(preview="odd;x")
    assert (kind, image.mode) == ("image/webp", "RGBA")
    kind, image = await fetch(preview="jpeg", channel="a")
    assert kind == "image/webp"
    kind, image = await fetch(channel="rgb")
    assert (kind, image.getpixel((0, 0))) == ("image/png", (10, 200, 30))
    kind, image = await fetch(channel="a")
    assert (kind, image.getpixel((0, 0))) == ("image/png", (0, 0, 0, 40))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404),
        ({"filename": ""}, 400),
        ({"filename": "/etc/passwd"}, 400),
        ({"filename": "../heddle.sqlite3"}, 400),
        ({"filename": "a.png", "type": "models"}, 400),
        ({"filename": "a.png", "subfolder": "../.."}, 403),
        ({"filename": "a.png", "subfolder": "/etc"}, 403),
        ({"filename": "missing.png"}, 404),
        ({"filename": "secret.txt", "type": "input", "subfolder": "link"}, 403),
        ({"filename": "linked.txt", "type": "input"}, 403),
    ],
)
async def test_view_never_leaves_its_folder(bench, tmp_path, query, status) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    (bench.settings.data_dir / "input" / "link").symlink_to(tmp_path / "outside")
    (bench.settings.data_dir / "input" / "linked.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    answer = await bench.client.get("/view", params=query)

    assert answer.status == status and b"secret" not in (await answer.read()).replace(b"secret.txt", b"")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page.html", "application/octet-stream"),
        ("page.xhtml", "application/octet-stream"),
        ("code.js", "application/octet-stream"),
        ("style.css", "application/octet-stream"),
        ("picture.svg", "image/svg+xml"),
        ("clip.mp4", "video/mp4"),
    ],
)
async def test_uploaded_pages_and_scripts_are_never_served_as_such(bench, name, kind) -> None:
    await upload(bench, b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", name)
    answer = await bench.client.get("/view", params={"filename": name, "type": "input"})

    assert answer.content_type == kind
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_ranges_and_tags_work_for_files(bench) -> None:
    await upload(bench, b"0123456789", "clip.mp4")
    query = {"filename": "clip.mp4", "type": "input"}
    part = await bench.client.get("/view", params=query, headers={"Range": "bytes=2-4"})
    again = await bench.client.get("/view", params=query, headers={"If-None-Match": part.headers["ETag"]})

    assert (part.status, await part.read()) == (206, b"234")
    assert again.status == 304


async def test_something_that_is_no_picture_gives_an_error_not_a_crash(bench) -> None:
    await upload(bench, b"not a picture", "x.png")
    answer = await bench.client.get("/view", params={"filename": "x.png", "type": "input", "preview": "webp"})

    assert answer.status == 500 and "cannot be read as a picture" in await answer.text()


async def test_a_decompression_bomb_is_refused_before_it_is_decoded(bench, monkeypatch) -> None:
    from server import pictures

    monkeypatch.setattr(pictures, "MAX_PIXELS", 40)
    await upload(bench, png(size=(8, 6)), "bomb.png")
    answer = await bench.client.get("/view", params={"filename": "bomb.png", "type": "input", "channel": "rgb"})

    assert answer.status == 413


async def test_metadata_of_a_model_is_shown_and_bad_headers_are_not_followed(bench) -> None:
    folder = bench.settings.data_dir / "models" / "loras"
    header = json.dumps({"__metadata__": {"title": "x"}}).encode()
    (folder / "good.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    (folder / "huge.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    (folder / "none.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    (folder / "short.safetensors").write_bytes(b"1")

    async def status(name: str, kind: str = "loras") -> int:
        return (await bench.client.get(f"/view_metadata/{kind}", params={"filename": name})).status

    assert await bench.json("/view_metadata/loras?filename=good.safetensors") == {"title": "x"}
    names = (
        "huge.safetensors",
        "none.safetensors",
        "short.safetensors",
        "gone.safetensors",
        "good.txt",
        "../x.safetensors",
    )
    assert [await status(name) for name in names] == [404] * 6
    assert await status("good.safetensors", "nope") == 404
