"""The websocket: identity, features, events and their order, pictures (protocol §2)."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import uuid
from typing import Any

import pytest
from PIL import Image

from tests.conformance.client import Client, Graph, node


def kinds(heard: list[Any]) -> list[str]:
    """Types of messages; binary ones as `binary N`."""
    return [item["type"] if isinstance(item, dict) else f"binary {struct.unpack('>I', item[:4])[0]}" for item in heard]


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
    running = {"value": 0, "max": 1, "state": "running", **_identity("1"), "prompt_id": job}
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


async def test_progress_is_told_after_its_state(client: Client) -> None:
    graph = {"1": node("ProbeSleep", seconds=0.8, value=uuid.uuid4().hex), "2": node("ProbeShow", value=["1", 0])}
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    steps = [index for index, item in enumerate(heard) if item["type"] == "progress"]
    assert len(steps) >= 5
    values = [heard[index]["data"] for index in steps]
    assert all(set(data) == {"value", "max", "prompt_id", "node"} for data in values)
    assert [data["value"] for data in values] == sorted(data["value"] for data in values)
    assert (values[-1]["max"], values[-1]["node"], values[-1]["prompt_id"]) == (10, "1", job)
    for index in steps:
        before = heard[index - 1]
        assert before["type"] == "progress_state"
        state = before["data"]["nodes"]["1"]
        assert (state["value"], state["max"], state["state"]) == (heard[index]["data"]["value"], 10, "running")
    last = [item for item in heard if item["type"] == "progress_state"][-1]["data"]["nodes"]
    assert (last["1"]["value"], last["1"]["state"]) == (10, "finished")


@pytest.mark.parametrize(("kind", "code"), [("JPEG", 1), ("PNG", 2)])
async def test_previews_without_negotiation_have_format_1(client: Client, kind: str, code: int) -> None:
    graph = {"1": node("ProbePreview", kind=kind, width=65, height=32), "2": node("ProbeShow", value=["1", 0])}
    await client.post("/free", {"free_memory": True})
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    pictures = [item for item in heard if isinstance(item, bytes)]
    assert pictures
    assert struct.unpack(">II", pictures[0][:8]) == (1, code)
    assert _size(pictures[0][8:], kind) == (512, 252)
    order = kinds(heard)
    first = order.index("binary 1")
    assert order[first - 2 : first] == ["progress_state", "progress"]


async def test_negotiated_previews_have_format_4_with_metadata(client: Client) -> None:
    graph = {"1": node("ProbePreview", kind="JPEG", width=30, height=60), "2": node("ProbeShow", value=["1", 0])}
    await client.post("/free", {"free_memory": True})
    async with client.listen(flags=True) as listener, client.listen() as other:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()
        assert not [item for item in await other.quiet() if isinstance(item, bytes)]

    pictures = [item for item in heard if isinstance(item, bytes)]
    code, length = struct.unpack(">II", pictures[0][:8])
    assert code == 4
    assert json.loads(pictures[0][8 : 8 + length]) == {**_identity("1"), "prompt_id": job, "image_type": "image/jpeg"}
    assert _size(pictures[0][8 + length :], "JPEG") == (256, 512)
    order = kinds(heard)
    first = order.index("binary 4")
    assert (order[first - 1], order[first + 1]) == ("progress_state", "progress")


@pytest.mark.parametrize("negotiated", [False, True])
async def test_every_picture_that_is_delivered_as_a_preview_arrives(client: Client, negotiated: bool) -> None:
    async with client.listen(flags=negotiated) as listener:
        await client.queue({"1": node("ProbeDeliver", count=8)}, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert [_picture(item).getpixel((0, 0)) for item in heard] == list(range(8))
    assert {_picture(item).size for item in heard} == {(600, 3)}


async def test_images_are_sent_over_the_websocket_instead_of_saved(client: Client) -> None:
    images = node("EmptyImage", width=24, height=8, batch_size=3, color=0xFF8000)
    graph = {"1": images, "2": node("SaveImageWebsocket", images=["1", 0])}
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert [_picture(item).getpixel((5, 5)) for item in heard] == [(255, 128, 0)] * 3
    assert (await client.finished(job))["outputs"] == {}


async def test_outputs_that_a_node_does_not_return_are_missed_aloud(client: Client) -> None:
    async with client.listen() as listener:
        await client.queue({"1": node("ProbeReturns", form="short")}, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert heard[0][:9] == b"\0\0\0\3\0\0\0\x011"
    assert heard[0][9:].startswith(b"Returns.run returned 1 of its 2 outputs")


async def test_a_pack_sends_a_picture_as_a_binary_event(client: Client) -> None:
    async with client.listen() as listener:
        await client.queue({"1": node("ProbeSend")}, client_id=listener.sid)
        heard = [item for item in await listener.run() if isinstance(item, bytes)]

    assert [(_picture(item).size, _picture(item).getpixel((0, 0))) for item in heard] == [((600, 3), 7)]


def _picture(message: bytes) -> Image.Image:
    """The picture of a binary message of either kind."""
    code, second = struct.unpack(">II", message[:8])
    assert code in (1, 4)
    return Image.open(io.BytesIO(message[8:] if code == 1 else message[8 + second :]))


async def test_schema_progress_has_no_legacy_message(client: Client) -> None:
    await client.post("/free", {"free_memory": True})
    async with client.listen(flags=True) as listener:
        await client.queue({"1": node("SchemaProgress")}, client_id=listener.sid)
        heard = await listener.run()

    order = kinds(heard)
    assert "progress" not in order and "binary 1" not in order
    assert "binary 4" in order
    states = [
        item["data"]["nodes"]["1"] for item in heard if isinstance(item, dict) and item["type"] == "progress_state"
    ]
    assert (1, 4) in [(state["value"], state["max"]) for state in states]


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


def _identity(name: str) -> dict[str, Any]:
    return {"node_id": name, "display_node_id": name, "parent_node_id": None, "real_node_id": name}


def _size(picture: bytes, kind: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == kind
        return image.size
