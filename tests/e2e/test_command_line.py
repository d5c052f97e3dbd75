"""The commands as a person types them: real processes, real files, real exit statuses."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "workflows" / "text-to-image.json"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def heddle(*arguments: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, env=ENVIRONMENT)


def colour_at(picture: Path, x: float, y: float) -> tuple[int, int, int]:
    with Image.open(picture) as image:
        rgb = image.convert("RGB")
        pixel = rgb.getpixel((int(x * rgb.width), int(y * rgb.height)))
    assert isinstance(pixel, tuple)
    return pixel[0], pixel[1], pixel[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """What `run` said and the folder it wrote to."""
    folder = tmp_path_factory.mktemp("made")
    return heddle("run", DEFAULT, "--set", "Prompt.text=a red circle on a blue background", "--set", "5.seed=3",
                  "--output", folder, "--json"), folder  # fmt: skip


def test_run_makes_the_picture_that_the_prompt_asks_for(made: tuple[Any, Path]) -> None:
    result, folder = made

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)
    (picture,) = folder.glob("*.png")
    middle, edge = colour_at(picture, 0.5, 0.5), colour_at(picture, 0.05, 0.05)
    assert middle[0] > middle[2] + 60, f"the middle should be red, is {middle}"
    assert edge[2] > edge[0] + 60, f"the edge should be blue, is {edge}"


def test_a_picture_can_be_run_again_from_its_own_file(made: tuple[Any, Path], tmp_path: Path) -> None:
    (picture,) = made[1].glob("*.png")
    result = heddle("run", picture, "--output", tmp_path)

    assert result.returncode == 0, result.stderr
    (again,) = tmp_path.glob("*.png")
    assert Image.open(again).tobytes() == Image.open(picture).tobytes()


def test_every_problem_of_a_workflow_is_reported_at_once_and_nothing_is_made(tmp_path: Path) -> None:
    document = json.loads(DEFAULT.read_text())
    document["nodes"]["5"]["inputs"]["steps"] = 0
    document["nodes"]["5"]["inputs"]["sampler_name"] = "eular"
    del document["nodes"]["6"]["inputs"]["vae"]
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))

    result = heddle("run", broken, "--output", tmp_path / "out")

    assert result.returncode != 0
    for clue in ("steps", "sampler_name", "vae"):
        assert clue in result.stderr
    assert not list((tmp_path / "out").glob("*.png")) if (tmp_path / "out").exists() else True


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (["run", "no-such-file.json"], "no-such-file.json"),
        (["run", str(DEFAULT), "--set", "nonsense"], "nonsense"),
        (["run", str(DEFAULT), "--set", "Prompt.txt=x"], "txt"),
        (["run", str(DEFAULT), "--set", "99.text=x"], "99"),
        (["--prot", "8188"], "--prot"),
        (["serve", "--port", "99999999"], "99999999"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(arguments: list[str], clue: str) -> None:
    result = heddle(*arguments)

    assert result.returncode != 0
    assert clue in result.stderr
    assert "Traceback" not in result.stderr


def test_control_c_ends_a_run_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "main.py", "run", str(DEFAULT), "--set", "5.steps=5000", "--output", str(tmp_path)]
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))  # without a width the bar shows no steps
    process = subprocess.Popen(command, cwd=ROOT, stderr=terminal, env=ENVIRONMENT)
    os.close(terminal)
    shown = b""
    try:
        while b"/5000" not in shown:
            shown += os.read(screen, 4096)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shown += os.read(screen, 65536)
    finally:
        process.kill()
        process.wait()
        os.close(screen)

    assert process.returncode == 130
    assert b"Traceback" not in shown
    assert not list(tmp_path.glob("*.png"))


def test_a_truncated_checkpoint_is_named_with_the_cause(tmp_path: Path) -> None:
    models = tmp_path / "models" / "checkpoints"
    models.mkdir(parents=True)
    whole = (ROOT / "diffusion" / "embedded" / "heddle-shapes-128.safetensors").read_bytes()
    (models / "half.safetensors").write_bytes(whole[: len(whole) // 2])

    result = heddle("run", DEFAULT, "--models-dir", tmp_path / "models", "--set", "1.ckpt_name=half.safetensors",
                    "--output", tmp_path / "out")  # fmt: skip

    assert result.returncode != 0
    assert "half.safetensors" in result.stderr
    assert "truncated" in result.stderr or "incomplete" in result.stderr
