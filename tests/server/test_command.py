"""Launch flags."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server.command import main, parse
from server.errors import SettingsError
from server.pools.local import worker_command
from server.settings import CacheSetting


def test_without_flags_the_server_listens_on_loopback_with_one_worker() -> None:
    settings = parse([])

    assert (settings.hosts, settings.port, settings.workers) == (("127.0.0.1",), 8188, 1)
    assert settings.max_upload_bytes == 104857600 and not settings.is_exposed


def test_the_launch_flags_people_have_in_their_scripts_are_understood(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    settings = parse(
        f"--listen 127.0.0.1,::1 --port 9000 --base-directory {tmp_path} --input-directory {tmp_path}/i "
        f"--output-directory {tmp_path}/o --temp-directory {tmp_path}/t --user-directory {tmp_path}/u "
        f"--front-end-root {tmp_path} --cpu --cache-lru 7 --disable-all-custom-nodes --whitelist-custom-nodes a b "
        "--enable-cors-header --max-upload-size 50 --disable-metadata --preview-method none --multi-user "
        "--verbose".split()
    )

    assert settings.hosts == ("127.0.0.1", "::1") and settings.port == 9000 and settings.data_dir == tmp_path
    assert settings.temp_dir == tmp_path / "t" / "temp", "only a folder of our own making is emptied"
    assert settings.cache == CacheSetting("lru", 7) and settings.cors_origin == "*"
    assert settings.max_upload_bytes == 50 * 1024 * 1024 and settings.log_level == "DEBUG"
    command = worker_command(settings)
    for flags in (
        "--cpu",
        "--cache-lru 7",
        "--disable-metadata",
        "--preview-method none",
        "--whitelist-custom-nodes a b",
    ):
        assert flags in " ".join(command)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--prot", "1"], "Did you mean --port?"),
        (["--lowvram"], "is not needed"),
        (["--port", "high"], "invalid int value"),
        (["--port", "70000"], "no port"),
        (["surprise"], "Unexpected argument"),
        (["--cache-lru", "-1"], "from 0 on"),
        (["--cache-none", "--cache-classic"], "not allowed with"),
        (["--workers", "0"], "at least one worker"),
        (["--host", "::1", "--listen"], "the same thing"),
        (["--front-end-root", "/nowhere"], "no index.html"),
        (["--tls-keyfile", "x"], "needs both"),
        (["--token", "@/nowhere/at/all"], "cannot be read"),
        (["--extra-model-paths-config", "/nowhere.yaml"], "cannot be read"),
        (["--max-upload-size", "0"], "above 0"),
    ],
)
def test_a_wrong_flag_is_an_error_with_a_hint(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match=words.replace("?", r"\?")):
        parse(flags)

    assert main(flags) == 2
    assert words in capsys.readouterr().err


def test_secrets_on_the_command_line_are_not_shown_by_the_server() -> None:
    assert parse(["--token", "s3cret", "--cpu"]).arguments == ("main.py", "--token", "…", "--cpu")
    assert parse(["--token=s3cret"]).arguments == ("main.py", "--token=…")


def test_a_token_can_come_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from-file\n")
    assert parse(["--token", f"@{tmp_path}/token"]).token == "from-file"
    monkeypatch.setenv("HEDDLE_TOKEN", "from-env")

    assert parse([]).token == "from-env"


def test_extra_model_paths_are_read_with_their_base_and_several_lines(tmp_path: Path) -> None:
    file = tmp_path / "extra.yaml"
    file.write_text(
        "studio:\n  base_path: models\n  is_default: true\n  checkpoints: sd\n  clip: |\n    te\n    more\n"
        "  custom_nodes: packs\nempty:\n"
    )
    settings = parse(["--extra-model-paths-config", str(file)])
    found = [
        (extra.key, extra.path.relative_to(tmp_path).as_posix(), extra.is_default) for extra in settings.extra_paths
    ]

    assert found == [
        ("checkpoints", "models/sd", True),
        ("text_encoders", "models/te", True),
        ("text_encoders", "models/more", True),
        ("custom_nodes", "models/packs", True),
    ]
    assert f"checkpoints={tmp_path}/models/sd" in worker_command(settings)


@pytest.mark.parametrize("text", ["a: [1", "- 1", "a: 3", "a:\n  loras: 3"])
def test_a_broken_extra_paths_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "extra.yaml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=r"extra\.yaml"):
        parse(["--extra-model-paths-config", str(file)])


def test_help_lists_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])

    assert caught.value.code == 0
    assert "--extra-model-paths-config" in capsys.readouterr().out


def test_the_server_never_imports_torch_nodes_or_plugins() -> None:
    import subprocess

    program = (
        "import sys; import server.app, server.running, server.pools.local\n"
        "bad = {'torch', 'nodes', 'interop', 'worker', 'diffusion', 'numpy'} & set(sys.modules)\n"
        "assert not bad, bad"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert result.returncode == 0, result.stderr
