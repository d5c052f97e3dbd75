"""Who gets in: rebound names, foreign pages, sandboxed pages, wrong tokens; each as a request to a server process."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.conftest import ROOT

PICTURE: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}
CHANGES = [
    ("POST", "/prompt"),
    ("POST", "/api/prompt"),
    ("POST", "/queue"),
    ("POST", "/interrupt"),
    ("POST", "/free"),
    ("POST", "/history"),
    ("POST", "/upload/image"),
    ("POST", "/upload/mask"),
    ("POST", "/settings"),
    ("POST", "/users"),
    ("POST", "/userdata/x.txt"),
    ("DELETE", "/userdata/x.txt"),
    ("POST", "/userdata/x.txt/move/y.txt"),
    ("PATCH", "/internal/logs/subscribe"),
    ("POST", "/api/v1/jobs"),
    ("POST", "/api/v1/documents/convert"),
    ("POST", "/login"),
    ("POST", "/some/route/of/a/pack"),
]
READS = ["/", "/prompt", "/queue", "/history", "/object_info", "/system_stats", "/view?filename=x", "/api/v1/jobs"]
READS += ["/userdata?dir=.", "/settings", "/internal/logs", "/extensions", "/metrics", "/ws", "/api/v1/events"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.9", ""]
)
def test_a_rebound_name_gets_nothing(victim: Any, host: str) -> None:
    for path in READS:
        assert victim.get(path, Host=host).status == 403, path
    for method, path in CHANGES:
        assert victim.request(method, path, b"{}", Host=host).status == 403, path


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1", "http://localhost:1", "junk"])
def test_a_foreign_or_nameless_page_changes_nothing(victim: Any, origin: str) -> None:
    before = victim.get("/api/v1/jobs?limit=1").json["total"]
    for method, path in CHANGES:
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            answer = victim.request(method, path, b'{"prompt": {}}', Origin=origin, Content_Type=kind)
            assert answer.status == 403, (path, kind)
            assert "access-control-allow-origin" not in answer.headers

    assert victim.get("/api/v1/jobs?limit=1").json["total"] == before


def test_a_foreign_page_reads_nothing_and_embeds_nothing(victim: Any) -> None:
    for path in READS:
        assert victim.get(path, Origin="https://evil.example").status == 403, path
        assert victim.get(path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403, path
        assert victim.get(path, Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors").status == 403, path


@pytest.mark.parametrize("path", ["/ws", "/api/v1/events"])
@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
def test_a_foreign_page_opens_no_socket(victim: Any, path: str, origin: str) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    answer = victim.get(path, Origin=origin, Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==", **upgrade)

    assert answer.status == 403


def test_clients_that_are_no_browsers_work_as_ever(victim: Any) -> None:
    assert victim.history(victim.run(PICTURE))["status"]["status_str"] == "success"


def test_a_worker_that_is_asked_by_a_page_refuses(victim: Any) -> None:
    import psutil

    workers = psutil.Process(victim.process.pid).children(recursive=True)
    ports = {c.laddr.port for w in workers for c in w.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    for port in ports:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            head = f"POST /heddle/on_prompt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n"
            connection.sendall(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("flags", [["--host", "0.0.0.0"], ["--listen"], ["--listen", "::"], ["--host", "192.168.7.7"]])
def test_a_server_that_others_could_reach_does_not_start_without_a_password(tmp_path: Any, flags: list[str]) -> None:
    command = [sys.executable, "main.py", "serve", "--data-dir", str(tmp_path / "d"), "--port", "0", *flags]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert ended.returncode == 2
    assert "--token" in ended.stderr and "--insecure" in ended.stderr
    assert not (tmp_path / "d").exists()


def test_an_exposed_server_asks_everyone_for_its_token(attack: Callable[..., Any]) -> None:
    token = "a long token with spaces; and=signs"
    server = attack("--host", "0.0.0.0", "--token", token)
    server.wait("/healthz")
    bearer = f"Bearer {token}"
    page = server.get("/", Accept="text/html")
    sent = "token=a+long+token+with+spaces%3B+and%3Dsigns"
    form = {"Content_Type": "application/x-www-form-urlencoded", "Host": f"127.0.0.1:{server.port}"}
    wrong = server.request("POST", "/login", b"token=guess", **form)
    foreign = server.request("POST", "/login", sent.encode(), Origin="https://evil.example", **form)
    right = server.request("POST", "/login", sent.encode(), Origin=f"http://127.0.0.1:{server.port}", **form)
    cookie = right.headers["set-cookie"].split(";")[0]
    elsewhere = server.get(f"//evil.example/?{sent}", Accept="text/html")

    for path in READS:
        assert server.get(path).status == 401, path
        assert server.get(path, Authorization="Bearer guess").status == 401, path
        assert server.get(path, Cookie="heddle_session=guess").status == 401, path
    for method, path in CHANGES:
        if path != "/login":
            assert server.request(method, path, b"{}").status == 401, path
    assert b"type=password" in page.body and page.status == 401
    assert (wrong.status, foreign.status, right.status) == (401, 403, 303)
    assert "set-cookie" not in wrong.headers and "set-cookie" not in foreign.headers
    assert "HttpOnly" in right.headers["set-cookie"] and "SameSite=Strict" in right.headers["set-cookie"]
    assert server.get("/queue", Authorization=bearer).status == 200
    assert server.get("/queue", Cookie=cookie).status == 200
    assert server.get(f"/queue?{sent}").status == 200
    assert not elsewhere.headers.get("location", "/").startswith("//")
    assert token.encode() not in server.get("/system_stats", Authorization=bearer).body
    assert token not in server.log
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    refused = server.get("/ws", Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==", **upgrade)
    assert refused.status == 401


def test_the_editor_may_load_from_its_own_server_only(victim: Any) -> None:
    policy = victim.get("/").headers["content-security-policy"]

    for rule in ("default-src 'self'", "script-src 'self';", "object-src 'none'", "base-uri 'none'", "frame-ancestors"):
        assert rule in policy
    assert "unsafe-eval" not in policy and "script-src 'self' 'unsafe-inline'" not in policy
