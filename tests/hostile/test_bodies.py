"""Bodies that are too large, too deep or no JSON: a clear refusal each time, and others are answered meanwhile."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest

PICTURE: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}
JSON_ROUTES = ["/prompt", "/api/v1/jobs", "/queue", "/history", "/free", "/settings", "/api/v1/documents/export"]


def slowest_answer_during(victim: Any, work: Any) -> tuple[Any, float]:
    """Run `work` in a thread; returns its result and the longest that `/queue` took meanwhile, in seconds."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    slowest = 0.0
    while thread.is_alive():
        start = time.monotonic()
        assert victim.get("/queue").status == 200
        slowest = max(slowest, time.monotonic() - start)
    thread.join()
    return found[0], slowest


@pytest.mark.parametrize("path", ["/prompt", "/api/v1/jobs", "/api/v1/documents/convert"])
def test_json_of_100_megabytes_is_refused_with_its_limit_while_others_are_answered(victim: Any, path: str) -> None:
    body = b'{"prompt": {"1": {"class_type": "X", "inputs": {"a": "' + b"x" * 100_000_000 + b'"}}}}'
    answer, slowest = slowest_answer_during(victim, lambda: victim.post(path, body))

    assert answer.status == 413
    assert b"50331648" in answer.body
    assert slowest < 1.0


def test_a_body_without_a_length_is_refused_where_it_passes_the_limit(victim: Any) -> None:
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as connection:
        head = "POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        chunk = b"x" * 1_000_000
        for _ in range(60):
            try:
                connection.sendall(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
            except OSError:
                break
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"1,", b'{"a":1},'])
def test_many_small_values_do_not_fill_the_memory(victim: Any, piece: bytes) -> None:
    import psutil

    before = psutil.Process(victim.process.pid).memory_info().rss
    body = b'{"prompt": [' + piece * (40_000_000 // len(piece)) + b"0]}"
    answer, slowest = slowest_answer_during(victim, lambda: victim.post("/prompt", body))
    after = psutil.Process(victim.process.pid).memory_info().rss

    assert answer.status == 413 and b"6,000,000 values" in answer.body
    assert slowest < 1.0
    assert after - before < 300_000_000


def test_a_large_body_that_is_accepted_does_not_hold_up_others(victim: Any) -> None:
    nodes = {str(n): {"class_type": "EmptyImage", "inputs": {"width": 8, "text": "x" * 400}} for n in range(70_000)}
    body = json.dumps({"prompt": nodes}).encode()
    assert len(body) > 30_000_000
    answer, slowest = slowest_answer_during(victim, lambda: victim.post("/prompt", body))

    assert answer.status == 400 and answer.json["error"]["type"] == "prompt_no_outputs"
    assert slowest < 1.5


@pytest.mark.parametrize("path", [*JSON_ROUTES, "/api/v1/documents/convert"])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_10000_levels_are_refused(victim: Any, path: str, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    answer = victim.post(path, (opening * 10_000 + "1" + closing * 10_000).encode())

    assert answer.status in (400, 422)
    assert b"too_deep" in answer.body or b"nested" in answer.body


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"{'a': 1}", "line 1"),
        (b"", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_the_reason(victim: Any, path: str, body: bytes, said: str) -> None:
    answer = victim.post(path, body)

    assert answer.status == 400
    assert said in answer.body.decode()


@pytest.mark.parametrize(
    "graph",
    [
        {"": PICTURE["1"], "2": PICTURE["2"]},
        {"1": PICTURE["1"], "2": {"class_type": "PreviewImage", "inputs": {"images": [1, 0]}}},
        {"1": PICTURE["1"], "2": {"class_type": "PreviewImage", "inputs": {"images": [["1"], 0]}}},
        {"1": PICTURE["1"], "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 10**400]}}},
        {"1": PICTURE["1"], "2": {"class_type": ["PreviewImage"], "inputs": {}}},
        {"1": {"class_type": "EmptyImage", "inputs": {"width": 10**4000, "height": 8}}, "2": PICTURE["2"]},
        {"1": {"class_type": "EmptyImage", "inputs": {"width": {"a": []}, "height": 8}}, "2": PICTURE["2"]},
        [PICTURE],
        5,
        None,
    ],
)
@pytest.mark.parametrize("path", ["/prompt", "/api/v1/jobs"])
def test_ids_links_and_values_of_other_kinds_are_errors_of_the_prompt(victim: Any, path: str, graph: Any) -> None:
    answer = victim.post(path, {"prompt": graph})

    assert answer.status in (400, 422), answer.body
    assert answer.json


@pytest.mark.parametrize(
    "more",
    [
        {"prompt_id": ["a"]},
        {"prompt_id": {"a": 1}},
        {"prompt_id": ""},
        {"prompt_id": "x" * 10_000},
        {"prompt_id": "a\u0000b"},
        {"client_id": {"a": 1}},
        {"number": "nan"},
        {"number": []},
        {"extra_data": [1]},
        {"partial_execution_targets": "2"},
        {"partial_execution_targets": [["2"]]},
    ],
)
def test_fields_of_other_kinds_are_refused_or_taken_without_a_failure(victim: Any, more: dict[str, Any]) -> None:
    answer = victim.post("/prompt", {"prompt": PICTURE, **more})

    assert answer.status in (200, 400), answer.body


@pytest.mark.parametrize("cut", [0, 10, 100])
def test_a_client_that_leaves_in_the_middle_of_its_body_changes_nothing(victim: Any, cut: int) -> None:
    before = victim.get("/api/v1/jobs?limit=1").json["total"]
    body = json.dumps({"prompt": PICTURE}).encode()
    with socket.create_connection(("127.0.0.1", victim.port), timeout=10) as connection:
        connection.sendall(f"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        connection.sendall(body[:cut])
    time.sleep(0.2)

    assert victim.get("/api/v1/jobs?limit=1").json["total"] == before


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_one_line_of_the_log(victim: Any, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", victim.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.settimeout(5)
        try:
            answer = connection.recv(4096)
        except OSError:
            answer = b""

    assert not answer or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 505"))
