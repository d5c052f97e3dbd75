"""The websocket: identity, features, events and their order (protocol §2)."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client, Graph, identity, kinds, node


def two(**inputs: Any) -> Graph:
    """A text and an output that shows it; never cached."""
    return {"1": node("ProbeText", text=uuid.uuid4().hex), "2": node("ProbeShow", value=["1", 0])}


@pytest.mark.parametrize("path", ["/ws", "/api/ws", "/ws?clientId="])
async def test_a_client_without_an_id_is_given_one(client: Client, path: str) -> None:
    async with client.session.ws_connect(client.host.url + path) as ws:
        first = await ws.receive_json()

    assert first["type"] == "status"
    assert first["data"]["status"] == {"exec_info": {"queue_remaining": 0}}
    assert len(first["data"]["sid"]) == 32


async def test_a_plain_request_is_400(client: Client) -> None:
    assert (await client.ask("GET", "/ws"))[0] == 400


async def test_features_are_negotiated_by_the_first_json_message(client: Client) -> None:
    async with client.listen() as listener:
        await listener.socket.send_str("{no json")
        await listener.socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})

        flags = await listener.until("feature_flags")

    assert flags == {"supports_preview_metadata": True, "max_upload_size": 104857600}
    assert await client.get("/features") == flags


async def test_a_later_offer_of_features_is_ignored(client: Client) -> None:
    async with client.listen() as listener:
        await listener.socket.send_json({"type": "hello"})
        await listener.socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})

        assert await listener.quiet() == []


async def test_a_run_is_told_in_the_established_order(client: Client) -> None:
    async with client.listen() as listener:
        job = await client.queue(two(), client_id=listener.sid)
        heard = await listener.run()

    assert kinds(heard) == [
        "status",
        "status",
        "execution_start",
        "execution_cached",
        "progress_state",
        "executing",
        "progress_state",
        "progress_state",
        "executing",
        "executed",
        "progress_state",
        "execution_success",
        "status",
        "executing",
    ]
    data = [item["data"] for item in heard]
    assert data[0] == {"status": {"exec_info": {"queue_remaining": 1}}}
    assert (data[2]["prompt_id"], type(data[2]["timestamp"])) == (job, int)
    assert (data[3]["nodes"], data[3]["prompt_id"], type(data[3]["timestamp"])) == ([], job, int)
    running = {"value": 0, "max": 1, "state": "running", **identity("1"), "prompt_id": job}
    assert data[4] == {"prompt_id": job, "nodes": {"1": running}}
    assert data[5] == {"node": "1", "display_node": "1", "prompt_id": job}
    assert data[6] == {"prompt_id": job, "nodes": {"1": {**running, "value": 1, "state": "finished"}}}
    assert data[9]["node"] == data[9]["display_node"] == "2"
    assert set(data[9]) == {"node", "display_node", "output", "prompt_id"} and set(data[9]["output"]) == {"text"}
    assert set(data[11]) == {"prompt_id", "timestamp"}
    assert data[12] == {"status": {"exec_info": {"queue_remaining": 0}}}
    assert data[13] == {"node": None, "prompt_id": job}


async def test_history_is_there_before_the_last_status(client: Client) -> None:
    async with client.listen() as listener:
        job = await client.queue(two(), client_id=listener.sid)
        await listener.until("execution_success")
        assert await client.get(f"/history/{job}") != {}


async def test_history_repeats_what_was_sent(client: Client) -> None:
    async with client.listen() as listener:
        job = await client.queue(two(), client_id=listener.sid)
        heard = await listener.run()

    entry = await client.finished(job)
    told = [[item["type"], item["data"]] for item in heard if item["type"].startswith("execution_")]
    assert entry["status"]["messages"] == told


async def test_cached_outputs_are_shown_again_without_executing(client: Client) -> None:
    graph = two()
    graph["3"] = node("ProbeTakesB", value=["4", 1])
    graph["4"] = node("ProbeOld", seed=uuid.uuid4().int % 2**32)
    await client.run(graph)
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    assert kinds(heard) == [
        "status",
        "status",
        "execution_start",
        "execution_cached",
        "executed",
        "progress_state",
        "executed",
        "progress_state",
        "execution_success",
        "status",
        "executing",
    ]
    assert sorted(heard[3]["data"]["nodes"]) == ["1", "2", "3", "4"]
    outputs = {item["data"]["node"]: item["data"]["output"] for item in heard if item["type"] == "executed"}
    assert outputs["2"] == {"text": [repr(graph["1"]["inputs"]["text"])]}


async def test_identical_nodes_share_one_result(client: Client) -> None:
    text = uuid.uuid4().hex
    graph = {
        "1": node("ProbeText", text=text),
        "2": node("ProbeText", text=text),
        "3": node("ProbeJoin", a=["1", 0], b=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
        "5": node("ProbeCalls", after=["4", 0]),
    }
    await client.run({"5": node("ProbeCalls")})
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    entry = await client.finished(job)
    assert entry["outputs"]["5"]["calls"] == [["Text", text]]
    executed = {item["data"]["node"]: item["data"]["output"] for item in heard if item["type"] == "executed"}
    twin = ({"1", "2"} & set(executed)).pop()
    assert executed[twin] is None
    assert twin not in [item["data"]["node"] for item in heard if item["type"] == "executing"]


async def test_errors_are_told_in_full(client: Client) -> None:
    graph = {
        "1": node("ProbeText", text=uuid.uuid4().hex),
        "2": node("ProbeFail", message="bad luck", value=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
    }
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    assert kinds(heard)[-3:] == ["execution_error", "status", "executing"]
    assert "execution_success" not in kinds(heard)
    data = next(item["data"] for item in heard if item["type"] == "execution_error")
    assert set(data) == {
        "prompt_id",
        "node_id",
        "node_type",
        "executed",
        "exception_message",
        "exception_type",
        "traceback",
        "current_inputs",
        "current_outputs",
        "timestamp",
    }
    assert (data["prompt_id"], data["node_id"], data["node_type"]) == (job, "2", "ProbeFail")
    assert data["executed"] == ["1"]
    assert data["exception_message"].startswith("bad luck\n")
    assert data["exception_type"] == "ValueError"
    assert "raise ValueError(message)" in "".join(data["traceback"])
    assert data["current_inputs"] == {"message": ["bad luck"], "value": [graph["1"]["inputs"]["text"]]}
    assert data["current_outputs"] == []


async def test_an_exception_of_a_pack_is_told_with_its_module(client: Client) -> None:
    data = await client.failure({"1": node("ProbeFailOwn")})

    assert data["exception_type"].endswith(".OwnError") and "." in data["exception_type"]


async def test_an_interruption_is_told(client: Client) -> None:
    graph = {
        "1": node("ProbeText", text=uuid.uuid4().hex),
        "2": node("ProbeSleep", seconds=9.0, value=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
    }
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        await listener.until("executing", node="2")
        await client.ask("POST", "/interrupt")
        heard = await listener.run()

    assert kinds(heard)[-3:] == ["execution_interrupted", "status", "executing"]
    data = next(item["data"] for item in heard if item["type"] == "execution_interrupted")
    assert data == {
        "prompt_id": job,
        "node_id": "2",
        "node_type": "ProbeSleep",
        "executed": ["1"],
        "timestamp": data["timestamp"],
    }


async def test_others_hear_only_the_length_of_the_queue(client: Client) -> None:
    async with client.listen() as owner, client.listen() as other:
        await client.queue(two(), client_id=owner.sid)
        await owner.run()

        assert await other.quiet() == []
        assert {item["type"] for item in other.heard} == {"status"}


async def test_a_run_of_nobody_tells_no_node_events(client: Client) -> None:
    async with client.listen() as listener:
        await client.run(two())

        heard = await listener.quiet()

    assert {item["type"] for item in heard} <= {"progress_state", "progress"}


async def test_a_client_that_comes_back_goes_on_listening(client: Client) -> None:
    graph = {
        "1": node("ProbeWait", seconds=1.5, value=uuid.uuid4().hex),
        "2": node("ProbeShow", value=["1", 0]),
    }
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        await listener.until("executing", node="1")
        sid = listener.sid
    async with client.listen(sid) as again:
        second = await again.next()
        assert second == {"type": "executing", "data": {"node": "1"}}
        assert kinds(await again.run())[-3:] == ["execution_success", "status", "executing"]


async def test_an_old_socket_that_closes_later_takes_nothing_with_it(client: Client) -> None:
    async with client.listen() as old:
        async with client.listen(old.sid) as new:
            await old.socket.close()
            await asyncio.sleep(0.1)
            await client.queue(two(), client_id=new.sid)

            assert kinds(await new.run())[-3:] == ["execution_success", "status", "executing"]


async def test_packs_send_events_to_one_or_all(client: Client) -> None:
    async with client.listen() as one, client.listen() as two_:
        await client.post("/probe/send", {"type": "probe.event", "data": {"n": 1}, "sid": one.sid})
        await client.post("/api/probe/send", {"type": "probe.event", "data": {"n": 2}})

        assert (await one.until("probe.event"))["n"] == 1
        assert (await one.until("probe.event"))["n"] == 2
        assert (await two_.until("probe.event"))["n"] == 2


async def test_log_lines_reach_subscribers(client: Client) -> None:
    async with client.listen() as listener, client.listen() as other:
        status, _, _ = await client.ask(
            "PATCH", "/internal/logs/subscribe", json={"clientId": listener.sid, "enabled": True}
        )
        assert status == 200
        await client.run(two())

        data = await listener.until("logs")
        assert set(data) == {"entries", "size"} and set(data["entries"][0]) == {"t", "m"}
        assert not [item for item in await other.quiet() if item["type"] == "logs"]


async def test_what_clients_say_besides_is_ignored(client: Client) -> None:
    async with client.listen(flags=True) as listener:
        await listener.socket.send_str("nonsense")
        await listener.socket.send_bytes(b"\x00\x01")
        await listener.socket.send_json([1, 2])
        await client.queue(two(), client_id=listener.sid)

        assert kinds(await listener.run())[-1] == "executing"
