"""Routes and messages of packs."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from interop import PackReport
from interop.routes import KEY_HEADER
from tests.interop.conftest import Open


def key_of(report: PackReport) -> dict[str, str]:
    """What the server sends along."""
    assert report.routes_key is not None
    return {KEY_HEADER: report.routes_key}


async def test_routes_of_packs_are_answered_on_their_loopback_port(house: Open) -> None:
    report = house("routes_and_web").report("routes_and_web")
    assert report.routes == ("GET /specimen/hello/{name}", "POST /specimen/echo", "GET /specimen/fails")

    base = f"http://127.0.0.1:{report.routes_port}"
    async with aiohttp.ClientSession(headers=key_of(report)) as session:
        async with session.get(f"{base}/specimen/hello/you") as bare:
            assert await bare.json() == {"hello": "you"}
        async with session.get(f"{base}/api/specimen/hello/you") as under_api:
            assert await under_api.json() == {"hello": "you"}
        async with session.post(f"{base}/specimen/echo", json=[1]) as echoed:
            assert await echoed.json() == [1]
        async with session.get(f"{base}/specimen/nothing") as missing:
            assert missing.status == 404


async def test_a_failing_handler_is_answered_and_the_next_request_too(house: Open) -> None:
    report = house("routes_and_web").report("routes_and_web")

    async with aiohttp.ClientSession(f"http://127.0.0.1:{report.routes_port}", headers=key_of(report)) as session:
        async with session.get("/specimen/fails") as failed:
            assert failed.status == 500
        async with session.get("/specimen/hello/again") as after:
            assert after.status == 200


async def test_packs_change_submitted_prompts_through_their_handlers(house: Open) -> None:
    report = house("routes_and_web").report("routes_and_web")

    async with aiohttp.ClientSession(f"http://127.0.0.1:{report.routes_port}", headers=key_of(report)) as session:
        async with session.post("/heddle/on_prompt", json={"prompt": {}, "extra_data": {"a": 1}}) as answer:
            assert await answer.json() == {"prompt": {}, "extra_data": {"a": 1, "seen": True}}


def test_routes_of_a_pack_that_fails_are_not_taken_for_anothers(house: Open, tmp_path: Path) -> None:
    folder = tmp_path / "custom_nodes"
    folder.mkdir()
    adds = "import server\nfrom aiohttp import web\nasync def h(r): pass\n"
    adds += "add = server.PromptServer.instance.app.add_routes\n"
    (folder / "a_fails.py").write_text(adds + "add([web.get('/one', h)])\nraise ValueError\n")
    (folder / "b_works.py").write_text(adds + "add([web.get('/two', h)])\nNODE_CLASS_MAPPINGS = {}\n")

    opened = house()

    assert set(opened.report("b_works").routes) == {"GET /two", "HEAD /two"}
    assert opened.report("a_fails").routes == ()


async def test_who_does_not_have_the_key_cannot_ask_a_pack(house: Open) -> None:
    report = house("routes_and_web").report("routes_and_web")

    async with aiohttp.ClientSession(f"http://127.0.0.1:{report.routes_port}") as session:
        async with session.get("/specimen/hello/x") as without:
            assert without.status == 403
        async with session.get("/specimen/hello/x", headers={KEY_HEADER: "guessed"}) as guessed:
            assert guessed.status == 403
        async with session.post("/heddle/on_prompt", json={}) as prompt:
            assert prompt.status == 403


async def test_a_page_of_another_origin_cannot_reach_the_port(house: Open) -> None:
    report = house("routes_and_web").report("routes_and_web")

    async with aiohttp.ClientSession(f"http://127.0.0.1:{report.routes_port}", headers=key_of(report)) as session:
        async with session.get("/specimen/hello/x", headers={"Host": "attacker.example"}) as rebound:
            assert rebound.status == 403


def test_packs_without_routes_have_no_port(house: Open) -> None:
    report = house("sinks").report("sinks")

    assert (report.routes, report.routes_port) == ((), None)


async def test_messages_and_progress_belong_to_the_running_node(house: Open) -> None:
    opened = house("routes_and_web")

    ran = await opened.run({"5": {"class_type": "Sends", "inputs": {"steps": 2}}}, client_id="me")

    text, binary = ran.seen.of("custom")
    assert (text.type, text.data, text.sid) == ("specimen.message", {"client": "me", "node": "5"}, None)
    assert (binary.type, binary.bytes, binary.sid) == (1, b"bytes", "me")
    assert [(event.node, event.value, event.max) for event in ran.seen.of("node_progress")][:2] == [
        ("5", 1, 2),
        ("5", 2, 2),
    ]
    assert ran.shown("5", "told") == ["5", "job-1", 0, "job-1"]


@pytest.mark.parametrize("threaded", [False, True])
async def test_previews_and_texts_reach_whoever_watches(house: Open, threaded: bool) -> None:
    opened = house("routes_and_web")
    prompt = {"3": {"class_type": "Previews", "inputs": {"threaded": threaded}}}

    watched = await opened.run(prompt, previews=lambda: True)
    unwatched = await opened.run({"4": prompt["3"]}, previews=lambda: False)

    (preview,) = watched.seen.of("node_preview")
    assert (preview.node, preview.format) == ("3", "PNG")
    with Image.open(io.BytesIO(preview.blob)) as picture:
        assert picture.size == (100, 50)
    assert unwatched.seen.of("node_preview") == []
    (text,) = watched.seen.of("custom")
    assert (text.type, text.bytes) == (3, b"\x00\x00\x00\x013half way")


async def test_data_that_cannot_be_sent_is_an_error_at_the_line_that_sends_it(house: Open) -> None:
    ran = await house("routes_and_web").run({"1": {"class_type": "SendsNonsense", "inputs": {}}})

    assert "The data of event 'specimen.message' cannot be sent as JSON" in ran.message


def test_messages_outside_a_run_go_to_the_worker(house: Open) -> None:
    opened = house("routes_and_web")

    opened.packs.imports.module("server").PromptServer.instance.send_sync("later", {"x": 1}, "someone")

    assert opened.sent == [("later", {"x": 1}, "someone")]


def test_a_route_that_comes_too_late_is_an_error_that_says_so(house: Open) -> None:
    opened = house("routes_and_web")
    routes = opened.packs.imports.module("server").PromptServer.instance.routes

    with pytest.raises(RuntimeError, match="GET /late comes too late: register routes while the pack is imported"):
        routes.get("/late")
