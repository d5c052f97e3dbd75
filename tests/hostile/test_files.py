"""Files as weapons: pages that would run, paths that lead out, links, pictures that fill the memory."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image, PngImagePlugin

SECRET = "the-secret-outside"
SCRIPTED = {
    "page.html": b"<script>alert(1)</script>",
    "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    "picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "script.js": b"alert(1)",
    "module.mjs": b"alert(1)",
    "style.css": b"body{background:url(//evil)}",
    "feed.xml": b"<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "sheet.xsl": b"<x/>",
    "feed.rss": b"<x/>",
    "archive.mht": b"Content-Type: text/html\r\n\r\n<script>alert(1)</script>",
    "noextension": b"<!doctype html><script>alert(1)</script>",
    "picture.png": b"<html><script>alert(1)</script>",
    "double.png.html": b"<script>alert(1)</script>",
    "trailing.html.": b"<script>alert(1)</script>",
    "HTML.HTM": b"<script>alert(1)</script>",
}
WAYS_OUT = [
    "../heddle.sqlite3",
    "..\\heddle.sqlite3",
    "../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "C:\\Windows\\win.ini",
    "sub/../../heddle.sqlite3",
    "....//....//etc/passwd",
    "x\0.png",
    "~/.ssh/id_rsa",
    "file:///etc/passwd",
    "%2e%2e/heddle.sqlite3",
]


@pytest.fixture(scope="module")
def outside(victim: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a secret, and links to it wherever the server reads."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.txt").write_text(SECRET)
    Image.new("RGB", (4, 4), "red").save(folder / "secret.png")
    header = json.dumps({"__metadata__": {"secret": SECRET}}).encode()
    (folder / "secret.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    data = victim.data_dir
    for place in ("input", "output", "temp", "user/default", "models/loras", "custom_nodes/hostile_pack/web"):
        (data / place).mkdir(parents=True, exist_ok=True)
        (data / place / "door").symlink_to(folder)
        for name in ("secret.txt", "secret.png", "secret.safetensors"):
            (data / place / f"link-{name}").symlink_to(folder / name)
    (data / "models/loras/covered.preview.png").symlink_to(folder / "secret.png")
    (data / "user/default/user.css").symlink_to(folder / "secret.txt")
    return folder


def is_inert(answer: Any) -> bool:
    """Whether no browser would run the body as a page, a script or a style of this server."""
    kind = answer.headers["content-type"].split(";")[0]
    harmless = kind.split("/")[0] in ("image", "audio", "video") or kind in ("application/octet-stream", "text/plain")
    policy = answer.headers.get("content-security-policy", "")
    return (
        answer.headers["x-content-type-options"] == "nosniff"
        and (harmless or kind == "message/rfc822")
        and "sandbox" in policy
        and "default-src 'none'" in policy
        and "script-src" not in policy
    )


@pytest.mark.parametrize("name", SCRIPTED)
def test_an_uploaded_page_is_never_active(victim: Any, name: str) -> None:
    uploaded = victim.upload(name, SCRIPTED[name], subfolder="xss")
    stored = uploaded.json["name"]
    victim.request("POST", f"/userdata/{quote(name, safe='')}", SCRIPTED[name])
    answers = [
        victim.get(f"/view?filename={quote(stored)}&subfolder=xss&type=input"),
        victim.get(f"/api/v1/files/input/xss/{quote(stored)}"),
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert all(is_inert(answer) for answer in answers), [answer.headers for answer in answers]
    kept = victim.get(f"/userdata/{quote(name, safe='')}")
    assert "sandbox" in kept.headers["content-security-policy"] and "html" not in kept.headers["content-type"]


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "\udce4.png", "a/b.png", "x" * 5000])
def test_a_name_that_no_file_can_have_is_refused(victim: Any, name: str) -> None:
    asked = quote(name, safe="", errors="surrogateescape")
    taken = victim.request("PUT", "/api/v1/files/input/a", b"a file")
    answers = [
        victim.get(f"/view?filename={asked}"),
        victim.get(f"/api/v1/files/input/{asked}"),
        victim.request("PUT", f"/api/v1/files/input/{asked}", b"x"),
        victim.get(f"/userdata/{asked}"),
        victim.request("POST", f"/userdata/{asked}", b"x"),
        victim.get(f"/view_metadata/loras?filename={asked}.safetensors"),
        victim.get(f"/extensions/hostile_pack/{asked}"),
        victim.get(f"/{asked}"),
        victim.upload(name.encode("utf-8", "surrogateescape").decode("latin-1"), b"x"),
    ]

    assert taken.status == 201
    assert all(answer.status in (200, 201, 400, 403, 404, 409, 422) for answer in answers), [a.status for a in answers]


def test_a_picture_of_markup_is_saved_instead_of_opened(victim: Any) -> None:
    victim.upload("logo.svg", SCRIPTED["picture.svg"])
    answer = victim.get("/view?filename=logo.svg&type=input")

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_name_cannot_add_headers(victim: Any) -> None:
    name = 'a"\r\nX-Evil: 1\r\n.txt'
    (victim.data_dir / "output" / name).write_text("x")
    answer = victim.get(f"/view?filename={quote(name)}")

    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("name", WAYS_OUT)
def test_no_route_reads_outside_its_folder(victim: Any, outside: Path, name: str) -> None:
    once = quote(name, safe="")
    paths = [
        f"/view?filename={once}",
        f"/view?filename=x.png&subfolder={once}",
        f"/view?filename=x.png&type={once}",
        f"/view_metadata/loras?filename={once}.safetensors",
        f"/view_metadata/{once}?filename=x.safetensors",
        f"/userdata/{once}",
        f"/userdata?dir={once}",
        f"/v2/userdata?path={once}",
        f"/extensions/hostile_pack/{once}",
        f"/extensions/{once}/ours.js",
        f"/api/workflow_templates/hostile_pack/{once}",
        f"/templates/{once}",
        f"/experiment/models/preview/loras/0/{once}",
        f"/experiment/models/preview/{once}/0/x",
        f"/experiment/models/{once}",
        f"/models/{once}",
        f"/internal/files/{once}",
        f"/api/v1/files/output/{once}",
        f"/api/v1/files/{once}",
        f"/api/v1/models/{once}",
        f"/api/v1/templates/{once}",
        f"/assets/{once}",
        f"/{once}",
    ]
    for path in paths:
        answer = victim.get(path)
        assert answer.status in (200, 400, 403, 404, 422), (path, answer.status)
        leaked = b"root:" in answer.body or b"SQLite format" in answer.body
        assert not leaked, path
        assert answer.status != 200 or path.startswith(("/userdata?", "/v2/", f"/{once}")), path


@pytest.mark.parametrize(
    "raw", ["/../../etc/passwd", "/assets/../../../../etc/passwd", "/extensions/hostile_pack/../../__init__.py"]
)
def test_dots_that_no_client_resolved_lead_nowhere(victim: Any, raw: str) -> None:
    answer = victim.get(raw)

    assert answer.status in (400, 403, 404) and b"root:" not in answer.body and b"Slow" not in answer.body


def test_links_that_lead_out_are_not_followed(victim: Any, outside: Path) -> None:
    paths = [
        f"/view?filename={name}&type={kind}{extra}"
        for kind in ("input", "output", "temp")
        for name, extra in (
            ("link-secret.txt", ""),
            ("secret.txt", "&subfolder=door"),
            ("link-secret.png", "&preview=webp"),
        )
    ]
    paths += ["/userdata/link-secret.txt", "/userdata/door%2Fsecret.txt", "/userdata?dir=door", "/user.css"]
    paths += ["/v2/userdata?path=door", "/view_metadata/loras?filename=link-secret.safetensors"]
    paths += ["/view_metadata/loras?filename=door/secret.safetensors", "/extensions/hostile_pack/link-secret.txt"]
    paths += ["/extensions/hostile_pack/door/secret.txt", "/api/v1/files/output/link-secret.txt"]
    paths += ["/api/v1/files/output/door/secret.txt", "/experiment/models/preview/loras/0/covered.safetensors"]
    paths += ["/experiment/models/preview/loras/0/link-secret.png", "/experiment/models/preview/loras/-1/x.safetensors"]
    for path in paths:
        answer = victim.get(path)
        assert answer.status in (400, 403, 404), (path, answer.status)
        assert SECRET.encode() not in answer.body


def test_nothing_is_written_through_a_link_or_a_path_that_leads_out(victim: Any, outside: Path) -> None:
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    for name in [*WAYS_OUT, "link-secret.txt"]:
        victim.upload(name.replace("\0", "%00"), b"overwritten", overwrite="true")
        victim.upload("new.txt", b"new", subfolder=name.replace("\0", "%00"), overwrite="true")
        victim.request("POST", f"/userdata/{quote(name, safe='')}?overwrite=true", b"overwritten")
        victim.request("DELETE", f"/userdata/{quote(name, safe='')}")
    victim.upload("new.txt", b"new", subfolder="door")
    victim.request("POST", "/userdata/mine.txt", b"mine")
    for target in ("door%2Fmine.txt", "..%2Fmine.txt", quote("/tmp/mine.txt", safe="")):
        victim.request("POST", f"/userdata/mine.txt/move/{target}")

    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before
    assert (victim.data_dir / "user" / "default" / "mine.txt").is_file()
    assert (victim.data_dir / "heddle.sqlite3").read_bytes().startswith(b"SQLite")


@pytest.mark.parametrize(
    "name", ["../heddle.sqlite3", "/etc/passwd", "link-secret.png", "door/secret.png", "x.png [../temp]", "\0.png"]
)
def test_the_name_of_a_picture_to_load_stays_in_its_folder(victim: Any, outside: Path, name: str) -> None:
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    answer = victim.post("/prompt", {"prompt": graph})
    if answer.status == 200:
        assert victim.history(answer.json["prompt_id"])["status"]["status_str"] == "error"
    else:
        assert answer.status == 400


@pytest.mark.parametrize("prefix", ["../up", "/tmp/out", "door/out", "..\\up", "a/../../up"])
def test_a_file_is_never_saved_outside_the_output_folder(victim: Any, outside: Path, prefix: str) -> None:
    before = sorted(path.name for path in outside.iterdir())
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }
    answer = victim.post("/prompt", {"prompt": graph})
    if answer.status == 200:
        victim.history(answer.json["prompt_id"])

    assert sorted(path.name for path in outside.iterdir()) == before
    assert not list(victim.data_dir.glob("up*")) and not list(Path("/tmp").glob("out_0*"))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(1 + min(width, 60_000) // 8)) for _ in range(min(height, 500))) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (12_000, 12_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(victim: Any, size: tuple[int, int]) -> None:
    import psutil

    process = psutil.Process(victim.process.pid)
    victim.upload("bomb.png", bomb(*size), overwrite="true")
    before = process.memory_info().rss
    seen = [
        victim.get("/view?filename=bomb.png&type=input&preview=webp"),
        victim.get("/view?filename=bomb.png&type=input&channel=rgb"),
        victim.upload(
            "mask.png", bomb(*size), "/upload/mask", original_ref=json.dumps({"filename": "bomb.png", "type": "input"})
        ),
        victim.post("/api/v1/documents/convert", bomb(*size), Content_Type="image/png"),
    ]

    assert {answer.status for answer in seen} <= {413, 422, 500}
    assert seen[0].status == 413 and b"pixels" in seen[0].body
    assert process.memory_info().rss - before < 100_000_000


def test_a_bomb_that_is_loaded_fails_its_job_and_nothing_else(victim: Any) -> None:
    victim.upload("bomb-to-load.png", bomb(60_000, 60_000), overwrite="true")
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "bomb-to-load.png"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    entry = victim.history(victim.run(graph))

    assert entry["status"]["status_str"] == "error"
    assert "bomb" in json.dumps(entry["status"]["messages"])


def test_a_text_in_a_picture_that_inflates_is_not_read(victim: Any) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 80_000_000, zip=True)
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG", pnginfo=info)
    assert len(stream.getvalue()) < 1_000_000
    answer = victim.post("/api/v1/documents/convert", stream.getvalue(), Content_Type="image/png")

    assert answer.status in (413, 422, 500) and len(answer.body) < 10_000


def test_an_upload_beyond_the_limit_is_refused(victim: Any) -> None:
    answer = victim.upload("large.bin", os.urandom(1024) * 110_000)

    assert answer.status == 413 and b"104857600" in answer.body
    assert not (victim.data_dir / "input" / "large.bin").exists()


def test_a_pickle_that_is_called_a_picture_is_never_unpickled(victim: Any, tmp_path: Path) -> None:
    marker = tmp_path / "pwned"
    pickled = b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR."
    for name in ("smuggled.png", "smuggled.latent", "smuggled.webp"):
        victim.upload(name, pickled, overwrite="true")
    victim.get("/view?filename=smuggled.png&type=input&preview=webp")
    for kind, key, name in (("LoadImage", "image", "smuggled.png"), ("LoadLatent", "latent", "smuggled.latent")):
        graph = {"1": {"class_type": kind, "inputs": {key: name}}}
        graph["2"] = {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}
        answer = victim.post("/prompt", {"prompt": graph})
        if answer.status == 200:
            assert victim.history(answer.json["prompt_id"])["status"]["status_str"] == "error"

    assert not marker.exists()
