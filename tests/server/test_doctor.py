"""`main.py doctor` finds what would keep `serve` from working, says what to do, and changes nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import doctor, doctor_command
from server.settings import PROJECT, Settings


@pytest.fixture
def _without_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes seconds."""
    monkeypatch.setattr(doctor, "CHECKS", tuple(check for check in doctor.CHECKS if check is not doctor.devices))


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def levels(findings: Iterator[doctor.Finding]) -> list[str]:
    return [finding.level for finding in findings]


@pytest.mark.usefixtures("_without_devices")
def test_a_fresh_installation_is_well_and_stays_as_it_is(tmp_path: Path, port: int, capsys) -> None:
    status = doctor_command.main(["--data-dir", str(tmp_path / "data"), "--port", str(port)])
    said = capsys.readouterr().out

    assert status == 0 and "FAILURE" not in said
    assert "libraries are there" in said and "(will be made)" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("_without_devices")
def test_faults_are_told_to_programs_as_json_with_what_to_do(data_dir: Path, port: int, capsys) -> None:
    (data_dir / "heddle.sqlite3").write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    status = doctor_command.main(["--json", "--data-dir", str(data_dir), "--port", str(port)])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wrong = [finding for finding in found if finding["level"] == "failure"]

    assert status == 1
    assert [finding["check"] for finding in wrong] == ["database"]
    assert "heddle.sqlite3" in wrong[0]["what"] and wrong[0]["fix"]


def test_a_wrong_flag_is_told_as_serve_would(capsys) -> None:
    assert doctor_command.main(["--prot", "1"]) == 2
    assert "--port" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    assert "failure" in levels(doctor.folders(Settings(data_dir=tmp_path / "data")))


def test_a_disk_that_is_nearly_full_is_a_warning(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LITTLE_SPACE", 2**62)

    assert levels(doctor.folders(Settings(data_dir=data_dir))) == ["warning"] * 5


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def version(name: str) -> str:
        if name == "aiohttp":
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "pillow" else "9999"

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    failure = [finding for finding in doctor.installation(settings) if finding.level == "failure"]

    assert "aiohttp" in failure[0].what and "pillow 0.0.1" in failure[0].what


def test_a_port_that_another_program_has_is_a_failure_with_another_to_choose(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = list(doctor.address(Settings(data_dir=data_dir, port=port)))

    assert [finding.level for finding in found] == ["failure"] and f"--port {port + 1}" in found[0].fix


def test_an_exposed_server_is_warned_of_a_weak_token_and_of_plain_text(data_dir: Path, port: int) -> None:
    weak = Settings(data_dir=data_dir, hosts=("0.0.0.0",), port=port, token="short")
    bare = Settings(data_dir=data_dir, hosts=("0.0.0.0",), port=port, insecure=True)

    assert [finding.level for finding in doctor.address(weak)] == ["ok", "warning", "warning"]
    assert any("password" in finding.what for finding in doctor.address(bare))


def test_pickles_that_will_not_be_opened_are_named(data_dir: Path) -> None:
    folder = data_dir / "models" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "old.ckpt").write_bytes(b"")

    assert "checkpoints/old.ckpt" in list(doctor.models(Settings(data_dir=data_dir)))[-1].what
    assert levels(doctor.models(Settings(data_dir=data_dir, allow_pickle=True))) == ["ok"]


def test_the_command_tells_of_the_devices(tmp_path: Path, port: int) -> None:
    command = [sys.executable, "main.py", "doctor", "--data-dir", str(tmp_path / "data"), "--port", str(port), "--cpu"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "device cpu:" in result.stdout
