"""The hub and its sockets, without a network."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from server.hub.hub import Hub
from server.hub.messages import Message, preview, preview_with_metadata, text, text_on_node
from server.hub.socket import Socket
from server.translation import Translation


class Wire:
    """Takes frames in place of a network."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.closed = False

    async def send_frame(self, payload: bytes, kind: Any) -> None:
        await self.open.wait()
        self.sent.append(payload)

    async def close(self, **_: Any) -> None:
        self.closed = True


async def writing(socket: Socket) -> None:
    task = asyncio.create_task(socket.write())
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    await task


async def test_progress_that_waits_is_replaced_by_newer_progress() -> None:
    wire = Wire()
    socket = Socket(wire, "me")
    for number in range(10):
        socket.put(text("progress", {"value": number}, key="p"))
    socket.put(text("other", {}))
    socket.put(text("progress", {"value": 11}, key="p"))
    await writing(socket)

    assert wire.sent == [
        b'{"type":"progress","data":{"value":9}}',
        b'{"type":"other","data":{}}',
        b'{"type":"progress","data":{"value":11}}',
    ]


async def test_a_socket_gets_one_kind_of_preview() -> None:
    plain, rich = Wire(), Wire()
    sockets = Socket(plain, "a"), Socket(rich, "b")
    sockets[1].wants_metadata = True
    for socket in sockets:
        socket.put(preview_with_metadata({"node_id": "1"}, "PNG", b"pic"))
        socket.put(preview("PNG", b"pic"))
        await writing(socket)

    assert plain.sent == [b"\0\0\0\1\0\0\0\2pic"]
    assert rich.sent[0].endswith(b'{"node_id":"1","image_type":"image/png"}pic')


async def test_a_socket_that_accepts_nothing_is_dropped_when_its_queue_is_full(caplog) -> None:
    wire = Wire()
    wire.open.clear()
    socket = Socket(wire, "slow")
    task = asyncio.create_task(socket.write())
    for number in range(5000):
        socket.put(Message(b"%d" % number))
    wire.open.set()
    await asyncio.wait_for(task, 2)

    assert wire.closed and "slow is too slow" in caplog.text


async def test_an_old_socket_that_closes_late_does_not_unregister_the_new_one() -> None:
    hub = Hub()
    old, new = Socket(Wire(), "me"), Socket(Wire(), "me")
    hub.add(old)
    hub.add(new)
    hub.remove(old)

    assert hub.listens("me")
    hub.remove(new)
    assert not hub.listens("me") and hub.count == 0


async def test_two_hundred_idle_clients_are_told_of_many_changes_only_now_and_then() -> None:
    hub = Hub()
    wires = [Wire() for _ in range(200)]
    sockets = [Socket(wire, str(index)) for index, wire in enumerate(wires)]
    for socket in sockets:
        hub.add(socket)
    for remaining in range(50, 0, -1):
        hub.say_status(remaining, "0")
    await asyncio.sleep(0.1)
    for socket in sockets[:2]:
        await writing(socket)
    hub.close()

    assert len(wires[0].sent) == 50
    assert wires[1].sent == [b'{"type":"status","data":{"status":{"exec_info":{"queue_remaining":1}}}}']


def test_text_on_a_node_has_its_length_before_it() -> None:
    assert text_on_node("12:3", "hé").payload == b"\0\0\0\3\0\0\0\x0412:3h\xc3\xa9"


class Ear:
    """Remembers messages."""

    def __init__(self) -> None:
        self.heard: list[tuple[str | None, Any]] = []

    def listens(self, client_id: str | None) -> bool:
        return True

    def send(self, client_id: str | None, message: Message) -> None:
        self.heard.append((client_id, message))


def follow(*events: dict[str, Any], client_id: str | None = "me") -> tuple[Translation, Ear]:
    ear = Ear()
    translation = Translation("job", client_id, ear, soon=lambda function: function())
    for event in events:
        translation.follow(event, event.pop("blob", b""))
    return translation, ear


PLACE = {"node": "1.0.2", "display": "1", "parent": "1", "real": "1"}


def test_an_expanded_node_is_told_under_its_own_its_display_and_its_real_id() -> None:
    _, ear = follow({"kind": "node_started", **PLACE}, {"kind": "node_shown", **PLACE, "ui": {"text": ["x"]}})
    payloads = [message.payload.decode() for _, message in ear.heard]

    assert '"display_node_id":"1","parent_node_id":"1","real_node_id":"1"' in payloads[0]
    assert payloads[1] == '{"type":"executing","data":{"node":"1.0.2","display_node":"1","prompt_id":"job"}}'
    assert payloads[2].startswith(
        '{"type":"executed","data":{"node":"1.0.2","display_node":"1","output":{"text":["x"]}'
    )


async def test_a_socket_that_falls_behind_gets_every_progress_after_its_own_state() -> None:
    wire, ear, later = Wire(), Ear(), list[Any]()
    socket = Socket(wire, "me")
    ear.send = lambda _, message: socket.put(message)
    translation = Translation("job", "me", ear, soon=later.append)
    for value in (3, 4):
        translation.follow({"kind": "node_progress", **PLACE, "value": value, "max": 10}, b"")
        if value == 3:
            later.pop()()
    await writing(socket)
    later.pop()()
    await writing(socket)

    told = [json.loads(payload) for payload in wire.sent]
    assert [item["type"] for item in told] == ["progress_state", "progress"] * 2
    assert [item["data"]["value"] for item in told[1::2]] == [3, 4]
    assert [item["data"]["nodes"][PLACE["node"]]["value"] for item in told[::2]] == [3, 4]


def test_a_blocked_node_is_told_like_an_error_but_ends_nothing() -> None:
    translation, ear = follow(
        {"kind": "node_blocked", "node": "3", "node_type": "T", "executed": ["1"], "message": "no"},
        {"kind": "run_succeeded"},
    )
    kind, _ = translation.end("succeeded", None)

    assert b'"exception_type":"ExecutionBlocked"' in ear.heard[0][1].payload
    assert b'"exception_message":"Execution Blocked: no"' in ear.heard[0][1].payload
    assert b"timestamp" not in ear.heard[0][1].payload
    assert kind == "execution_success"


@pytest.mark.parametrize(("sid", "to"), [(None, None), ("other", "other")])
def test_messages_of_packs_go_where_the_pack_chose(sid: str | None, to: str | None) -> None:
    _, ear = follow(
        {"kind": "custom", "type": "acme.hello", "data": {"a": 1}, "sid": sid},
        {"kind": "custom", "type": 3, "data": None, "sid": sid, "blob": b"raw"},
    )

    assert [client for client, _ in ear.heard] == [to, to]
    assert ear.heard[0][1].payload == b'{"type":"acme.hello","data":{"a":1}}'
    assert (ear.heard[1][1].payload, ear.heard[1][1].is_text) == (b"\0\0\0\3raw", False)


def test_a_worker_that_says_nothing_of_the_end_still_gives_a_complete_error() -> None:
    translation, _ = follow({"kind": "run_started"}, {"kind": "node_started", **PLACE})
    kind, data = translation.end("failed", None)

    assert kind == "execution_error"
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
    assert data["exception_message"].endswith("\n")


def test_a_state_of_many_long_ids_is_never_larger_than_a_client_can_take() -> None:
    ids = ["1." * 500 + str(index) for index in range(5000)]
    begun = [{"kind": "node_started", "node": id, "display": id, "parent": None, "real": "1"} for id in ids]
    translation, ear = follow(*begun, {"kind": "run_succeeded"})
    translation.announce(*translation.end("succeeded", None))

    states = [message.payload for _, message in ear.heard if b'"progress_state"' in message.payload]
    assert max(map(len, states)) < 10_000_000
    assert ids[-1].encode() in states[-1] and ids[0].encode() not in states[-1]


def test_cached_outputs_of_a_large_run_share_one_state() -> None:
    ids = [str(number) for number in range(500)]
    places = [{"node": id, "display": id, "parent": None, "real": id} for id in ids]
    reused = [{"kind": "node_finished", **place, "cached": True, "seconds": 0.0} for place in places]
    translation, ear = follow(*reused, {"kind": "run_succeeded"})
    translation.announce(*translation.end("succeeded", None))

    states = [message.payload for _, message in ear.heard if b'"progress_state"' in message.payload]
    assert len(states) < 40
    assert list(json.loads(states[-1])["data"]["nodes"]) == ids


async def test_small_messages_that_wait_together_arrive_whole_and_in_order() -> None:
    messages = [Message(b"x" * size, is_text) for size in (0, 1, 125, 126, 2000, 30000) for is_text in (True, False)]

    async def serve(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        socket = Socket(response, "me", request.transport)
        for message in messages[:10]:
            socket.put(message)
        writer = asyncio.create_task(socket.write())
        await asyncio.sleep(0.05)
        for message in messages[10:]:  # 60,000 bytes more
            socket.put(message)
        await response.receive()
        writer.cancel()
        return response

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestClient(TestServer(app)) as client, client.ws_connect("/") as socket:
        received = [await socket.receive(timeout=5) for _ in messages]

    assert [(m.type is WSMsgType.TEXT, len(m.data)) for m in received] == [
        (m.is_text, len(m.payload)) for m in messages
    ]
