"""Websocket clients that do not behave: each is dropped or ignored, and nobody else notices."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

SLOW: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 3}},
    "2": {"class_type": "Slow", "inputs": {"image": ["1", 0], "seconds": 1.0}},
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
}


def open_socket(victim: Any, path: str, receive_buffer: int | None = None, **headers: str) -> socket.socket:
    """A websocket by hand; returns it after the handshake, with nothing read beyond it."""
    connection = socket.socket()
    connection.settimeout(20)
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", victim.port))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    lines |= {"Sec-WebSocket-Key": key} | headers
    connection.sendall(
        f"GET {path} HTTP/1.1\r\n{''.join(f'{k}: {v}{chr(13)}{chr(10)}' for k, v in lines.items())}\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def frame(payload: bytes, code: int = 1, *, length: int | None = None) -> bytes:
    """One masked client frame; `length` lies about its size."""
    size = len(payload) if length is None else length
    head = bytes([0x80 | code])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0xFE]) + struct.pack(">H", size)
    else:
        head += bytes([0xFF]) + struct.pack(">Q", size)
    return head + b"\0\0\0\0" + payload


def is_closed(connection: socket.socket) -> bool:
    """Read to the end; whether there is one."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.fixture
def dial(victim: Any) -> Iterator[Callable[..., socket.socket]]:
    """Open sockets that are closed after the test: `dial("/ws")`."""
    opened: list[socket.socket] = []

    def open_one(path: str, **more: Any) -> socket.socket:
        opened.append(open_socket(victim, path, **more))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def test_a_client_that_never_reads_is_dropped_and_its_job_ends_all_the_same(victim: Any, dial: Any) -> None:
    memory = psutil.Process(victim.process.pid)
    before = memory.memory_info().rss
    deaf = dial("/ws?clientId=deaf", receive_buffer=4096)
    job = victim.run({"1": {"class_type": "Shout", "inputs": {"times": 90, "size": 1_000_000}}}, client_id="deaf")
    status = victim.history(job)["status"]["status_str"]
    end = time.monotonic() + 10
    while "too slow" not in victim.log and time.monotonic() < end:
        time.sleep(0.05)
    grown = memory.memory_info().rss - before
    deaf.settimeout(5)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)

    assert status == "success"
    assert "client deaf is too slow" in victim.log
    assert is_closed(deaf)
    assert grown < 250_000_000


def test_a_listener_of_events_that_never_reads_is_cut_off(victim: Any, dial: Any) -> None:
    memory = psutil.Process(victim.process.pid)
    before = memory.memory_info().rss
    deaf = dial("/api/v1/events", receive_buffer=4096)
    job = victim.run({"1": {"class_type": "Shout", "inputs": {"times": 91, "size": 1_000_000}}})
    status = victim.history(job)["status"]["status_str"]
    deaf.settimeout(5)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)

    assert status == "success"
    assert memory.memory_info().rss - before < 250_000_000
    assert is_closed(deaf)


def test_a_client_that_disconnects_in_the_middle_of_its_job_does_not_end_it(victim: Any, dial: Any) -> None:
    client = dial("/ws?clientId=leaver")
    job = victim.run(SLOW, client_id="leaver")
    while victim.get(f"/api/v1/jobs/{job}").json["job"]["state"] != "running":
        time.sleep(0.02)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # a reset, not a goodbye

    assert victim.history(job)["status"]["status_str"] == "success"


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"x" * 2_000_000),
        frame(b"", length=2**62),
        bytes([0xF1, 0x80, 0, 0, 0, 0]),
        frame(b"x" * 200, code=9),
        frame(b"\xff\xfe"),
        frame(b"?", code=3),
    ],
    ids=["too long", "claims 4 EiB", "reserved bits", "long ping", "no UTF-8", "unknown code"],
)
def test_a_broken_frame_ends_that_socket_only(victim: Any, dial: Any, sent: bytes) -> None:
    good, bad = dial("/ws?clientId=good"), dial("/ws?clientId=bad")
    bad.sendall(sent)
    bad.settimeout(5)
    victim.history(victim.run({"3": {"class_type": "PreviewAny", "inputs": {"source": "seen"}}}, client_id="good"))

    received = b""
    while b"execution_success" not in received:
        received += good.recv(65536)
    assert is_closed(bad)


@pytest.mark.parametrize(
    "said",
    [
        b"[" * 100_000,
        b'{"type": "feature_flags", "data": [1]}',
        b'{"type": ["feature_flags"]}',
        b"5",
        b"null",
        b"\xc3\xa9" * 1000,
        json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": "yes" * 1000}}).encode(),
    ],
)
def test_a_message_that_means_nothing_is_ignored(victim: Any, dial: Any, said: bytes) -> None:
    client = dial("/ws?clientId=odd")
    client.sendall(frame(said))
    victim.history(victim.run({"3": {"class_type": "PreviewAny", "inputs": {"source": "heard"}}}, client_id="odd"))

    received = b""
    while b"execution_success" not in received:
        received += client.recv(65536)


def test_two_hundred_sockets_that_come_and_go_leave_nothing_behind(victim: Any) -> None:
    process = psutil.Process(victim.process.pid)
    handles = process.num_fds()
    for round_ in range(4):
        sockets = [open_socket(victim, f"/ws?clientId=crowd{round_}-{n}") for n in range(50)]
        for each in sockets:
            each.close()
    end = time.monotonic() + 10
    while process.num_fds() > handles + 3 and time.monotonic() < end:
        time.sleep(0.05)

    assert process.num_fds() <= handles + 3
