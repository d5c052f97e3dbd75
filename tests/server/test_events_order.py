"""The messages of a run, in the order that established clients rely on."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from server.pools.protocol import RunEvent


def kinds(messages: list[Any]) -> list[Any]:
    return [m["type"] if isinstance(m, dict) else struct.unpack(">I", m[:4])[0] for m in messages]


async def test_a_run_is_told_in_the_established_order(bench, listen, waiting) -> None:
    me = await listen("me")
    job = (await bench.prompt(waiting(0.01, 1), client_id="me"))["prompt_id"]
    messages = await me.until_idle(job)

    assert kinds(messages) == [
        "status", "status", "execution_start", "execution_cached",
        "progress_state", "executing", "progress_state", "progress", 1, "progress_state",
        "progress_state", "executing", "executed", "progress_state",
        "execution_success", "status", "executing",
    ]  # fmt: skip
    remaining = [m["data"]["status"]["exec_info"]["queue_remaining"] for m in messages if kinds([m]) == ["status"]]
    assert remaining == [1, 1, 0]


async def test_a_client_that_negotiated_gets_previews_with_metadata_before_the_progress(bench, listen, waiting) -> None:
    me = await listen("me", metadata=True)
    job = (await bench.prompt(waiting(0.01, 1), client_id="me"))["prompt_id"]
    messages = await me.until_idle(job)

    order = kinds(messages)
    assert order[order.index(4) - 1 : order.index(4) + 2] == ["progress_state", 4, "progress"]
    assert 1 not in order
    preview = next(m for m in messages if isinstance(m, bytes))
    length = struct.unpack(">I", preview[4:8])[0]
    assert b'"node_id":"1"' in preview[8 : 8 + length]
    assert preview[8 + length :].startswith(b"\xff\xd8")


async def test_history_is_complete_when_success_is_announced(bench, listen, picture) -> None:
    me = await listen("me")
    job = (await bench.prompt(picture, client_id="me"))["prompt_id"]
    while (message := await me.next())["type"] != "execution_success":
        pass
    entry = (await bench.json(f"/history/{job}"))[job]

    assert entry["status"]["status_str"] == "success" and entry["status"]["completed"] is True
    assert [kind for kind, _ in entry["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    assert entry["status"]["messages"][-1][1] == message["data"]
    assert entry["outputs"] == {"2": {"images": [{"filename": "fake_2.png", "subfolder": "", "type": "output"}]}}
    assert entry["meta"]["2"]["display_node"] == "2"
    assert entry["prompt"][1] == job and entry["prompt"][4] == ["2"]


async def test_a_failure_is_told_with_its_inputs_and_ends_the_run(bench, listen) -> None:
    me = await listen("me")
    graph = {
        "1": {"class_type": "FakeFail", "inputs": {"text": "no luck"}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }
    job = (await bench.prompt(graph, client_id="me"))["prompt_id"]
    messages = await me.until_idle(job)

    assert kinds(messages)[-3:] == ["execution_error", "status", "executing"]
    error = messages[-3]["data"]
    assert error["exception_message"].startswith("no luck\n") and error["exception_type"] == "ValueError"
    assert error["node_id"] == "1" and error["current_inputs"] == {"text": ["no luck"]}
    assert (await bench.finished(job))["status"] == {
        "status_str": "error", "completed": False, "messages": (await bench.finished(job))["status"]["messages"]
    }  # fmt: skip


async def test_another_client_hears_only_the_status(bench, listen, picture) -> None:
    me, other = await listen("me"), await listen("other")
    job = (await bench.prompt(picture, client_id="me"))["prompt_id"]
    await me.until_idle(job)
    heard = []
    while True:
        try:
            heard.append(await other.next(within=0.3))
        except TimeoutError:
            break

    assert set(kinds(heard)) == {"status"}
    assert heard[-1]["data"]["status"]["exec_info"]["queue_remaining"] == 0


async def test_an_anonymous_run_tells_everybody_its_progress_but_nothing_else(bench, listen, waiting) -> None:
    other = await listen("other")
    job = (await bench.prompt(waiting(0.01, 2)))["prompt_id"]
    await bench.finished(job)
    await asyncio.sleep(0.1)
    heard = []
    while True:
        try:
            heard.append(await other.next(within=0.2))
        except TimeoutError:
            break

    assert set(kinds(heard)) == {"status", "progress_state", "progress", 1}


async def test_a_client_that_returns_in_mid_run_learns_the_node_and_hears_the_rest(bench, listen, waiting) -> None:
    me = await listen("me")
    job = (await bench.prompt(waiting(0.6, 6), client_id="me"))["prompt_id"]
    while (await me.next())["type"] != "executing":
        pass
    again = await listen("me")
    second = await again.next()

    assert second == {"type": "executing", "data": {"node": "1"}}
    await me.socket.close()
    messages = await again.until_idle(job)
    assert "execution_success" in kinds(messages)


async def test_a_prompt_of_a_thousand_nodes_sends_less_than_a_megabyte(bench, listen) -> None:
    me = await listen("me")
    graph = {str(i): {"class_type": "FakeSource", "inputs": {"value": i}} for i in range(1000)}
    graph |= {f"s{i}": {"class_type": "FakeImage", "inputs": {"image": [str(i), 0]}} for i in range(0, 1000)}
    job = (await bench.prompt(graph, client_id="me"))["prompt_id"]
    messages = await me.until_idle(job)
    states = [m for m in messages if isinstance(m, dict) and m["type"] == "progress_state"]

    assert sum(len(str(m)) for m in states) < 1_100_000
    assert len(states[-1]["data"]["nodes"]) == 2000
    assert {node["state"] for node in states[-1]["data"]["nodes"].values()} == {"finished"}


async def test_a_pack_that_speaks_outside_of_any_job_is_heard_by_whom_it_chose(bench, listen) -> None:
    me, other = await listen("me"), await listen("other")

    async def send(kind: str | int, data: Any, sid: str | None, blob: bytes = b"") -> None:
        event = {"kind": "custom", "type": kind, "data": data, "sid": sid}
        await bench.server.dispatcher.take(RunEvent("worker-1", "", 0, 1, event, blob))

    await send("acme.mine", {"a": 1}, "me")
    await send(1000, None, "me", b"raw")
    await send("acme.all", ["last"], None)
    mine, others = await me.until("acme.all"), await other.until("acme.all")

    assert mine[-3:] == [
        {"type": "acme.mine", "data": {"a": 1}},
        struct.pack(">I", 1000) + b"raw",
        {"type": "acme.all", "data": ["last"]},
    ]
    assert "acme.mine" not in kinds(others) and 1000 not in kinds(others)
