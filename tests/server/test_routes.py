"""The remaining established routes: object info, models, extensions, system, users, user data, headers."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from server.routes.prompt import BY_PACK


async def test_object_info_lists_files_as_they_are_now_and_is_cached_by_tag(bench) -> None:
    before = await bench.client.get("/object_info")
    names = (await before.json())["FakeLoad"]["input"]["required"]["model"][0]
    same = await bench.client.get("/api/object_info", headers={"If-None-Match": before.headers["ETag"]})
    (bench.settings.data_dir / "models" / "checkpoints" / "new.safetensors").write_bytes(b"x")
    after = await bench.client.get("/object_info", headers={"If-None-Match": before.headers["ETag"]})

    assert same.status == 304
    assert after.status == 200
    assert (await after.json())["FakeLoad"]["input"]["required"]["model"][0] == sorted([*names, "new.safetensors"])


async def test_object_info_is_compressed_for_clients_that_can_take_it(bench) -> None:
    answer = await bench.client.get("/object_info", headers={"Accept-Encoding": "gzip"}, skip_auto_headers=["Accept"])
    plain = await bench.client.get("/object_info", headers={"Accept-Encoding": "identity"})

    assert answer.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert await answer.json() == await plain.json()
    assert gzip  # the client has decompressed it


async def test_one_node_is_shown_alone_and_an_unknown_one_as_an_empty_object(bench) -> None:
    one = await bench.json("/object_info/FakeImage")

    assert list(one) == ["FakeImage"] and one["FakeImage"]["output_node"] is True
    assert one["FakeImage"]["python_module"] == "nodes"
    assert await bench.json("/object_info/Nope") == {}


async def test_the_catalogue_of_the_last_time_is_served_before_workers_are_up(start, monkeypatch) -> None:
    async with start() as first:
        expected = await first.json("/object_info")
    monkeypatch.setattr("server.pools.fake.speak", _never)
    async with start() as second:
        early = await asyncio.wait_for(second.json("/object_info"), 2)

    assert early == expected


async def _never(*_: Any) -> None:
    await asyncio.Event().wait()


async def test_models_are_listed_by_folder(bench) -> None:
    folder = bench.settings.data_dir / "models" / "embeddings"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "style.safetensors").write_bytes(b"12345")

    assert "checkpoints" in await bench.json("/models")
    assert await bench.json("/models/embeddings") == ["sub/style.safetensors"]
    assert await bench.json("/embeddings") == ["sub/style"]
    assert [(await bench.client.get(f"/models/{name}")).status for name in ("unet", "clip", "nope")] == [404] * 3
    listed = await bench.json("/experiment/models")
    assert "configs" not in [item["name"] for item in listed] and all(item["folders"] for item in listed)
    (file,) = await bench.json("/experiment/models/embeddings")
    assert (file["name"], file["size"]) == ("sub/style.safetensors", 5)
    assert (await bench.client.get("/experiment/models/nope")).status == 404


async def test_a_picture_beside_a_model_is_its_preview(bench) -> None:
    from PIL import Image

    folder = bench.settings.data_dir / "models" / "loras"
    (folder / "a.safetensors").write_bytes(b"x")
    (folder / "b.safetensors").write_bytes(b"x")
    Image.new("RGB", (4, 4)).save(folder / "a.preview.png")
    good = await bench.client.get("/experiment/models/preview/loras/0/a.safetensors")
    paths = ("0/b.safetensors", "9/a.safetensors", "x/a.safetensors", "0/..%2F..%2Fheddle.sqlite3")
    bad = [(await bench.client.get(f"/experiment/models/preview/loras/{path}")).status for path in paths]

    assert (good.status, good.content_type) == (200, "image/webp")
    assert bad == [404] * 4


async def test_packs_bring_scripts_templates_and_translations(bench, tmp_path) -> None:
    pack = tmp_path / "acme"
    for path, text in {
        "web/js/a.js": "export {}",
        "example_workflows/one.json": "{}",
        "locales/en/main.json": '{"greeting": "hi"}',
        "locales/en/nodeDefs.json": '{"Node": {"display_name": "N"}}',
        "locales/de/main.json": "{broken",
        "secret.py": "x = 1",
    }.items():
        (pack / path).parent.mkdir(parents=True, exist_ok=True)
        (pack / path).write_text(text)
    (pack / "more").mkdir()
    (pack / "more" / "b.js").write_text("")
    web = {"acme": str(pack / "web"), "acme-more": str(pack / "more")}
    _publish(bench, {"name": "acme", "ok": True, "path": str(pack), "web": web})

    assert await bench.json("/extensions") == ["/extensions/acme/js/a.js", "/extensions/acme-more/b.js"]
    assert (await bench.client.get("/extensions/acme-more/b.js")).status == 200
    script = await bench.client.get("/extensions/acme/js/a.js")
    assert script.status == 200 and script.content_type.endswith("/javascript")
    assert script.headers["Cache-Control"] == "no-cache"
    assert await bench.json("/workflow_templates") == {"acme": ["one"]}
    assert await bench.json("/api/workflow_templates/acme/one.json") == {}
    assert await bench.json("/i18n") == {"en": {"greeting": "hi", "nodeDefs": {"Node": {"display_name": "N"}}}}
    outside = ("..%2Fsecret.py", "js", "none.js")
    assert [(await bench.client.get(f"/extensions/acme/{path}")).status for path in outside] == [404, 403, 404]


async def test_scripts_that_old_packs_copied_are_served_and_nothing_beside_them(bench) -> None:
    copied = bench.settings.data_dir / "web" / "extensions" / "acme"
    copied.mkdir(parents=True)
    (copied / "a.js").write_text("// a")
    (copied.parent.parent / "secret.txt").write_text("secret")
    (copied / "link.js").symlink_to(copied.parent.parent / "secret.txt")
    pack = bench.settings.data_dir / "custom_nodes" / "linker"
    (pack / "js").mkdir(parents=True)
    (pack / "js" / "b.js").write_text("// b")
    (copied.parent / "linked").symlink_to(pack / "js", target_is_directory=True)
    _publish(bench, {"name": "linker", "ok": True, "path": str(pack), "web": {}})

    assert {"/extensions/acme/a.js", "/extensions/linked/b.js"} <= set(await bench.json("/extensions"))
    assert await (await bench.client.get("/extensions/linked/b.js")).text() == "// b"
    assert await (await bench.client.get("/extensions/acme/a.js")).text() == "// a"
    outside = ("..%2F..%2Fsecret.txt", "link.js", "none.js")
    assert [(await bench.client.get(f"/extensions/acme/{path}")).status for path in outside] == [404, 404, 404]


async def test_routes_of_packs_are_answered_through_the_server(bench) -> None:
    from aiohttp import web
    from aiohttp.test_utils import TestServer

    async def hello(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "name": request.match_info["name"],
                "query": dict(request.query),
                "body": await request.text(),
                "cookie": request.headers.get("Cookie"),
                "key": request.headers.get("X-Heddle-Pack-Key"),
            },
            status=201,
            headers={"X-Pack": "yes"},
        )

    async def on_prompt(request: web.Request) -> web.Response:
        body = await request.json()
        body["prompt"]["1"]["inputs"]["value"] = 99
        return web.json_response(body)

    app = web.Application()
    app.router.add_route("*", "/acme/{name}", hello)
    app.router.add_route("*", "/api/acme/{name}", hello)
    app.router.add_post("/heddle/on_prompt", on_prompt)
    async with TestServer(app) as packs:
        routes = ["POST /acme/{name}", r"GET /acme/{name:\w{2,5}}"]
        answers = {"routes": routes, "routes_port": packs.port, "routes_key": "secret", "on_prompt": True}
        _publish(bench, {"name": "acme", "ok": True, "path": None, **answers})
        guessed = {"Cookie": "heddle_token=secret", "X-Heddle-Pack-Key": "guessed"}
        answer = await bench.client.post("/acme/x?a=1", data="hi", headers=guessed)
        under_api = await bench.client.get("/api/acme/abc")
        others = [(await bench.client.get(path)).status for path in ("/acme/a", "/acme/toolong", "/heddle/on_prompt")]
        graph = {
            "1": {"class_type": "FakeSource", "inputs": {"value": 1}},
            "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
        }
        job = (await bench.prompt(graph))["prompt_id"]
        own = await bench.client.post("/prompt", json={"prompt": graph}, headers={BY_PACK: "1"})
        by_pack = (await own.json())["prompt_id"]
    gone = await bench.client.post("/acme/x")

    assert answer.status == 201 and answer.headers["X-Pack"] == "yes"
    assert await answer.json() == {"name": "x", "query": {"a": "1"}, "body": "hi", "cookie": None, "key": "secret"}
    assert under_api.status == 201
    assert others == [404, 404, 404]
    assert (await bench.finished(job))["prompt"][2]["1"]["inputs"]["value"] == 99
    assert (await bench.finished(by_pack))["prompt"][2]["1"]["inputs"]["value"] == 1
    assert gone.status == 502


def _publish(bench: Any, *packs: dict[str, Any]) -> None:
    from server import keys

    bench.server.app[keys.PUBLISHED].packs = packs


async def test_system_stats_and_features_have_their_shapes(bench) -> None:
    stats = await bench.json("/api/system_stats")

    assert set(stats["system"]) == {
        "os",
        "ram_total",
        "ram_free",
        "comfyui_version",
        "required_frontend_version",
        "installed_templates_version",
        "required_templates_version",
        "python_version",
        "pytorch_version",
        "embedded_python",
        "argv",
    }
    assert set(stats["devices"][0]) == {
        "name",
        "type",
        "index",
        "vram_total",
        "vram_free",
        "torch_vram_total",
        "torch_vram_free",
    }
    assert await bench.json("/features") == {"supports_preview_metadata": True, "max_upload_size": 104857600}


async def test_settings_are_merged_and_survive_a_restart(start) -> None:
    async with start() as first:
        assert await first.json("/users") == {"storage": "server", "migrated": False}
        assert await first.json("/settings") == {}
        assert (await first.client.post("/settings", json={"a": 1, "b": [1]})).status == 200
        await first.client.post("/settings/Comfy.X", data=b"true")
        await first.client.post("/settings", json={"a": 2})
        assert (await first.client.post("/settings/bad", data=b"{")).status == 400
    async with start() as second:
        assert await second.json("/api/settings") == {"a": 2, "b": [1], "Comfy.X": True}
        assert await second.json("/settings/Comfy.X") is True
        assert await second.json("/settings/none") is None
        assert (await second.json("/users"))["migrated"] is True


async def test_several_users_have_their_own_settings(start) -> None:
    async with start(multi_user=True) as bench:
        user = await (await bench.client.post("/users", json={"username": "Ann B/../x"})).json()
        again = await bench.client.post("/users", json={"username": "Ann B/../x"})
        twice = await again.json()
        await bench.client.post("/settings", json={"a": 1}, headers={"comfy-user": user})
        own = await bench.json("/settings", headers={"comfy-user": user})
        statuses = [
            (await bench.client.get(path, headers={"comfy-user": "../default"})).status
            for path in ("/settings", "/userdata?dir=x", "/v2/userdata")
        ]

    assert user.startswith("Ann-B-x_") and "/" not in user
    assert (again.status, twice) == (400, {"error": "Duplicate username."})
    assert own == {"a": 1}
    assert statuses == [401, 500, 403]


async def test_user_files_are_stored_listed_moved_and_removed(bench) -> None:
    client = bench.client
    stored = await client.post("/userdata/workflows%2Fa.json", data=b'{"x": 1}')
    info = await client.post("/userdata/workflows%2Fdeep%2Fb.json?full_info=true", data=b"{}")
    twice = await client.post("/userdata/workflows%2Fa.json?overwrite=false", data=b"")

    assert await stored.json() == "workflows/a.json"
    assert set(await info.json()) == {"path", "size", "modified", "created"}
    assert (twice.status, await twice.text()) == (409, "File already exists")
    assert await bench.json("/userdata/workflows%2Fa.json") == {"x": 1}
    assert await bench.json("/userdata?dir=workflows") == ["a.json"]
    assert await bench.json("/userdata?dir=workflows&recurse=true") == ["a.json", "deep/b.json"]
    assert (await bench.json("/userdata?dir=workflows&recurse=true&split=true"))[1] == ["deep/b.json", "deep", "b.json"]
    listed = await bench.json("/userdata?dir=workflows&recurse=true&split=false&full_info=true")
    assert [item["path"] for item in listed] == ["a.json", "deep/b.json"]
    tree = await bench.json("/v2/userdata?path=workflows")
    assert [(item["name"], item["type"]) for item in tree] == [
        ("deep", "directory"),
        ("a.json", "file"),
        ("b.json", "file"),
    ]
    moved = await client.post("/userdata/workflows%2Fa.json/move/workflows%2Fc.json")
    assert await moved.json() == "workflows/c.json"
    assert (await client.delete("/userdata/workflows%2Fc.json")).status == 204
    assert (await client.delete("/userdata/workflows%2Fc.json")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/userdata", 400),
        ("GET", "/userdata?dir=..", 403),
        ("GET", "/userdata?dir=missing", 404),
        ("GET", "/userdata/none.json", 404),
        ("GET", "/userdata/..%2F..%2Fheddle.sqlite3", 403),
        ("POST", "/userdata/..%2Fx", 403),
        ("DELETE", "/userdata/..%2Fx", 403),
        ("POST", "/userdata/a/move/..%2Fx", 403),
        ("GET", "/v2/userdata?path=..", 400),
        ("GET", "/v2/userdata?path=missing", 404),
        ("GET", "/user.css", 404),
    ],
)
async def test_user_files_never_leave_their_folder(bench, method, path, status) -> None:
    from yarl import URL

    url = URL(f"http://127.0.0.1:{bench.client.port}{path}", encoded=True)
    async with bench.client.session.request(method, url, data=b"x" if method == "POST" else None) as answer:
        assert answer.status == status


async def test_internal_routes_are_bare_only(bench) -> None:
    (bench.settings.data_dir / "input" / "a.png").write_bytes(b"x")

    assert "checkpoints" in await bench.json("/internal/folder_paths")
    assert (await bench.json("/internal/files/input"))[0] == "a.png"
    odd = await bench.client.get("/internal/files/odd")
    assert (odd.status, await odd.json()) == (400, {"error": "Invalid directory type"})
    assert isinstance(await bench.json("/internal/logs"), str)
    assert set(await bench.json("/internal/logs/raw")) == {"entries", "size"}
    assert (await bench.client.get("/api/internal/logs")).status in (404, 405)


async def test_log_lines_reach_subscribers(bench, listen) -> None:
    from server import keys

    me = await listen("me")
    await bench.client.patch("/internal/logs/subscribe", json={"clientId": "me", "enabled": True})
    bench.server.app[keys.LOGS].add([{"t": "now", "m": "hello\n"}])
    while (message := await me.next())["type"] != "logs":
        pass

    assert message["data"] == {"entries": [{"t": "now", "m": "hello\n"}], "size": None}


@pytest.mark.parametrize(
    "path", ["/global_subgraphs", "/api/i18n", "/api/workflow_templates", "/templates/index_logo.json"]
)
async def test_what_does_not_exist_yet_is_an_empty_object(bench, path) -> None:
    assert await bench.json(path) == {}


async def test_the_gallery_lists_workflows_that_can_be_fetched(bench) -> None:
    (group,) = await bench.json("/templates/index.json")

    for template in group["templates"]:
        assert (await bench.client.get(f"/templates/{template['name']}.json")).status == 200


async def test_another_web_client_is_served_with_the_established_cache_headers(start, tmp_path) -> None:
    root = tmp_path / "client"
    (root / "assets").mkdir(parents=True)
    for name in ("index.html", "assets/a.js", "assets/a.png"):
        (root / name).write_text("x")
    async with start(front_end_root=root) as bench:
        answers = {
            path: await bench.client.get(path)
            for path in (
                "/",
                "/assets/a.js",
                "/assets/a.png",
                "/assets/none.png",
                "/assets",
                "/..%2f..%2fetc/passwd",
                "/nope",
            )
        }
    headers = {path: answer.headers.get("Cache-Control") for path, answer in answers.items()}

    assert [answer.status for answer in answers.values()] == [200, 200, 200, 404, 403, 404, 404]
    assert headers["/"] == "no-cache" and answers["/"].headers["Expires"] == "0"
    assert headers["/assets/a.js"] == "no-cache"
    assert headers["/assets/a.png"] == "public, max-age=86400"
    assert headers["/assets/none.png"] == "public, max-age=3600"
    assert "frame-ancestors 'self'" in answers["/"].headers["Content-Security-Policy"]


async def test_wrong_methods_and_preflights(bench) -> None:
    assert (await bench.client.delete("/prompt")).status in (404, 405)
    preflight = await bench.client.options("/anything/at/all")
    assert (preflight.status, await preflight.read()) == (200, b"")


async def test_a_plain_get_of_the_websocket_is_refused(bench) -> None:
    assert (await bench.client.get("/ws")).status == 400


async def test_health_and_readiness(bench) -> None:
    async with asyncio.timeout(5):
        while (await bench.client.get("/readyz")).status != 200:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.01)

    assert await bench.json("/healthz") == {"status": "ok"}
    assert json.loads(await (await bench.client.get("/readyz")).text())["ready"] is True


async def test_modules_of_another_web_client_are_explained(bench) -> None:
    answer = await bench.client.get("/scripts/app.js")

    assert answer.status == 404
    assert "--front-end-root" in await answer.text()
