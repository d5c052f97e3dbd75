"""Launch flags that people have in their scripts: each does what it says."""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.conformance.client import Client, Graph, node
from tests.conformance.program import ROOT, Host, base_folder

COLOUR = {"1": node("EmptyImage", width=8, height=8, batch_size=1, color=255)}
LATE_PACK = """
class Late:
    @classmethod
    def INPUT_TYPES(cls): return {}
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    def run(self): return (1,)

NODE_CLASS_MAPPINGS = {"LatePackNode": Late}
"""


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One server with several flags, for the tests of each of them."""
    yield from started(tmp_path_factory, "--multi-user", "--listen", "127.0.0.1,127.0.0.2")


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One with flags that do not go together with those."""
    packs = ["--disable-all-custom-nodes", "--whitelist-custom-nodes", "probe"]
    yield from started(tmp_path_factory, "--cache-none", *packs)


def started(folders: pytest.TempPathFactory, *flags: str) -> Iterator[Host]:
    """A server that brings torch in only for a job of a pack."""
    host = Host(base_folder(folders.mktemp("flagged") / "base"), "--no-warm-up", *flags)
    try:
        yield host.wait_until_ready()
    finally:
        host.stop()


@pytest.fixture
async def flagged_client(flagged: Host) -> AsyncIterator[Client]:
    """A client of the first."""
    async with aiohttp.ClientSession() as session:
        yield Client(flagged, session)


@pytest.fixture
async def restricted_client(restricted: Host) -> AsyncIterator[Client]:
    """A client of the second."""
    async with aiohttp.ClientSession() as session:
        yield Client(restricted, session)


def launch(*flags: str) -> subprocess.CompletedProcess[str]:
    """Run the program with flags that end it at once."""
    command = [sys.executable, "main.py", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--prot", "1"], "Unknown flag --prot. Did you mean --port?"),
        (["--lisen"], "Did you mean --listen?"),
        (["--port"], "expected one argument"),
        (["--port", "many"], "invalid int value"),
        (["--port", "70000"], "no port"),
        (["--cache-lru", "-1"], "from 0 on"),
        (["--cache-lru", "3", "--cache-none"], "not allowed with"),
        (["--preview-method", "magic"], "invalid choice"),
        (["--front-end-root", "/nowhere"], "no index.html"),
        (["--extra-model-paths-config", "/nowhere.yaml"], "/nowhere.yaml"),
        (["--lowvram"], "not needed"),
        (["extra"], "Unexpected argument"),
    ],
)
def test_a_wrong_flag_is_an_error_with_a_hint(flags: list[str], words: str) -> None:
    ended = launch(*flags)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One whose folders lie elsewhere, beside its base directory."""
    place = tmp_path_factory.mktemp("moved")
    base = base_folder(place / "base")
    for name in ("in", "models2/loras", "packs2/late_pack", "front/assets"):
        (place / name).mkdir(parents=True)
    (place / "models2/loras/extra.safetensors").write_bytes(b"x")
    (place / "packs2/late_pack/__init__.py").write_text(LATE_PACK)
    config = place / "paths.yaml"
    config.write_text(f"mine:\n  base_path: {place}\n  loras: models2/loras\n  custom_nodes: packs2\n")
    (place / "front/index.html").write_text("<title>another client</title>")
    (place / "front/assets/app.js").write_text("1")
    flags = [
        "--input-directory", str(place / "in"), "--output-directory", str(place / "out"),
        "--temp-directory", str(place / "tmp"), "--user-directory", str(place / "users"),
        "--extra-model-paths-config", str(config), "--front-end-root", str(place / "front"),
        "--max-upload-size", "1", "--enable-cors-header", "http://other.example", "--disable-metadata",
        "--enable-compress-response-body", "--verbose", "DEBUG", "--default-hashing-function", "md5",
        "--cache-lru", "4", "--preview-method", "latent2rgb", "--preview-size", "256",
    ]  # fmt: skip
    host = Host(base, *flags)
    try:
        yield host.wait_until_ready()
    finally:
        host.stop()


@pytest.fixture
async def moved_client(moved: Host) -> AsyncIterator[Client]:
    """A client of it."""
    async with aiohttp.ClientSession() as session:
        yield Client(moved, session)


async def test_folders_are_where_the_flags_say(moved_client: Client) -> None:
    client, place = moved_client, moved_client.host.base.parent
    await client.ask("POST", "/userdata/a.txt", data="x")
    entry = await client.run(
        {
            **COLOUR,
            "2": node("SaveImage", images=["1", 0], filename_prefix="here"),
            "3": node("PreviewImage", images=["1", 0]),
            "4": node("ProbeHidden", plain=1),
        },
        extra_data={"extra_pnginfo": {"workflow": {"nodes": []}}},
    )

    saved = place / "out" / entry["outputs"]["2"]["images"][0]["filename"]
    assert saved.is_file()
    assert b"class_type" not in saved.read_bytes(), "--disable-metadata"
    assert entry["outputs"]["4"]["extra"] == [{"workflow": {"nodes": []}}], "nodes may still read it"
    assert (place / "tmp" / "temp" / entry["outputs"]["3"]["images"][0]["filename"]).is_file()
    assert (place / "users" / "default" / "a.txt").is_file()


async def test_further_folders_of_models_and_packs_are_read(moved_client: Client) -> None:
    assert "extra.safetensors" in await moved_client.get("/models/loras")
    late = (await moved_client.get("/object_info/LatePackNode"))["LatePackNode"]
    assert late["python_module"] == "custom_nodes.late_pack"


async def test_another_web_client_is_served_to_another_origin(moved_client: Client) -> None:
    status, body, headers = await moved_client.ask("GET", "/", headers={"Origin": "http://other.example"})

    assert (status, body) == (200, "<title>another client</title>")
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Access-Control-Allow-Origin"] == "http://other.example"
    assert headers["Access-Control-Allow-Methods"] == "POST, GET, DELETE, PUT, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "Content-Type, Authorization"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert (await moved_client.ask("GET", "/assets/app.js"))[0] == 200
    assert (await moved_client.ask("GET", "/assets"))[0] == 403


async def test_uploads_are_as_long_as_the_flag_says(moved_client: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("image", io.BytesIO(b"x" * (1024 * 1024 + 10)), filename="big.bin")
    status, body, _ = await moved_client.ask("POST", "/upload/image", data=form)

    assert (status, "Maximum request body size 1048576 exceeded" in body) == (413, True)
    assert (await moved_client.get("/features"))["max_upload_size"] == 1048576


async def test_answers_are_compressed_when_wanted(moved_client: Client) -> None:
    url, headers = f"{moved_client.host.url}/history", {"Accept-Encoding": "gzip"}
    async with moved_client.session.get(url, headers=headers, auto_decompress=False) as answer:
        assert answer.headers.get("Content-Encoding") == "gzip"


async def test_the_flags_are_told(moved_client: Client) -> None:
    assert moved_client.host.flags[-1] in (await moved_client.get("/system_stats"))["system"]["argv"]


async def test_packs_can_be_disabled_all_but_some(restricted_client: Client) -> None:
    assert await restricted_client.get("/object_info/ProbeText") != {}
    assert await restricted_client.get("/object_info/SchemaPlain") == {}
    assert "KSampler" in await restricted_client.get("/object_info")


async def test_the_newest_results_are_kept_with_cache_lru(moved_client: Client) -> None:
    client = moved_client
    graphs: list[Graph] = [
        {"1": node("ProbeText", text=uuid.uuid4().hex), "2": node("ProbeShow", value=["1", 0])} for _ in range(4)
    ]
    await client.run(graphs[0])
    await client.run(graphs[1])
    assert cached(await client.run(graphs[0])) == ["1", "2"]
    for graph in graphs[1:]:
        await client.run(graph)
    assert cached(await client.run(graphs[0])) == []
    await check_expansion(client)


async def test_no_results_are_kept_with_cache_none(restricted_client: Client) -> None:
    graph = {"1": node("ProbeText", text="a"), "2": node("ProbeShow", value=["1", 0])}
    for _ in range(2):
        entry = await restricted_client.run(graph)
        assert cached(entry) == []
        assert entry["outputs"]["2"]["text"] == ["'a'"]
    await check_expansion(restricted_client)


async def check_expansion(client: Client) -> None:
    """Expansion and loops work in every mode of the cache."""
    loop = {
        "1": node("ProbeLoopOpen", left=3, value="x"),
        "2": node("ProbeJoin", a=["1", 2], b="+"),
        "3": node("ProbeLoopClose", flow=["1", 0], left=["1", 1], value=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
    }
    assert await client.shown(loop, "4") == ["'x+++'"]


async def test_several_users_have_their_own_files_and_settings(flagged_client: Client) -> None:
    client = flagged_client
    assert await client.get("/users") == {"storage": "server", "users": {}}
    ids = [await client.post("/users", {"username": name}) for name in ("Ann Lee", "Bob")]
    assert ids[0].startswith("Ann-Lee_") and ids[1].startswith("Bob_")
    assert await client.post("/users", {"username": "Bob"}, 400) == {"error": "Duplicate username."}
    assert (await client.get("/users"))["users"] == {ids[0]: "Ann Lee", ids[1]: "Bob"}
    ann, bob = ({"comfy-user": user} for user in ids)
    await client.post("/settings", {"a": 1}, headers=ann)
    assert (await client.get("/settings", headers=ann), await client.get("/settings", headers=bob)) == (
        {"a": 1},
        {},
    )
    await client.ask("POST", "/userdata/x.txt", data="ann", headers=ann)
    assert (await client.ask("GET", "/userdata/x.txt", headers=ann))[1] == "ann"
    assert (await client.ask("GET", "/userdata/x.txt", headers=bob))[0] == 404
    for headers in ({}, {"comfy-user": "nobody"}, {"comfy-user": "../default"}):
        assert (await client.ask("GET", "/settings", headers=headers))[0] == 401
        assert (await client.ask("GET", "/userdata?dir=x", headers=headers))[0] == 500
        assert (await client.ask("GET", "/v2/userdata", headers=headers))[0] == 403


async def test_listening_on_several_addresses(flagged_client: Client) -> None:
    client = flagged_client
    for address in ("127.0.0.1", "127.0.0.2"):
        url = f"http://{address}:{client.host.port}/prompt"
        async with client.session.get(url) as answer:
            assert answer.status == 200


def test_listening_everywhere_needs_a_password_or_a_decision() -> None:
    ended = launch("--listen", "--port", "1")

    assert ended.returncode == 2
    assert "--token" in ended.stderr and "--insecure" in ended.stderr


async def test_a_killed_server_leaves_no_worker_and_serves_at_once_when_started_again(tmp_path: Path) -> None:
    host = Host(base_folder(tmp_path / "base"), "--cache-lru", "0", "--no-warm-up")
    try:
        await asyncio.to_thread(host.wait_until_ready)
        graph = {"1": node("ProbeSleep", seconds=30.0, value=1), "2": node("ProbeShow", value=["1", 0])}
        async with aiohttp.ClientSession() as session, asyncio.timeout(90):
            client = Client(host, session)
            async with client.listen() as listener:
                job = await client.queue(graph, client_id=listener.sid)
                await listener.until("executing", node="1")
                children = psutil.Process(host.process.pid).children(recursive=True)
                host.kill()
            _, alive = await asyncio.to_thread(psutil.wait_procs, children, timeout=5)
            assert children and alive == []
            host.start()
            queue = await first_answer(client, "/queue")
            assert job in [item[1] for item in queue["queue_running"] + queue["queue_pending"]]
            await check_packs_without_waiting(client)
            assert (await client.ask("POST", f"/api/jobs/{job}/cancel"))[0] == 200
    finally:
        host.kill()


async def first_answer(client: Client, path: str) -> Any:
    """What a server says as soon as it listens, on the port that it had before."""
    while True:
        assert client.host.process.poll() is None, client.host.log
        with contextlib.suppress(OSError):
            return await client.get(path)
        await asyncio.sleep(0.01)


async def check_packs_without_waiting(client: Client) -> None:
    """A client that asks at once can use packs: it is answered when they are there."""
    assert (await client.get("/probe/hello/you"))["hello"] == "you"
    assert "/extensions/probe/probe.js" in await client.get("/extensions")
    await client.queue({"1": node("ProbeText", text="a"), "2": node("ProbeShow", value=["1", 0])})
    assert await client.get("/object_info/SchemaPlain") != {}


def cached(entry: dict[str, Any]) -> list[str]:
    """Nodes whose results were known at the start."""
    return sorted(entry["status"]["messages"][1][1]["nodes"])
