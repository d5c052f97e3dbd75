"""Users, settings and their files (protocol §1.8)."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client


@pytest.fixture
def folder() -> str:
    """A folder of user files that only one test uses."""
    return f"t{uuid.uuid4().hex}"


async def put(client: Client, name: str, text: str = "x", query: str = "", status: int = 200) -> Any:
    """Store a file; the name is one URL-encoded segment."""
    found, body, _ = await client.ask("POST", f"/userdata/{name.replace('/', '%2F')}{query}", data=text)
    assert found == status, body
    return json.loads(body) if status == 200 else body


async def test_there_is_one_user(client: Client) -> None:
    await client.post("/settings", {"a": 1})

    assert await client.get("/users") == {"storage": "server", "migrated": True}


async def test_settings_are_merged_and_asked_one_by_one(client: Client) -> None:
    assert await client.post("/settings", {"Comfy.A": [1, {"b": None}], "Comfy.B": "x"}) == ""
    assert (await client.ask("POST", "/settings/Comfy.B", data='"y"'))[:2] == (200, "")
    assert (await client.ask("POST", "/settings/Comfy.C", data="null"))[:2] == (200, "")

    everything = await client.get("/settings")
    assert everything["Comfy.A"] == [1, {"b": None}]
    assert await client.get("/settings/Comfy.B") == "y"
    assert await client.get("/settings/Comfy.C") is None
    assert await client.get("/settings/unknown") is None
    stored = client.host.base / "user" / "default" / "comfy.settings.json"
    assert json.loads(stored.read_text()) == everything


async def test_damaged_settings_count_as_none(client: Client) -> None:
    stored = client.host.base / "user" / "default" / "comfy.settings.json"
    await client.post("/settings", {"a": 1})
    kept = stored.read_text()
    stored.write_text("{broken")

    assert await client.get("/settings") == {}

    stored.write_text(kept)


async def test_a_file_is_stored_read_and_removed(client: Client, folder: str) -> None:
    name = f"{folder}/a b.json"

    assert await put(client, name, '{"n": 1}') == name
    assert await client.get(f"/userdata/{folder}%2Fa%20b.json") == {"n": 1}
    status, body, _ = await client.ask("DELETE", f"/userdata/{folder}%2Fa%20b.json")
    assert (status, body) == (204, "")
    assert (await client.ask("GET", f"/userdata/{folder}%2Fa%20b.json"))[0] == 404
    assert (await client.ask("DELETE", f"/userdata/{folder}%2Fa%20b.json"))[0] == 404


async def test_storing_tells_about_the_file_when_asked_to(client: Client, folder: str) -> None:
    answer = await put(client, f"{folder}/a.txt", "four", "?full_info=true")

    assert set(answer) == {"path", "size", "modified", "created"}
    assert (answer["path"], answer["size"]) == (f"{folder}/a.txt", 4)
    assert answer["modified"] > 1.6e9 and answer["created"] > 1.6e9


async def test_a_file_is_only_overwritten_where_that_is_wanted(client: Client, folder: str) -> None:
    name = f"{folder}/a.txt"
    await put(client, name, "1")

    assert "already exists" in await put(client, name, "2", "?overwrite=false", 409)
    assert "already exists" in await put(client, name, "2", "?overwrite=False", 409)
    await put(client, name, "3", "?overwrite=true")
    assert (await client.ask("GET", f"/userdata/{folder}%2Fa.txt"))[1] == "3"


async def test_a_file_is_moved(client: Client, folder: str) -> None:
    for name in ("a", "b"):
        await put(client, f"{folder}/{name}", name)
    move = f"/userdata/{folder}%2Fa/move/{folder}%2F"

    assert (await client.ask("POST", f"{move}b?overwrite=false"))[0] == 409
    status, body, _ = await client.ask("POST", f"{move}deep%2Fc")
    assert (status, json.loads(body)) == (200, f"{folder}/deep/c")
    assert (await client.ask("POST", f"{move}d"))[0] == 404
    status, body, _ = await client.ask("POST", f"/userdata/{folder}%2Fb/move/{folder}%2Fe?full_info=true")
    assert json.loads(body)["path"] == f"{folder}/e"


async def test_files_are_listed_with_every_flag(client: Client, folder: str) -> None:
    for name in ("b.json", "a.json", "deep/er/c.json"):
        await put(client, f"{folder}/{name}", "xyz")
    base = f"/userdata?dir={folder}"

    assert sorted(await client.get(base)) == ["a.json", "b.json"]
    assert sorted(await client.get(f"{base}&recurse=true")) == ["a.json", "b.json", "deep/er/c.json"]
    assert sorted(await client.get(f"{base}&recurse=true&split=true")) == [
        ["a.json", "a.json"],
        ["b.json", "b.json"],
        ["deep/er/c.json", "deep", "er", "c.json"],
    ]
    assert len(await client.get(f"{base}&recurse=True")) == 3, "as clients in Python write it"
    full = await client.get(f"{base}&recurse=true&split=false&full_info=true")
    assert {entry["path"] for entry in full} == {"a.json", "b.json", "deep/er/c.json"}
    assert all(set(entry) == {"path", "size", "modified", "created"} and entry["size"] == 3 for entry in full)
    assert await client.get(f"{base}/") == await client.get(base)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/userdata", 400, "Directory not provided"),
        ("/userdata?dir=..%2F..", 403, "Invalid directory"),
        ("/userdata?dir=nowhere", 404, "Directory not found"),
        ("/userdata/none.txt", 404, ""),
        ("/userdata/..%2F..%2Fx", 403, ""),
        ("/v2/userdata?path=..%2F..", 400, "Invalid path requested"),
        ("/v2/userdata?path=nowhere", 404, "Requested path not found"),
    ],
)
async def test_what_is_not_there_or_outside_is_refused(client: Client, path: str, status: int, text: str) -> None:
    found, body, _ = await client.ask("GET", path)

    assert found == status
    assert text in body


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_nothing_outside_is_written_or_removed(client: Client, method: str) -> None:
    assert (await client.ask(method, "/userdata/..%2F..%2Finput%2Fred.png", data=b""))[0] == 403
    assert (await client.ask("POST", "/userdata/comfy.settings.json/move/..%2F..%2Fx"))[0] == 403
    assert (client.host.base / "input" / "red.png").is_file()


async def test_a_tree_has_folders_first_then_names_without_case(client: Client, folder: str) -> None:
    for name in ("B.txt", "a.txt", "z/inner.txt", "Y/x.txt"):
        await put(client, f"{folder}/{name}")

    found = await client.get(f"/v2/userdata?path={folder}")

    assert [entry["name"] for entry in found] == ["Y", "z", "a.txt", "B.txt", "inner.txt", "x.txt"]
    assert [entry["type"] for entry in found] == ["directory"] * 2 + ["file"] * 4
    assert found[0]["path"] == f"{folder}/Y"
    assert found[2]["size"] == 1 and found[2]["modified"] > 1.6e9
    assert {entry["name"] for entry in await client.get("/v2/userdata")} >= {folder, "a.txt"}
    assert (await client.ask("GET", f"/v2/userdata?path={folder}/a.txt"))[:2] == (
        400,
        "Requested path is not a directory",
    )


async def test_a_users_style_sheet_is_served(client: Client) -> None:
    assert (await client.ask("GET", "/user.css"))[0] == 404
    await put(client, "user.css", "body { color: red }")

    status, body, headers = await client.ask("GET", "/user.css")

    assert (status, body, headers["Content-Type"]) == (200, "body { color: red }", "text/css")
    await client.ask("DELETE", "/userdata/user.css")


async def test_listings_while_files_come_and_go_are_never_errors(client: Client, folder: str) -> None:
    async def change(number: int) -> None:
        for _ in range(15):
            await put(client, f"{folder}/{number}.json", "xyz")
            await client.ask("DELETE", f"/userdata/{folder}%2F{number}.json")

    changes = asyncio.gather(*(change(number) for number in range(4)))
    while not changes.done():
        for path in (f"/userdata?dir={folder}&full_info=true", f"/v2/userdata?path={folder}"):
            status, text, _ = await client.ask("GET", path)
            assert status in (200, 404) and ".part" not in text, text
    await changes


async def test_a_users_own_part_files_are_listed(client: Client, folder: str) -> None:
    await put(client, f"{folder}/song.part", "x")

    assert await client.get(f"/userdata?dir={folder}") == ["song.part"]
