"""Who may talk to the server."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from server.command import parse
from server.errors import SettingsError
from server.pools.local import way_back
from server.security import worker_key
from server.settings import Settings


async def status(bench: Any, method: str = "GET", path: str = "/prompt", **headers: str) -> int:
    answer = await bench.client.request(method, path, headers=headers, data=b"{}" if method == "POST" else None)
    await answer.read()
    return answer.status


@pytest.mark.parametrize("host", ["127.0.0.1:8188", "localhost:9", "[::1]:8188", "127.5.5.5", "a.localhost"])
async def test_loopback_names_are_served(bench, host) -> None:
    assert await status(bench, Host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.5:8188", "", "local host", "[::1"])
async def test_names_that_a_page_could_have_rebound_are_refused(bench, host) -> None:
    assert await status(bench, Host=host) == 403


async def test_a_name_can_be_allowed(start) -> None:
    async with start(allowed_hosts=("studio.example",)) as bench:
        assert await status(bench, Host="studio.example:8188") == 200
        assert await status(bench, Host="other.example") == 403


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("127.0.0.1:8188", "http://127.0.0.1:8188", 200),
        ("localhost:8188", "http://localhost:8188", 200),
        ("localhost", "http://localhost:8188", 200),
        ("localhost:8188", "http://127.0.0.1:8188", 403),
        ("127.0.0.1:8188", "http://127.0.0.1:3000", 403),
        ("127.0.0.1:8188", "https://evil.example", 403),
        ("127.0.0.1:8188", "http://[", 403),
        ("127.0.0.1:8188", "null", 200),
    ],
)
async def test_pages_of_other_origins_may_not_even_read(bench, host, origin, expected) -> None:
    assert await status(bench, Host=host, Origin=origin) == expected


@pytest.mark.parametrize(
    "path", ["/prompt", "/queue", "/api/free", "/settings", "/api/v1/jobs", "/upload/image", "/any"]
)
async def test_a_page_without_origin_changes_nothing(bench, path) -> None:
    assert await status(bench, "POST", path, Origin="null") == 403


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
async def test_a_foreign_page_gets_no_websocket(bench, origin) -> None:
    import aiohttp

    for path in ("/ws", "/api/v1/events"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await bench.client.ws_connect(path, headers={"Origin": origin})
        assert caught.value.status == 403


async def test_cors_opens_the_server_for_the_named_origin_only_by_flag(start) -> None:
    async with start(cors_origin="https://studio.example") as bench:
        answer = await bench.client.get("/prompt", headers={"Origin": "https://studio.example"})

        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://studio.example"
        assert answer.headers["Access-Control-Allow-Methods"] == "POST, GET, DELETE, PUT, OPTIONS"
        assert await status(bench, Host="evil.example") == 403
        assert await status(bench, Origin="https://evil.example") == 403


async def test_with_a_token_nothing_is_served_without_it(start) -> None:
    async with start(token="s3cret") as bench:
        for path in ("/prompt", "/object_info", "/", "/view?filename=x", "/api/v1/jobs", "/ws"):
            assert await status(bench, path=path) == 401
        assert await status(bench, Authorization="Bearer wrong") == 401
        assert await status(bench, Authorization="Bearer s3cret") == 200
        assert await status(bench, path="/api/v1/jobs?token=s3cret") == 200
        assert await status(bench, path="/healthz") == 200


BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def test_a_workers_key_opens_the_queue_to_packs_and_nothing_else(start) -> None:
    async with start(token="s3cret") as bench:
        shown = {"Authorization": f"Bearer {worker_key('s3cret')}"}
        opened = [await status(bench, path=path, **shown) for path in ("/prompt", "/queue", "/history", "/history/x")]
        closed = [
            await status(bench, path=path, **shown) for path in ("/", "/api/queue", "/settings", "/queues", "/ws")
        ]

    assert set(opened) == {200}
    assert set(closed) == {401}


async def test_a_browser_without_the_token_gets_a_page_that_asks_for_it(start) -> None:
    async with start(token="s3cret") as bench:
        asked = await bench.client.get("/", headers=BROWSER)
        wrong = await bench.client.post("/login", data={"token": "wrong"})
        right = await bench.client.post("/login", data={"token": "s3cret"}, allow_redirects=False)
        cookie = right.headers["Set-Cookie"]
        inside = await status(bench, Cookie=cookie.split(";")[0])

        assert (asked.status, asked.content_type) == (401, "text/html")
        assert "type=password" in await asked.text()
        assert "script-src" not in asked.headers["Content-Security-Policy"]
        assert "default-src 'none'" in asked.headers["Content-Security-Policy"]
        assert wrong.status == 401 and "Set-Cookie" not in wrong.headers
        assert (right.status, right.headers["Location"]) == (303, "/")
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "s3cret" not in cookie
        assert inside == 200


async def test_an_address_with_the_token_logs_in_and_is_shown_without_it(start) -> None:
    async with start(token="s3 cret") as bench:
        wrong = await bench.client.get("/?token=other", headers=BROWSER, allow_redirects=False)
        answer = await bench.client.get("/?token=s3%20cret&workflow=a", headers=BROWSER, allow_redirects=False)

        assert (answer.status, answer.headers["Location"]) == (303, "/?workflow=a")
        assert "heddle_session=" in answer.headers["Set-Cookie"]
        assert wrong.status == 401 and "Set-Cookie" not in wrong.headers


async def test_a_foreign_page_cannot_log_a_browser_in(start) -> None:
    async with start(token="s3cret") as bench:
        for origin in ("null", "https://evil.example"):
            answer = await bench.client.post("/login", data={"token": "s3cret"}, headers={"Origin": origin})
            assert answer.status == 403 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("site", "mode", "expected"),
    [
        ("cross-site", "no-cors", 403),
        ("same-site", "no-cors", 403),
        ("cross-site", "navigate", 200),
        ("same-origin", "no-cors", 200),
        ("none", "navigate", 200),
    ],
)
async def test_pages_of_other_sites_may_link_here_but_embed_nothing(bench, site, mode, expected) -> None:
    assert await status(bench, **{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}) == expected


async def test_the_editor_page_may_load_from_this_server_only(bench) -> None:
    policy = (await bench.client.get("/")).headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy and "script-src 'self';" in policy
    assert "object-src 'none'" in policy and "frame-ancestors 'self'" in policy


@pytest.mark.parametrize("flags", [["--listen"], ["--host", "0.0.0.0"], ["--listen", "127.0.0.1,192.168.1.5"]])
def test_listening_beyond_this_machine_demands_a_token_or_consent(flags: list[str]) -> None:
    with pytest.raises(SettingsError, match="--token SECRET"):
        parse(flags)

    assert parse([*flags, "--token", "x"]).is_exposed
    assert parse([*flags, "--insecure"]).is_exposed


async def test_an_exposed_server_accepts_addresses_and_with_a_token_any_name(start) -> None:
    async with start(hosts=("0.0.0.0",), insecure=True) as bench:
        assert await status(bench, Host="10.0.0.5:8188") == 200
        assert await status(bench, Host="evil.example") == 403
    async with start(hosts=("0.0.0.0",), token="x") as bench:
        assert await status(bench, Host="studio.example", Authorization="Bearer x") == 200


async def test_a_client_that_never_reads_is_dropped_without_hurting_others(bench, listen, waiting, monkeypatch) -> None:
    from server import keys
    from server.hub import socket as hub_socket
    from server.hub.messages import text

    monkeypatch.setattr(hub_socket, "MAX_MESSAGES", 50)
    slow, good = await listen("slow"), await listen("good")
    hub = bench.server.app[keys.HUB]
    for number in range(400):
        hub.send("slow", text("noise", {"n": number}))
    job = (await bench.prompt(waiting(0.05, 2), client_id="good"))["prompt_id"]
    messages = await good.until_idle(job)
    read = 0
    with contextlib.suppress(ConnectionError, TimeoutError):
        while await slow.next(within=2):
            read += 1

    assert messages[-2]["type"] == "status"
    assert read < 400
    assert not hub.listens("slow") or hub.count == 1


async def test_an_oversized_websocket_message_ends_that_socket_only(bench, listen, picture) -> None:
    loud, good = await listen("loud"), await listen("good")
    await loud.socket.send_str("x" * 2_000_000)
    job = (await bench.prompt(picture, client_id="good"))["prompt_id"]

    assert await good.until_idle(job)


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        (("127.0.0.1",), "http://127.0.0.1:8188"),
        (("0.0.0.0",), "http://127.0.0.1:8188"),
        (("::",), "http://[::1]:8188"),
        (("10.0.0.5", "127.0.0.1"), "http://127.0.0.1:8188"),
        (("10.0.0.5",), "http://10.0.0.5:8188"),
    ],
)
def test_workers_are_told_an_address_that_they_can_reach(tmp_path, hosts, url) -> None:
    told = way_back(Settings(data_dir=tmp_path, hosts=hosts, token="s3cret"))

    assert told["HEDDLE_SERVER"] == url
    assert told["HEDDLE_SERVER_KEY"] == worker_key("s3cret")


def test_workers_are_told_the_certificate_of_a_server_with_tls(tmp_path) -> None:
    told = way_back(Settings(data_dir=tmp_path, tls_key=tmp_path / "key.pem", tls_certificate=tmp_path / "own.pem"))

    assert told == {"HEDDLE_SERVER": "https://127.0.0.1:8188", "HEDDLE_SERVER_CERTIFICATE": str(tmp_path / "own.pem")}
