"""General rules of the HTTP interface (protocol §1.1)."""

from __future__ import annotations

import pytest

from tests.conformance.client import Client

BOTH = [
    "/prompt",
    "/queue",
    "/history",
    "/object_info/ProbeText",
    "/embeddings",
    "/models",
    "/models/loras",
    "/experiment/models",
    "/experiment/models/loras",
    "/extensions",
    "/features",
    "/system_stats",
    "/workflow_templates",
    "/i18n",
    "/users",
    "/settings",
    "/settings/some.id",
    "/v2/userdata",
    "/jobs",
    "/view?filename=red.png&type=input",
    "/view_metadata/loras?filename=deep/one.safetensors",
    "/global_subgraphs",
    "/node_replacements",
    "/probe/hello/you",
]
"""Paths that are served bare and under /api."""
BARE = ["/internal/logs", "/internal/logs/raw", "/internal/folder_paths", "/internal/files/input"]
"""Paths that are served bare only."""


@pytest.mark.parametrize("path", BOTH)
async def test_a_route_is_served_bare_and_under_api(client: Client, path: str) -> None:
    bare, prefixed = await client.ask("GET", path), await client.ask("GET", f"/api{path}")

    assert bare[0] == prefixed[0] == 200
    assert bare[2]["Content-Type"] == prefixed[2]["Content-Type"]


@pytest.mark.parametrize("path", BARE)
async def test_internal_routes_are_bare_only(client: Client, path: str) -> None:
    assert (await client.ask("GET", path))[0] == 200
    assert (await client.ask("GET", f"/api{path}"))[0] in (404, 405)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/prompt"),
        ("PUT", "/api/prompt"),
        ("GET", "/interrupt"),
        ("GET", "/api/free"),
        ("POST", "/features"),
        ("GET", "/upload/image"),
        ("DELETE", "/history"),
        ("PATCH", "/queue"),
        ("POST", "/object_info"),
    ],
)
async def test_a_wrong_method_is_405_in_plain_text(client: Client, method: str, path: str) -> None:
    status, _, headers = await client.ask(method, path)

    assert status == 405
    assert headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "path", ["/no/such/path", "/api/no/such/path", "/api/extensions/probe/probe.js", "/api/templates/x.json"]
)
async def test_a_wrong_path_is_404_in_plain_text(client: Client, path: str) -> None:
    status, _, headers = await client.ask("GET", path)

    assert status == 404
    assert headers["Content-Type"].startswith("text/plain")


async def test_a_folder_of_static_files_is_403(client: Client) -> None:
    assert (await client.ask("GET", "/extensions/probe/sub"))[0] == 403


@pytest.mark.parametrize("path", ["/prompt", "/api/view", "/no/such/path", "/"])
async def test_preflights_never_fail(client: Client, path: str) -> None:
    status, body, _ = await client.ask("OPTIONS", path)

    assert (status, body) == (200, "")


@pytest.mark.parametrize("path", ["/prompt", "/", "/view?filename=red.png", "/object_info/ProbeText"])
async def test_heads_are_answered_without_a_body(client: Client, path: str) -> None:
    status, body, headers = await client.ask("HEAD", path)

    assert (status, body) == (200, "")
    assert headers["Content-Type"] == (await client.ask("GET", path))[2]["Content-Type"]


async def test_json_is_parsed_whatever_the_content_type_says(client: Client) -> None:
    status, _, _ = await client.ask("POST", "/settings", data='{"a.b": 1}', headers={"Content-Type": "text/plain"})

    assert status == 200
    assert await client.get("/settings/a.b") == 1


@pytest.mark.parametrize("path", ["/prompt", "/queue", "/free", "/history"])
async def test_malformed_json_is_400_with_an_error(client: Client, path: str) -> None:
    status, body, _ = await client.ask("POST", path, data="{oops")

    assert status == 400
    assert "not JSON" in body


@pytest.mark.parametrize("seed", [2**64 - 1, 2**63, 2**53 + 1])
async def test_seeds_travel_exactly(client: Client, seed: int) -> None:
    graph = {"1": {"class_type": "ProbeOld", "inputs": {"seed": seed}}, "2": _show(["1", 1])}

    entry = await client.run(graph)

    assert entry["outputs"]["2"]["text"] == [str(seed)]
    assert entry["prompt"][2]["1"]["inputs"]["seed"] == seed


@pytest.mark.parametrize(
    ("path", "status", "control"),
    [
        ("/extensions/probe/probe.js", 200, "no-cache"),
        ("/extensions/probe/probe.css", 200, "no-cache"),
        ("/extensions/probe/none.js", 404, "no-cache"),
        ("/templates/index.json", 200, "no-cache"),
        ("/none.PNG", 404, "public, max-age=3600"),
        ("/none.webp", 404, "public, max-age=3600"),
        ("/view?filename=red.png&type=input", 200, None),
        ("/prompt", 200, None),
    ],
)
async def test_cache_headers_follow_the_path(client: Client, path: str, status: int, control: str | None) -> None:
    found, _, headers = await client.ask("GET", path)

    assert found == status
    assert headers.get("Cache-Control") == control


async def test_the_index_is_never_cached(client: Client) -> None:
    status, _, headers = await client.ask("GET", "/")

    assert status == 200
    assert headers["Cache-Control"] == "no-cache"
    assert (headers["Pragma"], headers["Expires"]) == ("no-cache", "0")


@pytest.mark.parametrize(
    ("name", "origin", "status"),
    [
        ("127.0.0.1", None, 200),
        ("127.0.0.1", "http://127.0.0.1", 200),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", 200),
        ("127.0.0.1:{port}", "http://127.0.0.1:1", 403),
        ("127.0.0.1:{port}", "http://127.0.0.1", 200),
        ("127.0.0.1", "http://localhost", 403),
        ("localhost:{port}", "http://localhost:{port}", 200),
        ("localhost", "http://evil.example", 403),
        ("127.0.0.1", "null", 200),
    ],
)
async def test_pages_of_other_origins_are_refused(client: Client, name: str, origin: str | None, status: int) -> None:
    headers = {"Host": name.format(port=client.host.port)}
    if origin is not None:
        headers["Origin"] = origin.format(port=client.host.port)

    found, _, _ = await client.ask("GET", "/prompt", headers=headers)

    assert found == status


def _show(link: list[object]) -> dict[str, object]:
    return {"class_type": "ProbeShow", "inputs": {"value": link}}
