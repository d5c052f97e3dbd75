"""Keys and tokens that come along with a job reach its nodes and are written nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

KEY, TOKEN, NESTED, EMBEDDED = "sk-key-77aa", "tok-secret-88bbb", "nested-secret-99", "embedded-secret-66"
SECRETS = [KEY, TOKEN, NESTED, EMBEDDED]
EXTRA: dict[str, Any] = {
    "api_key_comfy_org": KEY,
    "auth_token_comfy_org": TOKEN,
    "service": {"name": "paid", "credentials": {"password": NESTED}},
    "extra_pnginfo": {"api_key_comfy_org": EMBEDDED, "workflow": {"nodes": [], "extra": {"auth_token": EMBEDDED}}},
}


def graph(fails: bool, mark: str) -> dict[str, Any]:
    """A paid node, and a picture that is saved with its metadata."""
    return {
        "1": {"class_type": "Paid", "inputs": {"fails": fails}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
        "3": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": mark}},
    }


def told(victim: Any, job: str) -> bytes:
    """Everything that can be asked about a job."""
    paths = ["/history", f"/history/{job}", "/queue", f"/api/jobs/{job}", "/api/jobs", "/internal/logs"]
    paths += [
        "/internal/logs/raw",
        f"/api/v1/jobs/{job}",
        "/api/v1/jobs",
        f"/api/v1/jobs/{job}/explain",
        "/system_stats",
    ]
    return b"".join(victim.get(path).body for path in paths)


@pytest.mark.parametrize("path", ["/prompt", "/api/v1/jobs"])
@pytest.mark.parametrize("fails", [False, True])
def test_secrets_reach_the_node_and_are_written_nowhere(victim: Any, path: str, fails: bool) -> None:
    mark = f"secret-{path.strip('/').replace('/', '-')}-{fails}"
    body = {"prompt": graph(fails, mark), "extra_data": EXTRA}
    answer = victim.post(path, body)
    job = answer.json.get("prompt_id") or answer.json["id"]
    while_queued = victim.get("/queue").body + victim.get(f"/api/v1/jobs/{job}").body
    entry = victim.history(job)
    everything = answer.body + while_queued + told(victim, job) + victim.log.encode()
    files = [each for each in victim.data_dir.rglob("*") if each.is_file()]
    written = {each.name: each.read_bytes() for each in files}

    if not fails:
        assert entry["outputs"]["2"]["text"] == [str(len(KEY) * 1000 + len(TOKEN))]
        assert any(name.startswith(mark) for name in written)
    else:
        assert entry["status"]["status_str"] == "error"
    for secret in SECRETS:
        assert secret.encode() not in everything
        assert [name for name, data in written.items() if secret.encode() in data] == []


def test_secrets_are_not_among_the_events(victim: Any) -> None:
    job = victim.run(graph(False, "events"), extra_data=EXTRA, client_id="secretive")
    victim.history(job)
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", victim.port, timeout=5)
    connection.request("GET", f"/api/v1/events?since=0&job={job}")
    stream = connection.getresponse()
    seen = b""
    while b"event: succeeded" not in seen:
        seen += stream.read1(65536)
    connection.close()

    assert all(secret.encode() not in seen for secret in SECRETS)


def test_what_is_no_secret_is_kept(victim: Any) -> None:
    extra = {"note": "mine", "extra_pnginfo": {"workflow": {"nodes": [{"max_tokens": 5}]}}}
    job = victim.run(graph(False, "kept"), extra_data=extra)
    shown = victim.history(job)["prompt"][3]

    assert shown["note"] == "mine" and shown["extra_pnginfo"] == extra["extra_pnginfo"]
    assert json.dumps(shown).count("max_tokens") == 1
