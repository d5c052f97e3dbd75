"""Our own API does what its description says, whatever is sent: schemathesis against a server process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIG = Path(__file__).parent / "schemathesis.toml"


@pytest.mark.parametrize("examples", ["3", pytest.param("12", marks=pytest.mark.nightly)])
def test_the_server_keeps_to_its_description_under_generated_requests(
    attack: Callable[..., Any], tmp_path: Path, examples: str
) -> None:
    server = attack("--no-warm-up")
    server.wait()
    paths = server.get("/api/v1/openapi.json").json["paths"]
    count = sum(len(methods) for methods in paths.values())
    script = "from schemathesis.cli import schemathesis; schemathesis()"
    command = [sys.executable, "-c", script, "--config-file", str(CONFIG), "run", f"{server.url}/api/v1/openapi.json"]
    result = subprocess.run(
        [*command, "--max-examples", examples, "--max-response-time", "5"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{count} selected / {count} total" in result.stdout, result.stdout
    assert "Traceback" not in server.log, server.log[-4000:]


def test_the_description_is_a_valid_openapi_document_of_version_3_1(victim: Any) -> None:
    described = victim.get("/api/v1/openapi.json").json

    assert described["openapi"].startswith("3.1")
    assert {"/api/v1/jobs", "/api/v1/events", "/api/v1/documents/convert", "/api/v1/catalogue"} <= set(
        described["paths"]
    )


def test_a_path_or_method_that_does_not_exist_is_refused_in_the_shape_of_the_api(victim: Any) -> None:
    unknown, wrong = victim.get("/api/v1/none"), victim.request("DELETE", "/api/v1/catalogue")

    assert (unknown.status, unknown.json["problems"][0]["code"]) == (404, "no_such_path")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")
